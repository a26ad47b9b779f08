"""Gauges of what the queues hold, read from Postgres when Prometheus asks."""

from __future__ import annotations

import logging
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from faststream_pgmq.connecting import describe, with_defaults
from faststream_pgmq.health import HEALTH, OLDEST_SNAPSHOT, QueueHealth, Snapshot
from faststream_pgmq.overview import MOST, OVERVIEW, QueueOverview

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

CACHE_SECONDS: Final = 15.0
TIMEOUT: Final = 5
"""Seconds for connecting, and for each statement."""

OF_OVERVIEW: Final = {
    "ready": "Messages that may be claimed now; counted up to a limit",
    "delayed": "Messages sent with a delay or waiting for a retry; counted up to a limit",
    "in_flight": "Messages that a consumer has; counted up to a limit",
    "dead": "Dead letters; counted up to a limit",
    "oldest_seconds": "Seconds since the message that is next was sent; 0 when none is ready",
    "paused": "1 while the queue is paused for all its consumers",
}
OF_HEALTH: Final = {
    "dead_tuples": "Dead rows that are not yet removed",
    "table_bytes": "Size of the queue's table",
    "index_bytes": "Size of its indexes",
    "archive_bytes": "Size of its archive with indexes",
    "doorbell": "1 if senders wake sleeping consumers",
}


class QueueCollector(Collector):
    """Gauges `pgmq_queue_…` of every queue in a database, and two of the database itself.

    A scrape connects, asks once with a limit on every count, and is answered from memory for the
    next seconds, so scrapes cannot hurt. It blocks its thread meanwhile, for seconds at most:
    serve it from a thread, as `prometheus_client.start_http_server` does.

    Args:
        conninfo: libpq connection string or URL; empty means libpq's own environment variables.
        registry: where to register; without it, register it yourself.
        most: nothing is counted beyond this.
        cache_seconds: how long one answer serves all scrapes.
    """

    def __init__(
        self,
        conninfo: str = "",
        *,
        registry: CollectorRegistry | None = None,
        most: int = MOST,
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self._dsn = with_defaults(
            conninfo, connect_timeout=TIMEOUT, application_name="faststream-pgmq metrics"
        )
        self._most = most
        self._cache_seconds = cache_seconds
        self._lock = Lock()
        self._metrics: list[Metric] = []
        self._fresh_until = float("-inf")
        if registry is not None:
            registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering asks no database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the gauges; without Postgres only `pgmq_up`, with 0."""
        with self._lock:
            if monotonic() >= self._fresh_until:
                self._metrics = self._ask()
                self._fresh_until = monotonic() + self._cache_seconds
            return self._metrics

    def _ask(self) -> list[Metric]:
        up = GaugeMetricFamily("pgmq_up", "1 if the queues' database has answered")
        try:
            gauges = self._read()
        except psycopg.Error as error:
            logging.getLogger(__name__).warning(
                "cannot read queues at %s: %s", describe(self._dsn), type(error).__name__
            )
            gauges = []
        up.add_metric([], 1.0 if gauges else 0.0)
        return [up, *gauges]

    def _read(self) -> list[Metric]:
        with psycopg.connect(self._dsn, autocommit=True) as conn:
            conn.execute("SELECT set_config('statement_timeout', %s, false)", (f"{TIMEOUT}s",))
            held = [QueueOverview(*row) for row in conn.execute(OVERVIEW, (self._most,))]
            tables = [QueueHealth(*row) for row in conn.execute(HEALTH)]
            oldest = conn.execute(OLDEST_SNAPSHOT).fetchone()
        return [
            *_gauges(OF_OVERVIEW, held),
            *_gauges(OF_HEALTH, tables),
            *_snapshot_gauges(None if oldest is None else Snapshot(*oldest)),
        ]


def _gauges(texts: dict[str, str], rows: Iterable[Any]) -> list[Metric]:
    rows = list(rows)
    return [_gauge(name, text, rows) for name, text in texts.items()]


def _gauge(name: str, text: str, rows: Iterable[Any]) -> Metric:
    gauge = GaugeMetricFamily(f"pgmq_queue_{name}", text, labels=["queue"])
    for row in rows:
        value = _value(name, row)
        if value is not None:
            gauge.add_metric([row.queue], float(value))
    return gauge


def _value(name: str, row: Any) -> float | None:
    if name == "paused":
        return float(row.paused_at is not None)
    if name == "oldest_seconds" and row.ready is not None:
        return float(row.oldest_seconds or 0.0)
    value: float | None = getattr(row, name)
    return value


def _snapshot_gauges(oldest: Snapshot | None) -> list[Metric]:
    seconds = GaugeMetricFamily(
        "pgmq_oldest_snapshot_seconds",
        "Age of the oldest transaction that keeps dead rows from being removed",
    )
    transactions = GaugeMetricFamily(
        "pgmq_oldest_snapshot_transactions",
        "How many transactions began since it took its snapshot",
    )
    if oldest is None or oldest.seconds is not None:
        seconds.add_metric([], oldest.seconds if oldest and oldest.seconds else 0.0)
    transactions.add_metric([], float(oldest.transactions if oldest else 0))
    return [seconds, transactions]
