"""What a session was about: the activities and keywords that its memories carry most. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p
from typing import Final

ACTIVITIES: Final[Mapping[str, str]] = {
    "is_debugging": "debugging",
    "is_learning": "learning",
    "is_refactoring": "refactoring",
    "is_problem_solving": "problem_solving",
    "is_architecture": "architecture",
}
MINIMUM_SHARE: Final = 0.25
"""Of a session's memories that must carry an activity before it counts as dominant."""
MOST_ACTIVITIES: Final = 3
MOST_KEYWORDS: Final = 5


@dataclass(frozen=True, slots=True)
class Member:
    """What was measured on one memory of a session."""

    signals: Mapping[str, object]
    keywords: Mapping[str, int]


def dominant_activities(members: Sequence[Member]) -> list[tuple[str, int]]:
    """Return the activities that most memories carry, with how many do, the commonest first."""
    counts = Counter(
        name
        for member in members
        for signal, name in ACTIVITIES.items()
        if member.signals.get(signal) is True
    )
    common = [one for one in _ranked(counts) if one[1] >= MINIMUM_SHARE * len(members)]
    return common[:MOST_ACTIVITIES]


def telling_keywords(members: Iterable[Member]) -> list[str]:
    """Return the keyword groups that tell most of these memories, the most telling first.

    A word that every conversation has tells little, and a log full of one word no more than a
    text that has it a few times.
    """
    scores: Counter[str] = Counter()
    for member in members:
        for group, count in member.keywords.items():
            # Rounded, so that no order of adding up puts two equal groups in another order.
            weight = log(1 / _SHARES.get(group, _RARE))
            scores[group] += round(1_000_000 * weight * log1p(count))
    return [group for group, score in _ranked(scores)[:MOST_KEYWORDS] if score > 0]


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


_RARE: Final = 0.015
_SHARES: Final[Mapping[str, float]] = {
    "implement": 0.60, "test": 0.54, "fix": 0.42, "issue": 0.40, "error": 0.37, "learn": 0.33,
    "pattern": 0.26, "clean": 0.19, "architecture": 0.16, "debug": 0.15, "improve": 0.08,
    "refactor": 0.05, "deploy": 0.04, "security": 0.03, "component": 0.03, "performance": 0.02,
    "system": 0.015,
}  # fmt: skip
"""Share of memories that have a group's words, measured on 204 labelled episodes of real work."""
