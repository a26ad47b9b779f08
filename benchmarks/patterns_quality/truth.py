"""Compares stored patterns with the labels of what they were found in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.patterns_quality.corpora import LabelledMemory

LEAST: Final = 0.8
"""How much of each pattern's evidence must be true. Source: the goal."""
ACTIVITIES: Final = ("debugging", "learning", "refactoring")
_MAKING: Final = frozenset({"building", "refactoring", "debugging"})
_READ: Final[LiteralString] = """
MATCH (p:Pattern {workspace_id: $workspace_id})-[:FOUND_IN]->(s:EntitySummary)
WHERE p.type IN $types
RETURN p.type AS type, p.name AS name, p.period AS period, p.metadata AS metadata,
       collect(s.entity_id) AS evidence
ORDER BY type, name, period
"""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many are true, with Wilson's 95 % interval."""

    true: int
    of: int

    @property
    def value(self) -> float:
        """The share; 1.0 of nothing."""
        return self.true / self.of if self.of else 1.0

    def interval(self) -> tuple[float, float]:
        """Return the interval. Source: Wilson 1927."""
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.959964, self.of, self.value
        middle, width = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = self.interval()
        return f"{self.true}/{self.of} = {self.value:.2f} ({low:.2f} to {high:.2f})"


@dataclass(frozen=True, slots=True)
class JudgedPattern:
    """A stored pattern, and which of its evidence is what the pattern says."""

    type: str
    name: str
    period: str
    true: frozenset[str]
    evidence: frozenset[str]

    @property
    def share(self) -> Share:
        """How much of its evidence is true."""
        return Share(len(self.true), len(self.evidence))


async def judge_patterns(
    driver: AsyncDriver, workspace_id: str, corpus: Sequence[LabelledMemory]
) -> list[JudgedPattern]:
    """Return the stored patterns of the three activities, judged by the labels."""
    labels = {str(one.memory.id): one.labels for one in corpus}
    found = await driver.execute_query(_READ, workspace_id=workspace_id, types=list(ACTIVITIES))
    return [_judge(record.data(), labels) for record in found.records]


def evidence_share(patterns: Iterable[JudgedPattern], among: frozenset[str]) -> Share:
    """Return how much of all evidence among some memories is true, each counted once."""
    found = list(patterns)
    evidence = {one for pattern in found for one in pattern.evidence} & among
    true = {one for pattern in found for one in pattern.true} & among
    return Share(len(true), len(evidence))


def _judge(row: Mapping[str, Any], labels: Mapping[str, frozenset[str]]) -> JudgedPattern:
    laters = _laters(json.loads(row["metadata"]).get("pairs", []))
    wanted = {
        one: _MAKING if row["type"] == "learning" and one in laters else frozenset({row["type"]})
        for one in row["evidence"]
    }
    true = frozenset(one for one, any_of in wanted.items() if labels[one] & any_of)
    return JudgedPattern(row["type"], row["name"], row["period"], true, frozenset(wanted))


def _laters(pairs: Iterable[str]) -> set[str]:
    """Return the ids of what followed: `memory:a -> memory:b: …`."""
    return {pair.split(" -> ")[1].split(": ")[0].partition(":")[2] for pair in pairs}
