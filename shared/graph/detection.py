"""What a detector reads: carriers of a signal by an index on it, neighbours by the vector index.

Both indexes start with the workspace, so a run neither sees nor scans another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.calibration import Calibration
from shared.domain.detector import Detector, Reading
from shared.domain.findings import Link, Summary
from shared.domain.seeds import Seed, choose_seeds
from shared.graph.driver import read

CARRIERS_PER_SEED: Final = 10
"""A keyword rule counts whole days: it reads more than the semantic rule looks around."""
NEIGHBOURS: Final = 50
"""The most neighbours of one seed; the index is approximate, so more are asked for than counted."""

_FIELDS: Final[LiteralString] = """
    s.id AS id, s.user_id AS user_id, s.project_name AS project_name,
    s.occurred_at AS occurred_at, s.pattern_signals AS pattern_signals
"""
_SEARCH: Final[LiteralString] = """
CYPHER 25
UNWIND $seeds AS seed
MATCH (origin:EntitySummary {workspace_id: $workspace_id, id: seed.id})
WHERE origin.embedding IS NOT NULL
CALL (origin, seed) {
    MATCH (s:EntitySummary)
    SEARCH s IN (
        VECTOR INDEX entity_summary_embedding FOR origin.embedding
        WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
          AND s.user_id = seed.user_id
"""
_FOUND: Final[LiteralString] = f"""
          AND s.occurred_at >= seed.since AND s.occurred_at < seed.until
        LIMIT $neighbours
    ) SCORE AS score
    WITH s, score WHERE score >= $score AND s.id <> seed.id
    RETURN {_FIELDS}, 2 * score - 1 AS similarity
}}
RETURN seed.id AS seed_id, id, user_id, project_name, occurred_at, pattern_signals, similarity
"""
READ_CLOCK: Final[LiteralString] = "RETURN datetime.realtime() AS now"


def find_neighbours_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads what one user has alike, in any project or none.

    All that counts is filtered inside the index: nobody's nearer memories take up the limit.
    """
    return f"{_SEARCH} AND s.{signal} = true {_FOUND}"


def find_neighbours_in_project_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads what one user has alike in the seed's project."""
    return f"{_SEARCH} AND s.{signal} = true AND s.project_name = seed.project_name {_FOUND}"


def find_carriers_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads the newest carriers of a signal, in its index's order.

    The hint matters where one workspace holds nearly all summaries: the planner would scan them.
    Naming all of the index's properties lets it take the index's order instead of sorting.
    """
    return f"""
    CYPHER 25
    MATCH (s:EntitySummary)
    USING INDEX SEEK s:EntitySummary(workspace_id, {signal}, occurred_at)
    WHERE s.workspace_id = $workspace_id AND s.{signal} = true AND s.occurred_at <= $now
      AND s.entity_type = 'memory'
    WITH s ORDER BY s.workspace_id DESC, s.{signal} DESC, s.occurred_at DESC LIMIT $limit
    RETURN {_FIELDS}
    """


async def read_for(
    driver: AsyncDriver,
    detector: Detector,
    *,
    workspace_id: str,
    calibration: Calibration,
    limit: int,
) -> Reading:
    """Return what the graph holds for a detector, around up to `limit` seeds.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """

    async def work(tx: AsyncManagedTransaction) -> Reading:
        read_at = await _read_clock(tx)
        most = limit * CARRIERS_PER_SEED
        carriers = await find_carriers(tx, workspace_id, detector.signal, limit=most)
        rule = detector.semantic
        chosen = choose_seeds(carriers, rule.period_type, recent_days=rule.recent_days, limit=limit)
        cosine = calibration.cosine(rule.cosine)
        return Reading(
            carriers=carriers,
            links=await find_links(tx, workspace_id, detector.signal, chosen.seeds, cosine=cosine),
            read_since=carriers[-1].occurred_at if len(carriers) == most else None,
            seeded_since=chosen.complete_since,
            read_at=read_at,
        )

    return await read(driver, work)


async def _read_clock(tx: AsyncManagedTransaction) -> datetime:
    """Return the server's time, which all workers share."""
    row = await (await tx.run(READ_CLOCK)).single(strict=True)
    return row["now"].to_native()


async def find_carriers(
    tx: AsyncManagedTransaction, workspace_id: str, signal: LiteralString, *, limit: int
) -> list[Summary]:
    """Return the newest memories that carry a signal; what lies in the future is left out."""
    result = await tx.run(
        find_carriers_query(signal), workspace_id=workspace_id, now=datetime.now(UTC), limit=limit
    )
    return [_summary(row) for row in await result.data()]


async def find_links(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    signal: LiteralString,
    seeds: Sequence[Seed],
    *,
    cosine: float,
) -> list[Link]:
    """Return each seed with what its user and project have that is at least as alike as `cosine`.

    All of it carries the signal.
    """
    return [
        *await _search(
            tx,
            find_neighbours_in_project_query(signal),
            workspace_id,
            [seed for seed in seeds if seed.summary.project_name],
            cosine,
        ),
        *await _search(
            tx,
            find_neighbours_query(signal),
            workspace_id,
            [seed for seed in seeds if not seed.summary.project_name],
            cosine,
        ),
    ]


async def _search(
    tx: AsyncManagedTransaction,
    statement: LiteralString,
    workspace_id: str,
    seeds: Sequence[Seed],
    cosine: float,
) -> list[Link]:
    if not seeds:
        return []
    rows = [_seed_row(seed) for seed in seeds]
    result = await tx.run(
        statement,
        workspace_id=workspace_id,
        seeds=rows,
        score=(1 + cosine) / 2,
        neighbours=NEIGHBOURS,
    )
    origins = {seed.summary.id: seed.summary for seed in seeds}
    return [
        Link(origins[row["seed_id"]], _summary(row), min(row["similarity"], 1.0))
        for row in await result.data()
    ]


def _seed_row(seed: Seed) -> dict[str, object]:
    return {
        "id": seed.summary.id,
        "user_id": seed.summary.user_id,
        "project_name": seed.summary.project_name,
        "since": seed.since,
        "until": seed.until,
    }


def _summary(row: Mapping[str, Any]) -> Summary:
    return Summary(
        id=row["id"],
        user_id=row["user_id"],
        project_name=row["project_name"] or "",
        occurred_at=row["occurred_at"].to_native(),
        signals=json.loads(row["pattern_signals"]),
    )
