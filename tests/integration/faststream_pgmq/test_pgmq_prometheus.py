"""What Prometheus is told, with its own client and real queues."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from psycopg import AsyncConnection

from faststream_pgmq import DeadLetter, RetryPolicy
from faststream_pgmq.prometheus import PgmqPrometheusMiddleware
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import dead_letters, eventually, is_drained


class Metrics:
    """A registry, read by name."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.middleware = PgmqPrometheusMiddleware(registry=self.registry, app_name="tests")

    def value(self, name: str, **labels: str) -> float:
        common = {"app_name": "tests", "broker": "pgmq"}
        return self.registry.get_sample_value(f"faststream_{name}", common | labels) or 0.0

    def processed(self, status: str) -> float:
        return self.value("received_processed_messages_total", handler="jobs", status=status)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


async def test_a_single_message_is_counted_once(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], metrics: Metrics
) -> None:
    broker = make_broker(middlewares=[metrics.middleware])

    @broker.subscriber("jobs")
    async def handle(body: dict[str, int]) -> None: ...

    await broker.start()
    await broker.publish({"n": 1}, "jobs")
    await eventually(lambda: is_drained(sql))
    size = len('{"n": 1}')
    assert metrics.value("received_messages_total", handler="jobs") == 1
    assert metrics.value("received_messages_size_bytes_sum", handler="jobs") == size
    assert metrics.processed("acked") == 1
    assert metrics.value("received_messages_in_process", handler="jobs") == 0
    assert metrics.value("published_messages_total", destination="jobs", status="success") == 1


async def test_a_batch_counts_each_of_its_messages(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], metrics: Metrics
) -> None:
    broker = make_broker(middlewares=[metrics.middleware])

    @broker.subscriber("jobs", batch=True)
    async def handle(bodies: list[str]) -> None: ...

    await broker.connect()
    await broker.publish_batch("a", "bc", "ä", queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql))
    sizes = len('"a"') + len('"bc"') + len('"ä"'.encode())
    assert metrics.value("received_messages_total", handler="jobs") == 3
    assert metrics.value("received_messages_size_bytes_sum", handler="jobs") == sizes
    assert metrics.processed("acked") == 3


async def test_what_fails_is_counted_with_its_error(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], metrics: Metrics
) -> None:
    broker = make_broker(middlewares=[metrics.middleware])

    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=2, initial_delay=0.01))
    async def handle(body: str) -> None:
        raise DeadLetter("no") if body == "hopeless" else OSError("again")

    await broker.start()
    await broker.publish("hopeless", "jobs")
    await broker.publish("twice", "jobs")

    async def both_dead() -> bool:
        return len(await dead_letters(sql)) == 2

    await eventually(both_dead)
    failed = "received_processed_messages_exceptions_total"
    assert metrics.value(failed, handler="jobs", exception_type="OSError") == 2
    # DeadLetter is the handler's instruction: no error of its own, but no success either.
    assert metrics.value(failed, handler="jobs", exception_type="DeadLetter") == 0
    assert metrics.processed("error") == 3
    assert metrics.processed("acked") == 0
