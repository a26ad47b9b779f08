"""Prints tables and JSON; what messages hold cannot steer the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence


def show_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; the last may be long."""
    lines = [titles, *([plain(cell, one_line=True) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def as_json(document: object) -> None:
    """Print JSON."""
    typer.echo(to_json(document))


def to_json(document: object) -> str:
    """Return indented JSON; dataclasses become objects, and moments ISO 8601."""
    return json.dumps(document, default=_encode, indent=2, ensure_ascii=False)


def _encode(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def plain(text: str, *, one_line: bool = False) -> str:
    """Return text without control characters; they could hide or forge what is shown."""
    kept = "" if one_line else "\n\t"
    return "".join(
        letter if letter.isprintable() or letter in kept else " " if letter.isspace() else "?"
        for letter in text
    )


def counted(count: int | None, most: int) -> str:
    """Return a count that stops at `most`."""
    if count is None:
        return "?"
    return f">{most:,}" if count > most else f"{count:,}"


def duration(seconds: float) -> str:
    """Return a length of time in its largest two units: `3m 20s`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, left = divmod(left, size)
        if amount or (unit == "s" and not parts):
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2])


def size(count: int | None) -> str:
    """Return bytes in the largest unit that leaves a number of at least 1: `3.2 MB`."""
    if count is None:
        return "?"
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
