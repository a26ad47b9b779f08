"""Puts summaries into groups of one user, one project and one period. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import TypeAlias

from shared.domain.findings import Group, Link, Summary
from shared.domain.periods import PeriodType, period_of

Place: TypeAlias = tuple[str, str, str]
"""User, project and period."""


def group_by_period(summaries: Iterable[Summary], period_type: PeriodType) -> list[Group]:
    """Return one group for each user, project and period."""
    places: defaultdict[Place, set[Summary]] = defaultdict(set)
    for summary in summaries:
        places[_place(summary, period_type)].add(summary)
    return [
        Group(oldest_first(members), period, period_type)
        for (_, _, period), members in sorted(places.items())
    ]


def group_by_similarity(
    links: Iterable[Link], period_type: PeriodType, *, minimum: int
) -> list[Group]:
    """Return the groups of seeds that have enough neighbours in their own place.

    A seed with too few neighbours takes no part, so that a group is tight around each of its
    seeds. Two seeds of one place share a group: the pattern is theirs together.
    """
    stars: defaultdict[Summary, dict[Summary, float]] = defaultdict(dict)
    for link in links:
        if _place(link.seed, period_type) == _place(link.neighbour, period_type):
            stars[link.seed][link.neighbour] = link.similarity
    places: defaultdict[Place, list[Summary]] = defaultdict(list)
    for seed, neighbours in stars.items():
        if len(neighbours) + 1 >= minimum:
            places[_place(seed, period_type)].append(seed)
    return [
        _join(seeds, stars, period, period_type) for (_, _, period), seeds in sorted(places.items())
    ]


def oldest_first(summaries: Iterable[Summary]) -> tuple[Summary, ...]:
    """Return summaries in the order of their time, then of their id."""
    return tuple(sorted(summaries, key=lambda summary: (summary.occurred_at, summary.id)))


def _join(
    seeds: list[Summary],
    stars: dict[Summary, dict[Summary, float]],
    period: str,
    period_type: PeriodType,
) -> Group:
    members = {member for seed in seeds for member in (seed, *stars[seed])}
    similarities = [similarity for seed in seeds for similarity in stars[seed].values()]
    return Group(oldest_first(members), period, period_type, len(seeds), fmean(similarities))


def _place(summary: Summary, period_type: PeriodType) -> Place:
    period = period_of(summary.occurred_at, period_type)
    return (summary.user_id, summary.project_name, period)
