"""A batch: one call and one transaction for many messages, and one bad one harms no other."""

from faststream import FastStream

from faststream_pgmq import BatchError, DeadLetter, PgmqBroker, PgmqResponse
from faststream_pgmq.examples.setting_up import DATABASE_URL, make_queues

broker = PgmqBroker(DATABASE_URL)
app = FastStream(broker)


@app.on_startup
async def prepare() -> None:
    await make_queues("example_readings", "example_totals")


@broker.subscriber("example_readings", batch=True, max_messages=1000)
@broker.publisher("example_totals")
async def add_up(readings: list[float]) -> list[PgmqResponse]:
    bad: dict[int, Exception] = {
        index: DeadLetter(f"{reading} is no reading")
        for index, reading in enumerate(readings)
        if reading < 0
    }
    good = [index for index in range(len(readings)) if index not in bad]
    total = PgmqResponse(sum(readings[index] for index in good), caused_by=good)
    if bad:
        raise BatchError(bad, replies=[total])
    return [total]


@broker.subscriber("example_totals")
async def show(total: float) -> None:
    (letter,) = await broker.dead_letters("example_readings").find()
    print(f"total {total}; dead letter: {letter.error_message}")
    app.exit()


@app.after_startup
async def measure() -> None:
    await broker.publish_batch(1.5, 2.5, -7.0, 4.0, queue="example_readings")
