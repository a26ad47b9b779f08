"""What a detector of a signal reads: carriers by an index, their neighbours by the vector index.

Both indexes start with the workspace, so a run neither sees nor scans another one. Both are asked
for single weeks of single projects: what a run reads does not grow with the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.calibration import Calibration
from shared.domain.detector import Reading, SignalDetector
from shared.domain.findings import Link, Summary
from shared.domain.places import Place
from shared.domain.seeds import Seed
from shared.graph.statements import still_there

MOST_CARRIERS: Final = 10_000
"""The most carriers that are counted in one week of one project, the newest."""
NEIGHBOURS: Final = 50
"""The most neighbours of one seed; the index is approximate, so more are asked for than counted."""

SUMMARY_FIELDS: Final[LiteralString] = """
    s.id AS id, s.user_id AS user_id, s.project_name AS project_name, s.occurred_at AS occurred_at,
    s {.is_debugging, .is_learning, .is_refactoring, .is_problem_solving, .is_problem,
       .is_solution, .is_implementation, .is_explanation, .is_reshaping, .knows_tools,
       .debugging_score, .learning_score, .refactoring_score, .tool_errors, .failing_outputs,
       .edits} AS signals
"""
_SEARCH: Final[LiteralString] = """
CYPHER 25
UNWIND $seeds AS seed
MATCH (origin:EntitySummary {workspace_id: $workspace_id, id: seed.id})
WHERE origin.embedding IS NOT NULL
CALL (origin, seed) {
    MATCH (s:EntitySummary)
    SEARCH s IN (
        VECTOR INDEX entity_summary_neighbours FOR origin.embedding
        WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
          AND s.user_id = seed.user_id AND s.project_name = seed.project_name
"""
# Only ids: the seeds' week was read before, and each neighbour would cost as much again.
_FOUND: Final[LiteralString] = """
          AND s.occurred_at >= seed.since AND s.occurred_at < seed.until
        LIMIT $neighbours
    ) SCORE AS score
    WITH s, score WHERE score >= $score
    RETURN s.id AS id, 2 * score - 1 AS similarity
}
RETURN seed.id AS seed_id, id, similarity
"""


def find_neighbours_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads what the seeds' users have alike in the seeds' projects.

    All that counts is filtered inside the index: nobody's nearer memories take up the limit.
    """
    return f"{_SEARCH} AND s.{signal} = true {_FOUND}"


def find_carriers_query(signal: LiteralString) -> LiteralString:
    """Return the statement that reads the newest carriers of a signal in some weeks.

    The hint matters where one workspace holds nearly all summaries: the planner would scan them.
    Naming all of the index's properties lets it take the index's order instead of sorting.
    """
    return f"""
    CYPHER 25
    UNWIND $places AS place
    CALL (place) {{
        MATCH (s:EntitySummary)
        USING INDEX SEEK s:EntitySummary(workspace_id, project_name, {signal}, occurred_at)
        WHERE s.workspace_id = $workspace_id AND s.project_name = place.project_name
          AND s.{signal} = true
          AND s.occurred_at >= place.since AND s.occurred_at < place.until
          AND s.entity_type = 'memory'
        WITH s
        ORDER BY s.workspace_id DESC, s.project_name DESC, s.{signal} DESC, s.occurred_at DESC
        LIMIT $limit
        RETURN s
    }}
    RETURN {SUMMARY_FIELDS}
    """


async def read_for(
    tx: AsyncManagedTransaction,
    detector: SignalDetector,
    places: Sequence[Place],
    *,
    workspace_id: str,
    calibration: Calibration,
) -> Reading:
    """Return what the graph holds for a detector in some places."""
    carried = await find_carriers(tx, workspace_id, detector.signal, places)
    carriers = [carrier for carrier in carried if detector.counts(carrier)]
    links = await find_links(
        tx,
        workspace_id,
        detector.signal,
        detector.seeds(carriers),
        among=carriers,
        cosine=calibration.cosine(detector.semantic.cosine),
    )
    return Reading(places, carriers, links)


async def find_carriers(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    signal: LiteralString,
    places: Sequence[Place],
    *,
    limit: int = MOST_CARRIERS,
) -> list[Summary]:
    """Return the newest memories in the places that carry a signal, at most `limit` of each."""
    result = await tx.run(
        find_carriers_query(signal),
        workspace_id=workspace_id,
        places=[place_row(place) for place in places],
        limit=limit,
    )
    return [read_summary(row) for row in still_there(await result.data())]


async def find_links(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    signal: LiteralString,
    seeds: Sequence[Seed],
    *,
    among: Sequence[Summary],
    cosine: float,
) -> list[Link]:
    """Return each seed with those `among` its user's in its project and period that are as alike.

    All of it carries the signal.
    """
    result = await tx.run(
        find_neighbours_query(signal),
        workspace_id=workspace_id,
        seeds=[seed_row(seed) for seed in seeds],
        score=(1 + cosine) / 2,
        neighbours=NEIGHBOURS,
    )
    known = {summary.id: summary for summary in among}
    return [
        Link(known[row["seed_id"]], known[row["id"]], min(row["similarity"], 1.0))
        for row in await result.data()
        if row["id"] in known and row["id"] != row["seed_id"]
    ]


def place_row(place: Place) -> dict[str, object]:
    """Return a place as a statement's parameter."""
    return {
        "project_name": place.project_name,
        "since": place.since,
        "until": place.until,
    }


def seed_row(seed: Seed) -> dict[str, object]:
    """Return a seed as a statement's parameter."""
    return {
        "id": seed.summary.id,
        "user_id": seed.summary.user_id,
        "project_name": seed.summary.project_name,
        "since": seed.since,
        "until": seed.until,
    }


def read_summary(row: Mapping[str, Any]) -> Summary:
    """Return the summary of a row with `SUMMARY_FIELDS`."""
    return Summary(
        id=row["id"],
        user_id=row["user_id"],
        project_name=row["project_name"],
        occurred_at=row["occurred_at"].to_native(),
        signals={name: value for name, value in row["signals"].items() if value is not None},
    )
