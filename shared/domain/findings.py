"""What detectors read and what they find. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

from shared.domain.periods import PeriodType, SlotType, days_of

_NAMESPACE: Final = UUID("6f0c6a3e-52b4-5b1d-9a53-6d4f5c0a7e11")
MAX_EVIDENCE: Final = 200
"""The most summaries that a pattern is linked to, the newest; its frequency counts all."""
EntityType: TypeAlias = Literal["memory", "code"]
Signal: TypeAlias = Literal[
    "is_debugging",
    "is_learning",
    "is_refactoring",
    "is_problem_solving",
    "is_solution",
    "is_implementation",
]
"""Neighbours are found by it: a property of the vector index."""
Origin: TypeAlias = Signal | Literal["is_problem"]
"""Carriers are found by it."""
Fact: TypeAlias = str | int | float | list[str]
PatternKey: TypeAlias = tuple[str, str, str, str]
"""Type, name, project and period: what makes it the same pattern on the next run."""


@dataclass(frozen=True, slots=True)
class News:
    """An entity that was written, changed or removed since a detector last looked."""

    id: str
    """Of its summary."""
    entity_type: EntityType
    user_id: str
    project_name: str
    """Empty for an entity of no project."""
    occurred_at: datetime
    """Where it is now; for one removed or moved, where it was."""
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """One entity summary as the graph holds it, without its embedding."""

    id: str
    user_id: str
    project_name: str
    occurred_at: datetime
    signals: Mapping[str, bool | float | int] = field(
        default_factory=dict[str, bool | float | int], compare=False
    )

    def carries(self, signal: Signal) -> bool:
        """Whether the signal was measured on it."""
        return self.signals.get(signal) is True

    def count(self, name: str) -> int:
        """Return a counter of its signals, zero where it has none."""
        return int(self.signals.get(name, 0))

    def score(self, name: str) -> float:
        """Return a score of its signals, zero where it has none."""
        return float(self.signals.get(name, 0.0))


@dataclass(frozen=True, slots=True)
class Link:
    """Two summaries of one workspace that are alike: a seed and what the vector index found."""

    seed: Summary
    neighbour: Summary
    similarity: float
    """Cosine, 0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Group:
    """Summaries of one user and project in one period, oldest first."""

    members: tuple[Summary, ...]
    period: str
    period_type: PeriodType
    seeds: int = 0
    mean_similarity: float | None = None
    """Mean cosine to the seeds; None for a group that was found by keywords alone."""

    @property
    def user_id(self) -> str:
        """The one user of all members."""
        return self.members[0].user_id

    @property
    def project_name(self) -> str:
        """The one project of all members."""
        return self.members[0].project_name


@dataclass(frozen=True, slots=True)
class Finding:
    """A pattern with its evidence, before it is stored."""

    type: str
    name: str
    user_id: str | None
    """None where several users have the same one."""
    project_name: str
    period: str
    """A day, a week …; where no time makes it one, what else does: `period_type` says what."""
    period_type: SlotType
    frequency: int
    confidence: float
    evidence: tuple[str, ...]
    """Ids of entity summaries, oldest first."""
    first_at: datetime
    last_at: datetime
    metadata: Mapping[str, Fact]

    @property
    def key(self) -> PatternKey:
        """What makes it the same pattern inside its workspace."""
        return (self.type, self.name, self.project_name, self.period)

    @property
    def users(self) -> list[str]:
        """Whose it is."""
        shared = self.metadata.get("users")
        return shared if isinstance(shared, list) else [self.user_id] if self.user_id else []

    def days(self) -> list[str]:
        """Return the days it covers; none where it belongs to no time."""
        return [] if self.period_type == "file" else days_of(self.first_at, self.period_type)


@dataclass(frozen=True, slots=True)
class Look:
    """What a detector saw of the places that it looked at."""

    findings: Sequence[Finding] = ()
    checked: frozenset[PatternKey] = frozenset()
    """Everything it could have found there: a stored pattern that it did not find again is gone."""


def pattern_id(workspace_id: str, key: PatternKey) -> str:
    """Return the stable id of a finding's pattern in one workspace."""
    return str(uuid5(_NAMESPACE, "\x1f".join((workspace_id, *key))))
