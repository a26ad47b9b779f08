"""Retries, then a dead letter, then a second life for it once the cause is gone."""

from faststream import FastStream
from pydantic import BaseModel

from faststream_pgmq import PgmqBroker, RetryPolicy
from faststream_pgmq.annotations import PgmqMessage
from faststream_pgmq.examples.setting_up import DATABASE_URL, make_queues

broker = PgmqBroker(DATABASE_URL)
app = FastStream(broker)
rates = {"EUR": 1.0}


class Payment(BaseModel):
    cents: int
    currency: str


@app.on_startup
async def prepare() -> None:
    await make_queues("example_payments", "example_repairs")


@broker.subscriber("example_payments", retry=RetryPolicy(max_attempts=3, initial_delay=0.1))
async def book(payment: Payment, message: PgmqMessage) -> None:
    print(f"attempt {message.attempts + 1}")
    print(f"booked {payment.cents * rates[payment.currency]:.0f}")
    app.exit()


@broker.subscriber("example_repairs")
async def repair(currency: str) -> None:
    letters = broker.dead_letters("example_payments")
    (letter,) = await letters.find()
    print(f"dead letter: {letter.error} {letter.error_message}")
    rates[currency] = 2.0
    await letters.redrive([letter.msg_id])


@app.after_startup
async def pay() -> None:
    await broker.publish(Payment(cents=21, currency="CHF"), "example_payments")
    await broker.publish("CHF", "example_repairs", delay=2)
