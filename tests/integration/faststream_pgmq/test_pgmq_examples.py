"""Every example of the package runs to its end and prints what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files

import pytest

PRINTS = {
    "outbox": ["order 1 is not there, and nobody ships it", "shipping order 2"],
    "batch": ["total 8.0; dead letter: -7.0 is no reading"],
    "dead_letters": ["attempt 3", "dead letter: KeyError 'CHF'", "attempt 1", "booked 42"],
    "telemetry": ["length 6", "1 trace:", "count letters"],
    "housekeeping": ['pgmq_queue_ready{queue="example_jobs"} 0.0'],
}


def test_every_example_is_run_here() -> None:
    names = {one.name for one in files("faststream_pgmq").joinpath("examples").iterdir()}
    programs = {name.removesuffix(".py") for name in names if name.endswith(".py")}
    assert programs - {"__init__", "setting_up"} == set(PRINTS)


@pytest.mark.parametrize("name", PRINTS)
def test_an_example_runs_to_its_end(name: str, dsn: str) -> None:
    program = [sys.executable, "-m", "faststream", "run", f"faststream_pgmq.examples.{name}:app"]
    environment = {**os.environ, "DATABASE_URL": dsn}
    done = subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    for text in PRINTS[name]:
        _, found, printed = printed.partition(text)
        assert found, (text, done.stdout, done.stderr)
