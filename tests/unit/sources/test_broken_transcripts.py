"""Broken lines get a line in the report that names file, line and field; the rest goes through."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.unit.sources.transcripts import Record, Session, contents, problems, read

BROKEN_LINES = [
    (b'{"type": "user", "mess', "not JSON"),
    (b"[1, 2]", "not a JSON object but list"),
    (b'"text"', "not a JSON object but str"),
    (b"\x00" * 100, "not JSON: NUL bytes"),
    (b"\xff\xfe garbage", "not JSON"),
    (b'{"a":' * 100_000, "JSON nested too deeply"),
]
WRONG_FIELDS: list[tuple[Record, str]] = [
    ({"message": None}, "message"),
    ({"message": "hello"}, "message"),
    ({"message": {"content": 5}}, "message.content"),
    ({"message": {"content": ["text"]}}, "message.content[0]"),
    ({"message": {"content": [{"type": "text", "text": 1}]}}, "message.content[0].text"),
    ({"uuid": 7}, "uuid"),
    ({"cwd": ["/"]}, "cwd"),
    ({"sessionId": {}}, "sessionId"),
    ({"type": 1}, "type"),
]


def write_around(folder: Path, line: bytes) -> Path:
    """Write a good prompt, the line, and another good prompt."""
    session = Session()
    session.user("before")
    session.user("after")
    first, last = (json.dumps(record).encode() for record in session.records)
    path = folder / "project" / "s1.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"\n".join([first, line, b"", last]) + b"\n")
    return path


@pytest.mark.parametrize(("line", "reason"), BROKEN_LINES)
def test_a_broken_line_is_named_and_the_rest_goes_through(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    write_around(tmp_path, line)

    assert contents(read(tmp_path)) == ["before", "after"]
    (problem,) = problems(tmp_path)
    assert (problem.file, problem.line, problem.outcome) == ("project/s1.jsonl", 2, "skipped")
    assert problem.reason.startswith(reason)


def test_a_line_that_is_not_utf_8_is_kept_and_said(tmp_path: Path) -> None:
    session = Session()
    session.user("caf?", uuid="x")
    write_around(tmp_path, json.dumps(session.records[0]).encode().replace(b"caf?", b"caf\xe9"))

    assert contents(read(tmp_path)) == ["before", "caf\ufffd", "after"]
    (problem,) = problems(tmp_path)
    assert (problem.file, problem.line, problem.outcome) == ("project/s1.jsonl", 2, "changed")
    assert problem.reason == "invalid UTF-8 replaced by U+FFFD"


@pytest.mark.parametrize(("wrong", "field"), WRONG_FIELDS)
def test_a_field_of_a_wrong_type_is_named(tmp_path: Path, wrong: Record, field: str) -> None:
    session = Session()
    session.user("the broken one", **{"uuid": "x"})
    write_around(tmp_path, json.dumps(session.records[0] | wrong).encode())

    assert contents(read(tmp_path)) == ["before", "after"]
    assert [(item.line, item.field) for item in problems(tmp_path)] == [(2, field)]


@pytest.mark.parametrize("timestamp", [None, 1700000000, "yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_prompt_without_a_usable_time_is_kept_and_said(
    tmp_path: Path, timestamp: JsonValue
) -> None:
    session = Session()
    session.user("in time")
    session.user("out of time", timestamp=timestamp)
    session.write(tmp_path)

    first, second = read(tmp_path)

    assert second.occurred_at == first.occurred_at
    (problem,) = problems(tmp_path)
    assert (problem.line, problem.field, problem.outcome) == (2, "timestamp", "changed")


@pytest.mark.parametrize(
    ("text", "stored", "reason"),
    [
        ("a\x00b", "a\ufffdb", "1 NUL character(s) replaced by U+FFFD"),
        ("a\ud800b\udfff", "a\ufffdb\ufffd", "2 lone surrogate character(s) replaced by U+FFFD"),
        ("pair \U0001f600 stays\x00", "pair \U0001f600 stays\ufffd", "1 NUL character(s)"),
    ],
)
def test_characters_that_cannot_be_stored_are_replaced_and_said(
    tmp_path: Path, text: str, stored: str, reason: str
) -> None:
    session = Session()
    session.user(text)
    session.write(tmp_path)

    assert contents(read(tmp_path)) == [stored]
    (problem,) = problems(tmp_path)
    assert (problem.line, problem.field, problem.outcome) == (1, "message.content", "changed")
    assert problem.reason.startswith(reason)


def test_the_metadata_is_storable_too(tmp_path: Path) -> None:
    session = Session(session_id="s\x00", cwd="/Users/ann/src/sh\ud800op", branch="b\x00")
    session.user("hello")
    session.assistant({"type": "tool_use", "id": "t\x00", "name": "Ba\x00sh", "input": {}})
    session.write(tmp_path, "s.jsonl")

    (memory,) = read(tmp_path)

    stored = json.dumps(memory.metadata, ensure_ascii=False) + memory.project_name
    assert "\x00" not in stored + memory.session_id + memory.chunk_id
    assert (stored + memory.session_id + memory.chunk_id).encode()


def test_a_truncated_archive_gives_what_is_there(tmp_path: Path) -> None:
    session = Session()
    for number in range(300):
        session.user(os.urandom(200).hex() + f" {number}")
    packed = gzip.compress(session.write(tmp_path).read_bytes())
    (tmp_path / "s1.jsonl").unlink()
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])

    assert 50 < len(read(tmp_path)) < 300
    (problem,) = problems(tmp_path)
    assert problem.reason.startswith("cannot be read further")


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")

    assert read(tmp_path) == []


def test_a_prompt_without_an_id_keeps_the_same_made_up_one(tmp_path: Path) -> None:
    session = Session()
    session.user("no id", uuid=None)
    session.write(tmp_path)

    assert [memory.chunk_id for memory in read(tmp_path)] == [
        memory.chunk_id for memory in read(tmp_path)
    ]
    assert contents(read(tmp_path)) == ["no id"]
