"""Topics in the graph: clusters grow, join, shrink and end, and their patterns with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians, sin
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from neo4j import AsyncDriver

from shared.domain.topics import COSINE
from shared.graph.memories import MeasuredMemory
from shared.graph.patterns import Pattern
from tests.integration.patterns.pattern_builders import (
    ANNA,
    BEN,
    EMBEDDER,
    detect,
    direction,
    list_patterns,
    memory,
    query,
    save,
)
from tests.integration.patterns.topic_builders import find_topics, forget, wipe

TEXT = "The login page keeps asking for a session token"


@dataclass(frozen=True)
class Topics:
    """A workspace whose topics are looked at."""

    driver: AsyncDriver
    workspace: str

    async def add(self, *memories: MeasuredMemory) -> None:
        await save(self.driver, *memories)
        await self.look()

    async def remove(self, *memories: MeasuredMemory) -> None:
        await forget(self.driver, *memories)
        await self.look()

    async def look(self) -> None:
        await detect(self.driver, self.workspace, ["semantic"])

    async def patterns(self) -> list[Pattern]:
        return await list_patterns(self.driver, self.workspace, types=["semantic"])

    async def clusters(self) -> list[dict[str, Any]]:
        rows = await query(
            self.driver,
            "MATCH (c:SemanticCluster {workspace_id: $w}) RETURN c {.*} AS c ORDER BY c.created_at",
            w=self.workspace,
        )
        return [row["c"] for row in rows]


@pytest.fixture
def topics(neo4j_driver: AsyncDriver, workspace: str) -> Topics:
    return Topics(neo4j_driver, workspace)


def about(topics: Topics, topic: str, numbers: Iterable[int]) -> list[MeasuredMemory]:
    """Return memories of one topic, an hour apart."""
    return [memory(topics.workspace, f"{topic}{n}", TEXT, hours=n, topic=topic) for n in numbers]


def at_angle(topics: Topics, degrees: float, numbers: Iterable[int]) -> list[MeasuredMemory]:
    """Return memories in nearly one direction of a plane."""
    one, other = np.eye(EMBEDDER.dimensions)[:2]
    vector = (cos(radians(degrees)) * one + sin(radians(degrees)) * other).tolist()
    near = [0.99 * base + 0.01 * own for base, own in zip(vector, direction("x"), strict=True)]
    named = (memory(topics.workspace, f"{degrees}/{n}", TEXT, hours=n) for n in numbers)
    return [replace(one, embedding=near) for one in named]


async def test_five_alike_memories_are_a_topic_that_says_what_it_is(topics: Topics) -> None:
    alike = about(topics, "login", range(5))
    others = [memory(topics.workspace, f"o{n}", "Sells tea in a shop") for n in range(9)]
    await topics.add(*alike, *others)
    (pattern,) = await topics.patterns()
    assert (pattern.name, pattern.period_type, pattern.frequency) == ("topic-cluster", "topic", 5)
    assert {one.id for one in pattern.evidence} == {str(one.entity.id) for one in alike}
    assert pattern.metadata["users"] == [str(ANNA)]
    assert {"login", "session", "token"} <= set(pattern.metadata["keywords"])
    similarity = pattern.metadata["mean_similarity"]
    assert pattern.confidence == pytest.approx(similarity * 5 / 15, abs=1e-3)
    reason = pattern.metadata["reason"]
    assert reason.startswith("5 memories of shop between 2026-01-05 09:00 and 2026-01-05 13:00 UTC")
    assert f"a mean of {similarity:.2f}" in reason


async def test_a_cluster_is_exact_about_its_members_centre_and_radius(topics: Topics) -> None:
    alike = about(topics, "login", range(7))
    await topics.add(*alike)
    (cluster,) = await topics.clusters()
    vectors = np.array([one.embedding for one in alike])
    centre = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    assert cluster["entity_count"] == 7
    assert cluster["centroid_embedding"] == pytest.approx(centre.tolist(), abs=1e-6)
    assert cluster["radius"] == pytest.approx(1 - (vectors @ centre).min(), abs=1e-4)
    assert cluster["dominant_keywords"]
    assert cluster["cluster_type"] == "topic"


async def test_four_alike_memories_are_none(topics: Topics) -> None:
    await topics.add(*about(topics, "login", range(4)))
    assert (await topics.patterns(), await topics.clusters()) == ([], [])


async def test_a_topic_that_grows_stays_the_same_pattern(topics: Topics) -> None:
    await topics.add(*about(topics, "login", range(5)))
    (before,) = await topics.patterns()
    for number in range(5, 12):
        await topics.add(*about(topics, "login", [number]))
    (after,) = await topics.patterns()
    assert (after.id, after.period) == (before.id, before.period)
    assert (after.frequency, after.first_detected) == (12, before.first_detected)


async def test_what_lies_between_two_topics_joins_them_under_the_older_name(
    topics: Topics,
) -> None:
    await topics.add(*at_angle(topics, 0, range(5)))
    await topics.add(*at_angle(topics, 60, range(6)))
    older, newer = await topics.clusters()
    first = min(older["seed_id"], newer["seed_id"])
    between = at_angle(topics, 30, range(400))
    await topics.add(next(one for one in between if f"memory:{one.entity.id}" < first))
    (cluster,) = await topics.clusters()
    (pattern,) = await topics.patterns()
    assert (cluster["id"], cluster["entity_count"]) == (older["id"], 12)
    assert pattern.period == f"topic:{older['id'][:8]}"


async def test_a_topic_never_reaches_further_than_its_seeds_ball(topics: Topics) -> None:
    chain = [one for degrees in range(0, 180, 5) for one in at_angle(topics, degrees, range(3))]
    await topics.add(*chain)
    members = await query(
        topics.driver,
        "MATCH (s:EntitySummary)-[:IN_CLUSTER]->(c:SemanticCluster {workspace_id: $w})"
        " RETURN c.id AS topic,"
        " 2 * vector.similarity.cosine(s.embedding, c.seed_embedding) - 1 AS similarity",
        w=topics.workspace,
    )
    assert len({member["topic"] for member in members}) > 1
    assert min(member["similarity"] for member in members) >= EMBEDDER.calibration.cosine(COSINE)


async def test_a_removed_memory_leaves_its_topic_which_ends_with_its_fifth(topics: Topics) -> None:
    alike = about(topics, "login", range(6))
    await topics.add(*alike)
    (before,) = await topics.patterns()
    await topics.remove(alike[0])
    (after,) = await topics.patterns()
    assert (after.id, after.frequency) == (before.id, 5)
    assert str(alike[0].entity.id) not in {one.id for one in after.evidence}
    await topics.remove(alike[1])
    assert (await topics.patterns(), await topics.clusters()) == ([], [])
    left = await query(
        topics.driver, "MATCH (n:TopicMember {workspace_id: $w}) RETURN n", w=topics.workspace
    )
    assert left == []


async def test_a_topic_outlives_its_seed_under_its_name(topics: Topics) -> None:
    alike = about(topics, "login", range(7))
    await topics.add(*alike)
    (before,) = await topics.clusters()
    await topics.remove(*(one for one in alike if f"memory:{one.entity.id}" == before["seed_id"]))
    (after,) = await topics.clusters()
    assert after["id"] == before["id"]
    assert after["seed_id"] != before["seed_id"]
    assert after["entity_count"] == 6


async def test_a_member_that_vanished_unnoticed_is_not_counted(topics: Topics) -> None:
    alike = about(topics, "login", range(8))
    await topics.add(*alike)
    (cluster,) = await topics.clusters()
    seed = next(one for one in alike if f"memory:{one.entity.id}" == cluster["seed_id"])
    vanished = next(one for one in alike if one is not seed)
    await query(
        topics.driver,
        "MATCH (s:EntitySummary {workspace_id: $w, id: $id}) DETACH DELETE s",
        w=topics.workspace,
        id=f"memory:{vanished.entity.id}",
    )
    await topics.remove(seed)
    (pattern,) = await topics.patterns()
    assert pattern.frequency == 6


async def test_a_topic_whose_middle_goes_splits_in_two(topics: Topics) -> None:
    await topics.add(*at_angle(topics, 0, range(5)))
    await topics.add(*at_angle(topics, 60, range(5)))
    older, newer = await topics.clusters()
    first = min(older["seed_id"], newer["seed_id"])
    between = at_angle(topics, 30, range(400))
    middle = next(one for one in between if f"memory:{one.entity.id}" < first)
    await topics.add(middle)
    assert len(await topics.clusters()) == 1
    await topics.remove(middle)
    found = await topics.clusters()
    assert [cluster["entity_count"] for cluster in found] == [5, 5]
    assert older["id"] in {cluster["id"] for cluster in found}


async def test_a_memory_that_is_rewritten_or_moved_leaves_its_topic(topics: Topics) -> None:
    alike = about(topics, "login", range(7))
    await topics.add(*alike)
    moved = memory(topics.workspace, "login0", TEXT, topic="login", project="bank")
    rewritten = memory(topics.workspace, "login1", "Sells tea", hours=1, topic="tea")
    await topics.add(moved, rewritten)
    (pattern,) = await topics.patterns()
    assert (pattern.project_name, pattern.frequency) == ("shop", 5)


async def test_looking_again_changes_nothing(topics: Topics) -> None:
    await topics.add(*about(topics, "login", range(6)), *about(topics, "tea", range(8)))
    before = await find_topics(topics.driver, topics.workspace), await topics.patterns()
    await query(
        topics.driver,
        "MATCH (d:DetectionMark {workspace_id: $w}) SET d.change = 0",
        w=topics.workspace,
    )
    await topics.look()
    after = await find_topics(topics.driver, topics.workspace), await topics.patterns()
    assert before[0] == after[0]
    assert [one.metadata for one in before[1]] == [one.metadata for one in after[1]]


async def test_two_thousand_times_the_same_text_are_one_topic(topics: Topics) -> None:
    vector = direction("login")
    same = [memory(topics.workspace, f"m{n}", TEXT, hours=n / 60) for n in range(2_000)]
    await save(topics.driver, *(replace(one, embedding=vector) for one in same))
    await detect(topics.driver, topics.workspace, ["semantic"], limit=600)
    (pattern,) = await topics.patterns()
    assert (pattern.frequency, pattern.metadata["radius"]) == (2_000, 0)
    assert len(pattern.evidence) == 200
    seconds = datetime.now(UTC)
    await topics.add(replace(memory(topics.workspace, "new", TEXT), embedding=vector))
    assert datetime.now(UTC) - seconds < timedelta(seconds=5)
    assert (await topics.patterns())[0].frequency == 2_001


async def test_colleagues_share_a_topic_of_their_project_and_no_other(topics: Topics) -> None:
    alike = about(topics, "login", range(6))
    by_ben = [memory(topics.workspace, f"b{n}", TEXT, topic="login", user=BEN) for n in range(2)]
    elsewhere = [
        memory(topics.workspace, f"e{n}", TEXT, topic="login", project="bank") for n in range(4)
    ]
    await topics.add(*alike, *by_ben, *elsewhere)
    (pattern,) = await topics.patterns()
    assert (pattern.frequency, pattern.user_id) == (8, None)
    assert pattern.metadata["users"] == [str(ANNA), str(BEN)]


async def test_memories_of_no_project_have_topics_too(topics: Topics) -> None:
    alike = [memory(topics.workspace, f"{n}", TEXT, topic="x", project=None) for n in range(5)]
    await topics.add(*alike)
    (pattern,) = await topics.patterns()
    assert (pattern.project_name, pattern.frequency) == ("", 5)
    assert pattern.metadata["reason"].startswith("5 memories of no project")


async def test_the_same_texts_in_two_workspaces_never_share_a_topic(topics: Topics) -> None:
    stranger = Topics(topics.driver, f"team:{uuid4()}")
    try:
        await topics.add(*about(topics, "tea", range(7)), *about(topics, "login", range(3)))
        await stranger.add(*about(stranger, "login", range(6)))
        await topics.add(*about(topics, "login", range(3, 4)))
        assert [one.frequency for one in await topics.patterns()] == [7]
        assert [one.frequency for one in await stranger.patterns()] == [6]
        await topics.add(*about(topics, "login", range(4, 5)))
        crossing = await query(
            topics.driver,
            """
            MATCH (c:SemanticCluster)--(n) WHERE c.workspace_id IN $both
              AND n.workspace_id <> c.workspace_id RETURN count(*) AS links
            """,
            both=[topics.workspace, stranger.workspace],
        )
        assert crossing == [{"links": 0}]
        assert {one.frequency for one in await topics.patterns()} == {5, 7}
    finally:
        await wipe(stranger.driver, stranger.workspace)


@pytest.mark.parametrize(
    "text", ["", "🚀🔥", "ログイン画面が認証トークンを要求する", "Ошибка входа", "x" * 50_000]
)
async def test_any_text_of_any_time_makes_a_topic_without_a_crash(
    topics: Topics, text: str
) -> None:
    times = [datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=900)]
    odd = [memory(topics.workspace, f"{n}", text, at=times[n % 2], topic="x") for n in range(6)]
    await topics.add(*odd)
    (pattern,) = await topics.patterns()
    assert pattern.frequency == 6
    assert pattern.metadata["first_at"] == "1970-01-01T00:00:00+00:00"
