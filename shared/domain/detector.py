"""A detector of a signal: the two rules that make findings of the summaries that carry it. Pure.

The keyword rule counts the summaries that carry a signal in a period. The semantic rule takes the
newest of them as seeds and counts those that are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.confidence import confidence, keyword_confidence
from shared.domain.evidence import describe_group, merge_users, supersede
from shared.domain.findings import Finding, Group, Link, Look, PatternKey, Signal, Summary
from shared.domain.grouping import group_by_period, group_by_similarity
from shared.domain.periods import PeriodType
from shared.domain.places import Place
from shared.domain.seeds import Seed, choose_seeds
from shared.domain.sureness import is_sure
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

    def sureness(self, group: Group) -> float:
        """Return the confidence, 0.0 to `cap`."""
        similarity = min(max(group.mean_similarity or 0.0, 0.0), 1.0)
        size = len(group.members)
        return confidence(size=size, mean_similarity=similarity, full_at=self.full_at, cap=self.cap)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the graph holds for one detector in some weeks of some projects."""

    places: Sequence[Place] = ()
    carriers: Sequence[Summary] = ()
    """The summaries in them that carry the signal; of a very full week the newest."""
    links: Sequence[Link] = ()
    """The seeds among them with their neighbours, each as alike as the semantic rule wants."""


@dataclass(frozen=True, slots=True)
class SignalDetector:
    """Finds one type of pattern by a signal that summaries carry."""

    type: PatternType
    signal: Signal
    keyword: KeywordRule
    semantic: SemanticRule

    def find(self, reading: Reading) -> Look:
        """Return what is in the places: semantic findings in place of the keyword ones they cover.

        Findings of several users in one place are the one pattern that they are.
        """
        findings = supersede(self._find_by_keyword(reading), self._find_alike(reading))
        return Look(merge_users(findings), self._checked(reading.places))

    def counts(self, summary: Summary) -> bool:
        """Whether a summary that carries the signal is sure enough to be evidence."""
        return is_sure(summary, self.signal)

    def seeds(self, carriers: Sequence[Summary]) -> list[Seed]:
        """Return the carriers whose neighbours are to be looked for."""
        return choose_seeds(carriers, self.semantic.period_type, minimum=self.semantic.minimum)

    def _checked(self, places: Sequence[Place]) -> frozenset[PatternKey]:
        return frozenset(
            (self.type, rule.name, place.project_name, period)
            for place in places
            for rule in (self.keyword, self.semantic)
            for period in place.periods(rule.period_type)
        )

    def _find_by_keyword(self, reading: Reading) -> list[Finding]:
        rule = self.keyword
        groups = group_by_period(reading.carriers, rule.period_type)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group))
            for group in groups
            if rule.finds(group)
        ]

    def _find_alike(self, reading: Reading) -> list[Finding]:
        rule = self.semantic
        links = [link for link in reading.links if link.neighbour.carries(self.signal)]
        groups = group_by_similarity(links, rule.period_type, minimum=rule.minimum)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group)) for group in groups
        ]
