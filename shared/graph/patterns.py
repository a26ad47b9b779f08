"""Reads patterns with their evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.findings import MAX_EVIDENCE
from shared.graph.driver import read
from shared.graph.pattern_statements import FIND_PATTERN, FIND_RELATED, LIST_NEWEST, LIST_SUREST
from shared.graph.statements import Row, is_there

MOST_RELATED: Final = 10
EXCERPT_CHARACTERS: Final = 240


@dataclass(frozen=True, slots=True)
class Evidence:
    """A memory or source file that a pattern was derived from."""

    id: str
    kind: str
    session_id: str | None
    occurred_at: datetime | None
    excerpt: str
    chunk_id: str | None = None
    """Of a memory."""
    path: str | None = None
    """Of a source file."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A stored pattern with its evidence, oldest first."""

    id: str
    type: str
    name: str
    workspace_id: str
    user_id: str | None
    project_name: str
    period: str
    period_type: str
    confidence: float
    frequency: int
    first_detected: datetime
    last_validated: datetime
    last_updated: datetime
    metadata: dict[str, Any]
    evidence: list[Evidence]
    evidence_count: int = 0
    first_at: datetime | None = None
    """When the oldest of what it is about happened."""
    last_at: datetime | None = None
    place: int = 0
    """When it was last updated, in nanoseconds: where it stands among the newest."""


@dataclass(frozen=True, slots=True)
class Related:
    """Another pattern that stands on some of the same evidence."""

    id: str
    type: str
    name: str
    period: str
    project_name: str
    confidence: float
    shared: int


@dataclass(frozen=True, slots=True)
class After:
    """The last pattern of the page before."""

    id: str
    confidence: float = 0.0
    frequency: int = 0
    place: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patterns to read; what is not named, any."""

    types: Sequence[str] = ()
    project_name: str | None = None
    minimum_confidence: float = 0.0
    since: datetime | None = None
    """It lasted until then or longer."""
    until: datetime | None = None
    """It began before."""
    text: str | None = None
    """In its name, project or reason, in any case."""
    only: Sequence[str] | None = None
    """Among these ids."""
    without: Sequence[str] = ()

    def parameters(self) -> dict[str, Any]:
        """Return them as the statements take them."""
        return {
            "types": list(self.types),
            "project_name": self.project_name,
            "minimum_confidence": self.minimum_confidence,
            "since": self.since,
            "until": self.until,
            "text": self.text and self.text.lower(),
            "only": None if self.only is None else list(self.only),
            "without": list(self.without),
        }


def page_values(
    workspace_id: str,
    wanted: Wanted,
    *,
    limit: int,
    evidence: int = MAX_EVIDENCE,
    after: After | None = None,
) -> Row:
    """Return the parameters of `LIST_SUREST` and `LIST_NEWEST`."""
    return wanted.parameters() | {
        "workspace_id": workspace_id,
        "limit": limit,
        "evidence": evidence,
        "excerpt": EXCERPT_CHARACTERS,
        "after": after and asdict(after),
    }


async def page_patterns(
    driver: AsyncDriver,
    workspace_id: str,
    wanted: Wanted,
    *,
    limit: int,
    evidence: int = MAX_EVIDENCE,
    newest_first: bool = False,
    after: After | None = None,
) -> list[Pattern]:
    """Return a page of a workspace's patterns, each with its oldest evidence."""
    values = page_values(workspace_id, wanted, limit=limit, evidence=evidence, after=after)

    async def work(tx: AsyncManagedTransaction) -> list[Pattern]:
        result = await tx.run(LIST_NEWEST if newest_first else LIST_SUREST, values)
        return read_patterns(await result.data())

    return await read(driver, work)


async def find_pattern(
    driver: AsyncDriver, workspace_id: str, pattern_id: str
) -> tuple[Pattern, list[Related]] | None:
    """Return one pattern with all its evidence, and what stands on the same."""
    values = {
        "workspace_id": workspace_id,
        "id": pattern_id,
        "evidence": MAX_EVIDENCE,
        "excerpt": EXCERPT_CHARACTERS,
    }

    async def work(tx: AsyncManagedTransaction) -> tuple[Pattern, list[Related]] | None:
        found = await (await tx.run(FIND_PATTERN, values)).data()
        if not found or not _is_whole(found[0]):
            return None
        related = await (await tx.run(FIND_RELATED, values, limit=MOST_RELATED)).data()
        return _pattern(found[0]), [Related(**row) for row in related]

    return await read(driver, work)


def read_patterns(rows: Iterable[Row]) -> list[Pattern]:
    """Return the patterns of a statement's rows, those that are still there."""
    return [_pattern(row) for row in rows if _is_whole(row)]


def _is_whole(row: Row) -> bool:
    return is_there(row["pattern"], "last_updated")


def _pattern(row: Row) -> Pattern:
    found = row["pattern"]
    return Pattern(
        id=found["id"],
        type=found["type"],
        name=found["name"],
        workspace_id=found["workspace_id"],
        user_id=found.get("user_id"),
        project_name=found["project_name"],
        period=found["period"],
        period_type=found["period_type"],
        confidence=found["confidence"],
        frequency=found["frequency"],
        first_detected=found["first_detected"].to_native(),
        last_validated=found["last_validated"].to_native(),
        last_updated=found["last_updated"].to_native(),
        metadata=json.loads(found["metadata"]),
        evidence=[_evidence(one) for one in row["evidence"]],
        evidence_count=row["evidence_count"],
        first_at=_moment(found.get("first_at")),
        last_at=_moment(found.get("last_at")),
        place=found["place"],
    )


def _evidence(row: Row) -> Evidence:
    return Evidence(
        id=row["id"],
        kind=row["kind"],
        session_id=row["session_id"],
        occurred_at=_moment(row["occurred_at"]),
        excerpt=row["excerpt"],
        chunk_id=row["chunk_id"],
        path=row["path"],
    )


def _moment(value: Any) -> datetime | None:
    return value.to_native() if value else None
