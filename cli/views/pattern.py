"""One pattern: why, on what evidence, and what somebody said of it."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from rich.console import Group, RenderableType

from cli.terminal import Indented, local_time, plain, shorten
from cli.views.patterns import EXCERPT_CHARACTERS, Answered, Pattern, headline


class Review(Answered):
    """What somebody said of it."""

    verdict: str
    note: str | None
    reviewed_by: str
    reviewed_at: datetime


class Related(Answered):
    """What stands on some of the same evidence."""

    id: str
    type: str
    name: str
    period: str
    shared: int


class Detail(Pattern):
    """One pattern in full."""

    reason: str
    facts: dict[str, JsonValue]
    review: Review | None
    related: list[Related]


def show_detail(answer: JsonValue) -> RenderableType:
    """Return all there is to say of a pattern."""
    one = Detail.model_validate(answer)
    lines: list[RenderableType] = [plain(one.reason)]
    lines += [plain(f"{name}: {_fact(value)}", "dim") for name, value in one.facts.items()]
    if said := one.review:
        why = f": {said.note}" if said.note else ""
        told = f"{said.verdict} by {said.reviewed_by}, {local_time(said.reviewed_at)}{why}"
        lines.append(plain(told, "bold"))
    lines += [
        plain(f"• {local_time(each.occurred_at)} ", "dim")
        + plain(shorten(each.excerpt, EXCERPT_CHARACTERS))
        for each in one.evidence
    ]
    lines += [
        plain(f"shares {each.shared} with {each.type} {each.name} {each.period} {each.id}", "dim")
        for each in one.related
    ]
    return Group(headline(one), Indented(Group(*lines), 5))


def _fact(value: JsonValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
