"""Prometheus: FastStream's metrics of what is received, processed and published."""

from faststream_pgmq.prometheus.middleware import PgmqPrometheusMiddleware

__all__ = ("PgmqPrometheusMiddleware",)
