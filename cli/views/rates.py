"""How often each type of pattern is, week by week, and how sure that is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from pydantic import Field, JsonValue
from rich.console import Group, RenderableType
from rich.table import Table

from cli.terminal import local_time, plain
from cli.views.patterns import Answered

BLOCKS: Final = "▁▂▃▄▅▆▇█"


class Week(Answered):
    """What share of a week's memories patterns of a type stand on."""

    week: date
    memories: int
    matched: int
    share: float | None
    low: float
    high: float


class Step(Answered):
    """From then on patterns were found by other rules or another model."""

    at: datetime
    detector: str
    method: str
    before: str


class OfType(Answered):
    """One type's weeks, oldest first; the last may still go on."""

    type: str
    weeks: list[Week]
    steps: list[Step] = Field(default_factory=list[Step])


class Rates(Answered):
    """By type."""

    rates: list[OfType]


def show_rates(answer: JsonValue) -> RenderableType:
    """Return a line for each type: its weeks, and the last whole one with what it likely is."""
    found = Rates.model_validate(answer).rates
    if not found:
        return plain("No pattern stands on memories of the last weeks.")
    table = Table(box=None, pad_edge=False)
    for heading in ("type", "weeks", "last full week", "likely", "of memories"):
        table.add_column(heading)
    for one in found:
        last = next((week for week in reversed(one.weeks[:-1]) if week.memories), None)
        table.add_row(plain(one.type, "bold"), draw(one.weeks), *tell(last))
    steps = [
        plain(f"{local_time(step.at)} {step.detector}: {step.before} → {step.method}", "yellow")
        for one in found
        for step in one.steps
    ]
    return Group(table, *steps)


def draw(weeks: list[Week]) -> str:
    """Return a block for each week, as high as its share is of the highest; none without any."""
    top = max((week.share or 0.0 for week in weeks), default=0.0) or 1.0
    last = len(BLOCKS) - 1
    return "".join(
        " " if week.share is None else BLOCKS[round(week.share / top * last)] for week in weeks
    )


def tell(week: Week | None) -> tuple[str, str, str]:
    """Return a week's share, between what it lies, and of how many memories it is."""
    if week is None or week.share is None:
        return "–", "–", "–"
    return (
        f"{week.share:.1%}",
        f"{week.low:.1%} to {week.high:.1%}",
        f"{week.matched} of {week.memories}",
    )
