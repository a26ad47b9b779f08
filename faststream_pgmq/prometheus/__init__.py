"""Prometheus: FastStream's metrics of messages, and gauges of what the queues hold."""

from faststream_pgmq.prometheus.collector import QueueCollector
from faststream_pgmq.prometheus.middleware import PgmqPrometheusMiddleware

__all__ = ("PgmqPrometheusMiddleware", "QueueCollector")
