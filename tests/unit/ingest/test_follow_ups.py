"""What a batch asks for afterwards: as little as says the same."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from services.ingest.follow_ups import request_detections, request_summaries
from shared.domain.entities import Entity, Memory
from shared.messages import PATTERN_DETECTION, SUMMARY_GENERATION

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def make_memory(workspace: str, project: str | None = "shop") -> Entity:
    return Memory(
        id=uuid4(),
        workspace_id=workspace,
        user_id=uuid4(),
        chunk_id=str(uuid4()),
        session_id="s",
        project_name=project,
        type="conversation",
        content="text",
        metadata={},
        occurred_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )


def test_many_memories_of_a_workspace_ask_for_one_detection() -> None:
    ours, theirs = f"team:{uuid4()}", f"team:{uuid4()}"
    written = {n: make_memory(theirs if n == 2 else ours) for n in range(5)}
    asked = {reply.body.workspace_id: reply for reply in request_detections(written)}
    assert asked.keys() == {ours, theirs}
    assert (asked[ours].caused_by, asked[theirs].caused_by) == ((0, 1, 3, 4), (2,))


def test_a_request_merges_into_one_of_its_workspace_that_still_waits() -> None:
    workspace = f"team:{uuid4()}"
    first, second = (request_detections({0: make_memory(workspace)})[0] for _ in range(2))
    assert first.headers["dedup_key"] == second.headers["dedup_key"] == f"detect:{workspace}"
    [other] = request_detections({0: make_memory(f"team:{uuid4()}")})
    assert other.headers["dedup_key"] != first.headers["dedup_key"]
    assert first.queue == PATTERN_DETECTION


def test_each_project_is_summarized_once_and_a_memory_without_one_never() -> None:
    workspace = f"team:{uuid4()}"
    projects = ["shop", "shop", "blog", None]
    written = {n: make_memory(workspace, project) for n, project in enumerate(projects)}
    asked = request_summaries(written)
    assert [reply.body.project_name for reply in asked] == ["shop", "blog"]
    assert {reply.headers["dedup_key"] for reply in asked} == {
        f"summary:{workspace}:shop",
        f"summary:{workspace}:blog",
    }
    assert {reply.queue for reply in asked} == {SUMMARY_GENERATION}
