"""A detector: which summaries it reads, and the two rules that make findings of them. Pure.

The keyword rule counts the summaries that carry a signal in a period. The semantic rule takes the
newest of them as seeds and counts those that are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.confidence import confidence, keyword_confidence
from shared.domain.evidence import describe_group, merge_users, supersede
from shared.domain.findings import Finding, Group, Link, Signal, Summary
from shared.domain.grouping import group_by_period, group_by_similarity, without_incomplete
from shared.domain.periods import PeriodType
from shared.messages import PatternType


@dataclass(frozen=True, slots=True)
class KeywordRule:
    """Finds periods with more than `more_than` summaries that carry the signal."""

    name: str
    period_type: PeriodType
    more_than: int
    full_at: int
    """Size at which the confidence would reach 1.0, if `cap` let it."""
    cap: float

    def finds(self, group: Group) -> bool:
        """Whether the group is large enough."""
        return len(group.members) > self.more_than

    def sureness(self, group: Group) -> float:
        """Return the confidence, 0.0 to `cap`."""
        return keyword_confidence(size=len(group.members), full_at=self.full_at, cap=self.cap)


@dataclass(frozen=True, slots=True)
class SemanticRule:
    """Finds groups of alike summaries inside one period."""

    name: str
    period_type: PeriodType
    minimum: int
    """Size of a seed and its neighbours from which they are a group."""
    full_at: int
    cap: float
    cosine: float
    """How alike a neighbour must be, on the scale of the domain's reference model."""
    recent_days: int | None = None
    """Looks only at this many days before the newest memory of the workspace."""

    def sureness(self, group: Group) -> float:
        """Return the confidence, 0.0 to `cap`."""
        similarity = min(max(group.mean_similarity or 0.0, 0.0), 1.0)
        size = len(group.members)
        return confidence(size=size, mean_similarity=similarity, full_at=self.full_at, cap=self.cap)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the graph holds for one detector in one workspace."""

    carriers: Sequence[Summary] = ()
    """The newest summaries that carry the signal."""
    links: Sequence[Link] = ()
    """The seeds among them with their neighbours, each as alike as the semantic rule wants."""
    is_full: bool = False
    """The read stopped at its limit: there are older carriers."""
    seeds_are_full: bool = False
    """The same for the seeds."""


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds one type of pattern."""

    type: PatternType
    signal: Signal
    keyword: KeywordRule | None
    semantic: SemanticRule

    def find(self, reading: Reading) -> list[Finding]:
        """Return the findings, the semantic ones in place of the keyword ones they cover."""
        semantic = self._find_alike(reading)
        return merge_users(supersede(self._find_by_keyword(reading), semantic))

    def _find_by_keyword(self, reading: Reading) -> list[Finding]:
        rule = self.keyword
        if rule is None:
            return []
        groups = group_by_period(reading.carriers, rule.period_type)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group))
            for group in without_incomplete(groups, is_full=reading.is_full)
            if rule.finds(group)
        ]

    def _find_alike(self, reading: Reading) -> list[Finding]:
        rule = self.semantic
        links = [link for link in reading.links if link.neighbour.carries(self.signal)]
        groups = group_by_similarity(links, rule.period_type, minimum=rule.minimum)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group))
            for group in without_incomplete(groups, is_full=reading.seeds_are_full)
        ]
