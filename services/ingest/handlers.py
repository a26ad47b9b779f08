"""What the ingest service does with a batch of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neo4j import AsyncDriver

from faststream_pgmq import PgmqResponse
from services.ingest.follow_ups import request_detections, request_summaries
from services.ingest.graph_writes import write_batch
from services.ingest.isolation import run_isolated
from services.ingest.loading import Pool, load_entities
from services.ingest.measuring import measure
from services.ingest.settling import key_of, keys_of, settle
from shared.domain.entities import Entity
from shared.embedding import Embedder
from shared.messages import Ingestion


@dataclass(frozen=True, slots=True)
class IngestOutcome:
    """What to send next, and which messages failed, by their index in the batch."""

    detections: list[PgmqResponse]
    """For queue `pattern_detection`: one for each workspace."""
    summaries: list[PgmqResponse]
    """For queue `summary_generation`: one for each project with new memories."""
    errors: dict[int, Exception] = field(default_factory=dict[int, Exception])


async def ingest(
    jobs: Sequence[Ingestion], *, pool: Pool, embedder: Embedder, driver: AsyncDriver
) -> IngestOutcome:
    """Write or remove what the messages are about, then ask for detection and summaries.

    Messages may come twice, late, or several for one entity: each writes the newest version that
    Postgres holds, and every graph write is a MERGE on a stable id. What Postgres does not hold
    any more is removed, whichever of its messages comes last.

    Raises:
        DependencyDownError: a server does not answer; no message failed.
    """

    async def save(entities: Sequence[Entity]) -> None:
        await write_batch(driver, await measure(entities, embedder))

    loaded = await load_entities(pool, jobs)
    distinct = {entity.id: entity for entity in loaded.entities.values()}
    failed = {entity.id: error for entity, error in await run_isolated([*distinct.values()], save)}
    written = {i: e for i, e in loaded.entities.items() if e.id not in failed}
    errors = {i: failed[e.id] for i, e in loaded.entities.items() if e.id in failed}
    touched = [*map(key_of, written.values()), *keys_of(loaded.removals.values())]
    await settle(touched, pool=pool, driver=driver, save=save)
    return IngestOutcome(
        request_detections({**written, **loaded.removals}),
        request_summaries(written),
        {**loaded.errors, **errors},
    )
