"""Summaries as the graph would return them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.domain.findings import Link, Summary

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


def summary(
    name: str,
    *,
    hours: float = 0,
    user: str = "anna",
    project: str = "shop",
    signals: tuple[str, ...] = (
        "is_debugging",
        "is_learning",
        "is_refactoring",
        "is_problem_solving",
    ),
) -> Summary:
    """Return a summary of `hours` after Monday, 09:00 UTC."""
    found: dict[str, bool | float | int] = dict.fromkeys(signals, True)
    return Summary(name, user, project, MONDAY + timedelta(hours=hours), found)


def linked(similarity: float, *summaries: Summary) -> list[Link]:
    """Return links of the first with each of the rest."""
    seed, *neighbours = summaries
    return [Link(seed, neighbour, similarity) for neighbour in neighbours]
