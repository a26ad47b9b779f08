"""How records are grouped into requests."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue, TypeAdapter

from cli.importing.batches import (
    MAX_BODY_BYTES,
    MAX_OPEN_BATCHES,
    Batch,
    Record,
    batch_records,
)
from shared.sources.records import ImportProblem
from tests.unit.cli.records import chunk, file


def batch(records: Sequence[Record]) -> list[Batch]:
    return [one for one in batch_records(records) if isinstance(one, Batch)]


def chunks_of(one: Batch) -> list[dict[str, JsonValue]]:
    return TypeAdapter(list[dict[str, JsonValue]]).validate_python(one.body["chunks"])


def chunk_ids(one: Batch) -> list[JsonValue]:
    return [chunk["chunkId"] for chunk in chunks_of(one)]


def test_a_request_holds_at_most_100_chunks_and_50_files() -> None:
    chunks = batch([chunk(f"c{n}") for n in range(250)])
    files = batch([file(f"{n}.py") for n in range(120)])

    assert [len(one.items) for one in chunks] == [100, 100, 50]
    assert [len(one.items) for one in files] == [50, 50, 20]


def test_a_request_holds_one_session_of_one_project() -> None:
    mixed = [
        chunk("a", session="s1"),
        chunk("b", session="s2"),
        chunk("c", session="s1"),
        chunk("d", session="s1", project="other"),
    ]

    groups = {
        (one.envelope["sessionId"], one.envelope["projectPath"]): chunk_ids(one)
        for one in batch(mixed)
    }

    assert groups == {("s1", "p"): ["a", "c"], ("s2", "p"): ["b"], ("s1", "other"): ["d"]}


def test_a_request_stays_below_the_size_limit_unless_one_record_is_larger() -> None:
    half = "x" * (MAX_BODY_BYTES // 2)
    sizes = [len(one.items) for one in batch([chunk(f"c{n}", content=half) for n in range(3)])]
    alone = batch([chunk("huge", content=half * 3), chunk("small")])

    assert sizes == [1, 1, 1]
    assert [len(one.items) for one in alone] == [1, 1]


def test_many_interleaved_sessions_do_not_wait_in_memory_for_ever() -> None:
    sessions = [chunk(f"c{n}", session=f"s{n}") for n in range(MAX_OPEN_BATCHES + 1)]

    first = next(iter(batch_records(iter(sessions))))

    assert isinstance(first, Batch)
    assert first.envelope["sessionId"] == "s0"


def test_problems_pass_through_at_once() -> None:
    problem = ImportProblem("a.jsonl", 3, None, "not JSON")

    assert next(iter(batch_records([problem, chunk("a")]))) == problem


def test_a_chunk_without_a_start_time_gets_the_one_that_the_reader_knows() -> None:
    (only,) = batch([chunk("a")])

    assert chunks_of(only)[0]["metadata"] == {
        "startTime": "2026-01-05T12:00:00+00:00",
        "messageType": "user",
    }
