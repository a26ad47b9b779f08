"""The steps in which a measured graph is made; each is kept, and only what changed is done anew."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, LiteralString, TypeAlias, cast

from neo4j import AsyncDriver

from benchmarks.detection.history import save_patterns
from benchmarks.detection.loading import load
from benchmarks.detection.topics import describe_topics, forget_topics, save_topics
from benchmarks.detection.world import World
from benchmarks.progress import say
from shared.graph.code import code_row
from shared.graph.entity_summaries import summary_row
from shared.graph.memories import memory_row
from shared.graph.migrate import DEFAULT_DIMENSIONS, read_migrations
from shared.graph.topic_patterns import VERSION

Fill: TypeAlias = Callable[[AsyncDriver, World], Awaitable[None]]
INDEX_SECONDS: Final = 14_400
# Filled in one go at the end. Kept up entity by entity they take many times longer, and the server
# samples each of them anew after every few percent: on few cores writers wait minutes for that.
_LATE = re.compile(r"CREATE (?:VECTOR |FULLTEXT )?INDEX (\w+)")
_OF_TOPICS = re.compile(r"FOR \(\w+:(?:SemanticCluster|TopicMember)\)")
AWAIT_INDEXES: Final[LiteralString] = "CALL db.awaitIndexes($seconds)"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step, and what decides whether it is to be done anew."""

    name: str
    made_by: str | None
    """None where whatever is kept will do."""
    fill: Fill


def stages(*, is_kept: bool = False) -> list[Stage]:
    """Return the steps in their order: what most often changes comes last.

    Args:
        is_kept: take entities as they are, though the ingestion writes other properties by now.
    """
    return [
        Stage("entities", None if is_kept else "\n".join(_shape()), _write_entities),
        Stage("indexes", _text(_late_indexes(of_topics=False)), _fill_indexes),
        Stage("topics", _text(_late_indexes(of_topics=True)) + f"v{VERSION}", _write_topics),
    ]


async def fill_stages(
    driver: AsyncDriver, world: World, folder: Path, steps: Sequence[Stage]
) -> None:
    """Do what was not done, and all that follows it."""
    is_new = False
    for stage in steps:
        marker = folder / f"loaded-{stage.name}"
        is_new = is_new or not is_done(stage, folder)
        if is_new:
            marker.unlink(missing_ok=True)
            say(f"{world.name}: {stage.name}")
            await stage.fill(driver, world)
            marker.write_text(stage.made_by or "\n".join(_shape()))
    await driver.execute_query(AWAIT_INDEXES, seconds=INDEX_SECONDS)


async def fill(driver: AsyncDriver, world: World) -> None:
    """Do all steps in a graph that holds nothing of this world, and is kept elsewhere."""
    for stage in stages():
        await stage.fill(driver, world)


def is_done(stage: Stage, folder: Path) -> bool:
    """Whether a step was done in a folder as it would be done now."""
    marker = folder / f"loaded-{stage.name}"
    return marker.exists() and stage.made_by in (None, marker.read_text())


async def _write_entities(driver: AsyncDriver, world: World) -> None:
    await _drop_indexes(driver, of_topics=False)
    await _drop_indexes(driver, of_topics=True)
    await load(driver, world)
    await save_patterns(driver, world)


async def _fill_indexes(driver: AsyncDriver, world: World) -> None:
    await _create_indexes(driver, world, of_topics=False)


async def _write_topics(driver: AsyncDriver, world: World) -> None:
    await _drop_indexes(driver, of_topics=True)
    await forget_topics(driver, world)
    await save_topics(driver, world)
    await _create_indexes(driver, world, of_topics=True)
    await describe_topics(driver, world)


async def _drop_indexes(driver: AsyncDriver, *, of_topics: bool) -> None:
    for name in _late_indexes(of_topics=of_topics):
        await driver.execute_query(cast(LiteralString, f"DROP INDEX {name} IF EXISTS"))


async def _create_indexes(driver: AsyncDriver, world: World, *, of_topics: bool) -> None:
    for name, statement in _late_indexes(of_topics=of_topics).items():
        started = monotonic()
        await driver.execute_query(statement, dimensions=DEFAULT_DIMENSIONS)
        await driver.execute_query(AWAIT_INDEXES, seconds=INDEX_SECONDS)
        say(f"{world.name}: {name} filled in {monotonic() - started:.0f} s")


def _late_indexes(*, of_topics: bool) -> dict[str, LiteralString]:
    """Return the statements of the migrations that create the indexes filled at the end."""
    statements = [one for migration in read_migrations() for one in migration.statements]
    return {
        found[1]: cast(LiteralString, f"CYPHER 25 {statement}")
        for statement in statements
        if (found := _LATE.match(statement)) and bool(_OF_TOPICS.search(statement)) == of_topics
    }


def _text(statements: dict[str, LiteralString]) -> str:
    return "\n".join(statements.values())


def _shape() -> list[str]:
    """Return what properties the ingestion writes: a graph that lacks one is loaded anew."""
    few = World(200).batch(0, 200)
    rows = [memory_row(m) for m in few.memories] + [code_row(f) for f in few.files]
    rows += [summary_row("memory", m.entity, m.signals) for m in few.memories]
    rows += [summary_row("code", f.entity, f.signals) for f in few.files]
    return sorted({name for row in rows for name in row["properties"]})
