"""A detector: which summaries it reads, and the two rules that make findings of them. Pure.

The keyword rule counts the summaries that carry a signal in a period. The semantic rule takes the
newest of them as seeds and counts those that are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from shared.domain.confidence import confidence, keyword_confidence
from shared.domain.evidence import describe_group, supersede
from shared.domain.findings import Finding, Group, Link, PatternKey, Signal, Summary
from shared.domain.grouping import group_by_period, group_by_similarity, read_to_its_end
from shared.domain.periods import PeriodType, period_of
from shared.messages import PatternType

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


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
    read_since: datetime | None = None
    """Older carriers were not read; None where all were."""
    seeded_since: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """The same for the seeds, for each project that has more carriers than seeds."""
    read_at: datetime = _LONG_AGO
    """The graph's own time before it was read: of two runs, the one that read later is right."""


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds one type of pattern."""

    type: PatternType
    signal: Signal
    keyword: KeywordRule | None
    semantic: SemanticRule

    def find(self, reading: Reading) -> list[Finding]:
        """Return each user's findings, the semantic ones in place of the keyword ones they cover.

        `merge_users` makes those of several users in one place the one pattern that they are.
        """
        return supersede(self._find_by_keyword(reading), self._find_alike(reading))

    def covering_key(self, finding: Finding) -> PatternKey | None:
        """Return the key of the semantic pattern that says more than a keyword finding."""
        if self.keyword is None or finding.name != self.keyword.name:
            return None
        period = period_of(finding.first_at, self.semantic.period_type)
        return (self.type, self.semantic.name, finding.project_name, period)

    def replaced_keys(self, finding: Finding) -> list[PatternKey]:
        """Return the keys of the keyword patterns that a semantic finding takes the place of."""
        if self.keyword is None or finding.name != self.semantic.name:
            return []
        project = finding.project_name
        return [(self.type, self.keyword.name, project, day) for day in finding.days()]

    def _find_by_keyword(self, reading: Reading) -> list[Finding]:
        rule = self.keyword
        if rule is None:
            return []
        groups = group_by_period(reading.carriers, rule.period_type)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group))
            for group in groups
            if rule.finds(group) and read_to_its_end(group, reading.read_since)
        ]

    def _find_alike(self, reading: Reading) -> list[Finding]:
        rule = self.semantic
        links = [link for link in reading.links if link.neighbour.carries(self.signal)]
        groups = group_by_similarity(links, rule.period_type, minimum=rule.minimum)
        return [
            describe_group(group, self.type, rule.name, rule.sureness(group))
            for group in groups
            if read_to_its_end(group, reading.seeded_since.get(group.project_name))
        ]
