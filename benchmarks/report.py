"""Prints figures and goals, and writes them as JSON."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.figures import Goal, Measure, Results


def report(
    results: Results, path: Path, packages: Sequence[str], *, is_quick: bool, **described: object
) -> int:
    """Print and write what was measured; return 0 if every goal is met, else 1."""
    _print_results(results)
    _write_json(results, path, packages, is_quick=is_quick, **described)
    return 0 if results.is_good else 1


def _print_results(results: Results) -> None:
    """Print two tables: what was measured, and how it stands to the goals."""
    console = Console(width=None if Console().is_terminal else 110)
    console.print(_figures(results.measures))
    console.print(_goals(results.goals))


def _figures(measures: list[Measure]) -> Table:
    table = Table(title="Figures, median of the rounds (take ratios, not figures)")
    for heading in ("scenario", "subject"):
        table.add_column(heading)
    for heading in ("median", "lowest", "highest"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    for one in measures:
        low, high = min(one.rounds), max(one.rounds)
        numbers = [_number(value) for value in (one.median, low, high)]
        table.add_row(one.scenario, one.subject, *numbers, one.unit)
    return table


def _goals(goals: list[Goal]) -> Table:
    table = Table(title="Goals")
    for heading in ("scenario", "ratio"):
        table.add_column(heading)
    for heading in ("is", "wanted"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for one in goals:
        verdict = "[green]holds[/]" if one.is_met else "[bold red]falls short[/]"
        table.add_row(one.scenario, one.text, f"{one.value:.3g}", one.wanted, verdict)
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _write_json(results: Results, path: Path, packages: Sequence[str], **described: object) -> None:
    """Write everything, and with what it was measured."""
    measured: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        **described,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured | results.as_json(), indent=2) + "\n", encoding="utf-8")
