"""Chooses the summaries whose neighbours are looked for, and the time they are looked for in. Pure.

"The last 30 days" count back from the newest carrier of a project, not from now: sessions that are
imported months later still have their patterns, and a busy project does not hide a quiet one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, zip_longest

from shared.domain.findings import Summary
from shared.domain.periods import PeriodType, bounds_of


@dataclass(frozen=True, slots=True)
class Seed:
    """A summary, and the time inside its period in which its neighbours count."""

    summary: Summary
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Seeds:
    """The chosen seeds."""

    seeds: Sequence[Seed]
    complete_since: Mapping[str, datetime]
    """For each project with more carriers than seeds: its oldest seed."""


def choose_seeds(
    carriers: Sequence[Summary], period_type: PeriodType, *, recent_days: int | None, limit: int
) -> Seeds:
    """Return up to `limit` seeds, the newest of each project in turn."""
    projects: defaultdict[str, list[Summary]] = defaultdict(list)
    for carrier in sorted(carriers, key=_newest_first):
        newest = projects[carrier.project_name]
        if _is_recent(carrier, newest, recent_days):
            newest.append(carrier)
    turns = zip_longest(*projects.values())
    chosen = list(islice((one for turn in turns for one in turn if one is not None), limit))
    return Seeds(
        seeds=[_seed(one, projects[one.project_name], period_type, recent_days) for one in chosen],
        complete_since=_cut_projects(projects, chosen),
    )


def _seed(
    summary: Summary, newest: list[Summary], period_type: PeriodType, recent_days: int | None
) -> Seed:
    since, until = bounds_of(summary.occurred_at, period_type)
    if recent_days is not None:
        since = max(since, newest[0].occurred_at - timedelta(days=recent_days))
    return Seed(summary, since, until)


def _is_recent(carrier: Summary, newest: list[Summary], recent_days: int | None) -> bool:
    if recent_days is None or not newest:
        return True
    return newest[0].occurred_at - carrier.occurred_at <= timedelta(days=recent_days)


def _cut_projects(
    projects: Mapping[str, list[Summary]], chosen: list[Summary]
) -> dict[str, datetime]:
    counts: defaultdict[str, int] = defaultdict(int)
    for summary in chosen:
        counts[summary.project_name] += 1
    return {
        project: carriers[max(counts[project] - 1, 0)].occurred_at
        for project, carriers in projects.items()
        if counts[project] < len(carriers)
    }


def _newest_first(summary: Summary) -> tuple[float, str]:
    return (-summary.occurred_at.timestamp(), summary.id)
