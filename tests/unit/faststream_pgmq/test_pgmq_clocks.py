"""The broker asks its own machine's clock for durations only: what time it is, Postgres knows."""

from __future__ import annotations

import ast
from pathlib import Path

import faststream_pgmq

ROOT = Path(faststream_pgmq.__file__).parent
WALL_CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
MAY_ASK = {
    "memory.py",  # it is the server there
    "opentelemetry/spans.py",  # spans are told at their process's clock, all of them
    # What the command line hears from people and shows them: ages, no due times.
    "cli/dlq.py",
    "cli/keeping.py",
}


def _asks(path: Path) -> list[int]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [(one.lineno, getattr(one.func, "attr", getattr(one.func, "id", ""))) for one in calls]
    return [line for line, name in named if name in WALL_CLOCKS]


def test_no_module_asks_what_time_it_is() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in ROOT.rglob("*.py")
        if str(path.relative_to(ROOT)) not in MAY_ASK
        for line in _asks(path)
    }
    assert found == set()


def test_the_check_finds_a_clock_where_there_is_one() -> None:
    assert _asks(ROOT / "memory.py") != []
