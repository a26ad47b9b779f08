"""Chooses the summaries whose neighbours are looked for, and in what time. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, zip_longest
from typing import Final

from shared.domain.findings import Summary
from shared.domain.periods import PeriodType, bounds_of, period_of

MOST_OF_GROUP: Final = 10
"""The most seeds of one user, project and period."""
MOST: Final = 1_000
"""The most seeds of all, so that a run ends soon: the newest of each group in turn."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A summary, and the time inside its period in which its neighbours count."""

    summary: Summary
    since: datetime
    until: datetime


def choose_seeds(
    carriers: Sequence[Summary], period_type: PeriodType, *, minimum: int
) -> list[Seed]:
    """Return the newest carriers of each user, project and period that has `minimum` of them."""
    groups: defaultdict[tuple[str, str, str], list[Summary]] = defaultdict(list)
    for carrier in sorted(carriers, key=_newest_first):
        period = period_of(carrier.occurred_at, period_type)
        groups[carrier.user_id, carrier.project_name, period].append(carrier)
    large = [group[:MOST_OF_GROUP] for group in groups.values() if len(group) >= minimum]
    in_turn = (one for turn in zip_longest(*large) for one in turn if one is not None)
    return [Seed(one, *bounds_of(one.occurred_at, period_type)) for one in islice(in_turn, MOST)]


def _newest_first(summary: Summary) -> tuple[float, str]:
    return (-summary.occurred_at.timestamp(), summary.id)
