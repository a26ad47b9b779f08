"""What follows what: a problem and its solution, research and its implementation. Pure.

A pair is a memory and the first later one that fits. Each origin is judged by itself, so a pair
depends only on what lies between it and the end of its time; one memory may end several origins.

What fits (docs/detectors/activities.md says how often unrelated memories would):

- in the same session: an edit in a file that the origin touched, or what is alike (0.65);
- in another session: what is alike and shares a tenth of the files, or nearly repeats it (0.8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from shared.domain.calibration import Calibration
from shared.domain.findings import Origin, PatternKey, Signal, Summary
from shared.domain.periods import PeriodType, period_of
from shared.domain.places import Place
from shared.domain.sureness import is_sure
from shared.messages import PatternType

ALIKE: Final = 0.65
NEARLY_THE_SAME: Final = 0.8
"""Cosines on the scale of the domain's reference model."""
LEAST_OVERLAP: Final = 0.1
"""One file in common says nothing about somebody who touched a hundred."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A later memory of the same user and project that might belong to an origin."""

    origin: Summary
    later: Summary
    similarity: float
    """Cosine, -1.0 to 1.0."""
    same_session: bool
    shared_files: int
    """How many files both touched."""
    all_files: int
    """How many files either touched."""

    @property
    def gap(self) -> timedelta:
        """How long after the origin it happened."""
        return self.later.occurred_at - self.origin.occurred_at

    @property
    def overlap(self) -> float:
        """The share of their files that both touched."""
        return self.shared_files / max(self.all_files, 1)

    def fits(self, later: Signal, *, alike: float, nearly_the_same: float) -> bool:
        """Whether the later one carries on with the same thing."""
        if self.same_session and self.shared_files:
            return True  # whatever it says: it edits what the origin looked at
        if self.similarity < alike or not self.later.carries(later):
            return False
        near = self.same_session or self.overlap >= LEAST_OVERLAP
        return near or self.similarity >= nearly_the_same


@dataclass(frozen=True, slots=True)
class Speed:
    """A class of gaps."""

    below: timedelta
    name: str


Speeds: TypeAlias = tuple[Speed, ...]
Pairs: TypeAlias = Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class FollowingRule:
    """Which pairs of an origin and what followed it are a pattern."""

    type: PatternType
    name: str
    origin: Origin
    later: Signal
    within: timedelta
    period_type: PeriodType
    """Of the origins: one pattern for each project and period."""
    speeds: Speeds
    """Rising; what takes longer belongs to the last."""
    full_at: int
    """Pairs at which the confidence of perfectly alike ones would reach 1.0."""
    cap: float
    one: str
    many: str
    """What the origins are called."""
    done: str
    """What became of them."""

    def is_origin(self, summary: Summary) -> bool:
        """Whether it may begin a pair."""
        return is_sure(summary, self.origin)

    def speed_of(self, gap: timedelta) -> str:
        """Return the class of a gap."""
        return next((s.name for s in self.speeds if gap < s.below), self.speeds[-1].name)

    def pair(self, candidates: Iterable[Candidate], calibration: Calibration) -> list[Pairs]:
        """Return the pairs of each project and period, oldest origin first."""
        groups: defaultdict[tuple[str, str], list[Candidate]] = defaultdict(list)
        for pair in self._first_of_each(candidates, calibration):
            period = period_of(pair.origin.occurred_at, self.period_type)
            groups[pair.origin.project_name, period].append(pair)
        return [
            sorted(pairs, key=lambda pair: (pair.origin.occurred_at, pair.origin.id))
            for _, pairs in sorted(groups.items())
        ]

    def checked(self, places: Sequence[Place]) -> frozenset[PatternKey]:
        """Return the keys of all that could be found in the places."""
        return frozenset(
            (self.type, self.name, place.project_name, period)
            for place in places
            for period in place.periods(self.period_type)
        )

    def _first_of_each(
        self, candidates: Iterable[Candidate], calibration: Calibration
    ) -> list[Candidate]:
        alike, same = calibration.cosine(ALIKE), calibration.cosine(NEARLY_THE_SAME)
        first: dict[str, Candidate] = {}
        for candidate in sorted(candidates, key=_soonest_first):
            in_time = timedelta(0) < candidate.gap <= self.within
            if in_time and candidate.fits(self.later, alike=alike, nearly_the_same=same):
                first.setdefault(candidate.origin.id, candidate)
        return list(first.values())


def _soonest_first(candidate: Candidate) -> tuple[timedelta, str]:
    return (candidate.gap, candidate.later.id)
