"""A message exists if and only if the row does: both are written in one transaction."""

from faststream import FastStream
from psycopg import AsyncConnection
from pydantic import BaseModel

from faststream_pgmq import PgmqBroker
from faststream_pgmq.examples.setting_up import DATABASE_URL, make_queues

broker = PgmqBroker(DATABASE_URL)
app = FastStream(broker)


class Order(BaseModel):
    id: int


@app.on_startup
async def prepare() -> None:
    await make_queues("example_orders")


@broker.subscriber("example_orders")
async def ship(order: Order) -> None:
    print(f"shipping order {order.id}")
    app.exit()


@app.after_startup
async def take_orders() -> None:
    async with await AsyncConnection.connect(DATABASE_URL, autocommit=True) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS example_order (id int)")
        try:
            async with connection.transaction():
                await save(connection, Order(id=1))
                raise RuntimeError("the card was refused")
        except RuntimeError as error:
            print(f"order 1 is not there, and nobody ships it: {error}")
        async with connection.transaction():
            await save(connection, Order(id=2))


async def save(connection: AsyncConnection, order: Order) -> None:
    await connection.execute("INSERT INTO example_order VALUES (%s)", (order.id,))
    await broker.publish(order, "example_orders", connection=connection)
