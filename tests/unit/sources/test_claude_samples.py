"""The reader against real sessions, checked by a second, naive reading of the same files."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.sources.records import ImportReport, MemoryChunk
from tests.unit.sources.transcripts import problems, read

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("SUPASTATE_TEST_SHARED", ROOT.parent / "shared"))
SAMPLES = SHARED / "samples" / "claude-code"
EPISODES = SHARED / "labelled" / "episodes.jsonl.gz"
NOT_HUMAN = (
    "<command-", "<local-command", "<bash-", "<task-notification>", "[Request interrupted"
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of real samples is missing"
)


def list_human_prompts() -> dict[str, str]:
    """Return uuid → text of every human prompt, by the shortest code that obeys the rules."""
    prompts: dict[str, str] = {}
    for path in sorted(SAMPLES.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if text := naive_prompt(record):
                    prompts[record["uuid"]] = text
    return prompts


def naive_prompt(record: dict[str, Any]) -> str:
    if record["type"] != "user" or record.get("isMeta") or record.get("isSidechain"):
        return ""
    content = record["message"]["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if record.get("isCompactSummary") or any(block["type"] == "tool_result" for block in blocks):
        return ""
    text = "\n".join(block["text"] for block in blocks if block["type"] == "text").strip()
    return "" if text.startswith(NOT_HUMAN) else text


@pytest.fixture(scope="module")
def memories() -> list[MemoryChunk]:
    return read(SAMPLES)


def test_every_human_prompt_is_one_memory(memories: list[MemoryChunk]) -> None:
    spoken = [memory for memory in memories if memory.metadata["messageType"] == "user"]
    prompts = list_human_prompts()

    assert len(prompts) == 50
    assert Counter(memory.chunk_id.split(":")[1] for memory in spoken) == Counter(prompts.keys())
    for memory in spoken:
        assert memory.content.startswith(prompts[memory.chunk_id.split(":")[1]])


def test_ids_are_unique_and_the_same_on_a_second_reading(memories: list[MemoryChunk]) -> None:
    assert len({memory.chunk_id for memory in memories}) == len(memories)
    assert read(SAMPLES) == memories


def test_eight_peoples_checkouts_are_one_project(memories: list[MemoryChunk]) -> None:
    assert {memory.project_name for memory in memories} == {"cli"}


def test_paths_are_inside_the_repository_or_below_home(memories: list[MemoryChunk]) -> None:
    paths = [str(path) for memory in memories for path in list(memory.metadata["filePaths"])]  # pyright: ignore[reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType]

    assert "cmd/entire/cli/strategy/common.go" in paths
    assert not [path for path in paths if path.startswith("/Users/")]


def test_real_sessions_are_read_without_a_problem() -> None:
    assert problems(SAMPLES) == []


def test_what_is_left_out_is_counted() -> None:
    report = ImportReport()

    read(SAMPLES, report)

    assert report.files == 14
    assert report.bytes_read == sum(path.stat().st_size for path in SAMPLES.glob("*.gz"))
    assert {"progress": 416, "tool results": 414, "meta": 5}.items() <= report.dropped.items()


@pytest.mark.skipif(not EPISODES.is_file(), reason="the labelled episodes are missing")
def test_tools_and_failures_are_counted_as_in_the_labelled_episodes(
    memories: list[MemoryChunk],
) -> None:
    ours = {
        (memory.session_id, str(memory.metadata["startTime"])[:19]): memory for memory in memories
    }
    with gzip.open(EPISODES, "rt", encoding="utf-8") as lines:
        labelled = [json.loads(line) for line in lines]
    compared = 0
    for episode in labelled:
        memory = ours.get((episode["session_id"], episode["occurred_at"][:19]))
        # One episode goes on after a slash command, whose answer is a memory of its own here.
        if memory is not None and "get_document" not in str(episode["metadata"]["tools"]):
            compared += 1
            for name in ("tools", "toolErrors", "failingOutputs", "toolResults"):
                assert memory.metadata[name] == episode["metadata"][name], (episode["id"], name)
    assert compared == 21
