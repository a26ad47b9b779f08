"""What the measurement of links counts, and that a missed bound is seen."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.links.figures import Share, find_failures, measure_precision, measure_recall
from benchmarks.links.reconstruction import rebuild
from benchmarks.links.truth import Truth

TRUTH = Truth(
    committed={"s1": frozenset({"a.py", "gone.py"})},
    touched={"s1": frozenset({"b.py"}), "s2": frozenset({"c.py"})},
    named={"m1": frozenset({"b.py"}), "m2": frozenset()},
    session_of={"m1": "s1", "m2": "s2"},
)


def test_each_truth_decides_for_itself() -> None:
    pairs = {("m1", "a.py"), ("m1", "b.py"), ("m2", "c.py"), ("m2", "unread.py")}
    found = measure_precision("all", pairs, TRUTH)

    assert (found.by_commits, found.by_memory) == (Share(1, 2), Share(2, 4))
    assert found.by_session == Share(3, 4)


def test_recall_asks_for_the_files_that_the_graph_holds() -> None:
    found = measure_recall("all", {("m1", "a.py")}, TRUTH, {"a.py", "b.py"})

    assert (found.of_commits, found.of_tool_calls) == (Share(1, 1), Share(0, 1))
    assert found.of_session_calls == Share(0, 1)


@pytest.mark.parametrize(("right", "failures"), [(95, 0), (94, 1)])
def test_a_missed_bound_is_a_failure(right: int, failures: int) -> None:
    good, bad = measure_precision("x", {("m1", "a.py")}, TRUTH), Share(right, 100)
    recall = measure_recall("x", {("m1", "a.py"), ("m1", "b.py")}, TRUTH, {"a.py", "b.py"})

    assert len(find_failures(replace(good, by_session=bad), good, recall)) == failures


def record(name: str, given: dict[str, Any], result: dict[str, Any], second: int) -> dict[str, Any]:
    use = {"type": "tool_use", "id": str(second), "name": name, "input": given}
    return {
        "cwd": "/home/me/shop",
        "sessionId": "s1",
        "timestamp": f"2026-01-05T10:00:{second:02}Z",
        "message": {"content": [use]},
        "toolUseResult": result,
    }


@pytest.mark.parametrize(("asked", "read"), [("-A", ["c.py"]), ("context", ["c.py"]), ("-n", [])])
def test_a_search_reads_a_file_only_if_it_asks_for_the_lines_around(
    tmp_path: Path, asked: str, read: list[str]
) -> None:
    given = {"path": "src", "output_mode": "content", asked: 2}
    answer = {"type": "tool_result", "tool_use_id": "1", "content": "c.py:3:found\nc.py-4-next"}
    call = record("Grep", given, {}, 1)
    with gzip.open(tmp_path / "s1.jsonl.gz", "wt") as lines:
        lines.write(
            f"{json.dumps(call)}\n{json.dumps(call | {'message': {'content': [answer]}})}\n"
        )

    assert rebuild(tmp_path, []).sessions[0].touched == set(read)


def test_files_are_rebuilt_from_what_tools_read_wrote_edited_and_found(tmp_path: Path) -> None:
    home = "/home/me/shop/"
    read = {"filePath": home + "a.py", "content": "x\ny", "startLine": 1, "totalLines": 2}
    edit = {"filePath": home + "a.py", "originalFile": "x\ny", "oldString": "y", "newString": "z"}
    part = {"filePath": home + "b.py", "content": "tail", "startLine": 9, "totalLines": 9}
    hits = {"content": "c.py:3:found\nnoise", "filenames": [home + "d.py", "/etc/e.py"]}
    records = [
        record("Read", {"file_path": home + "a.py"}, {"file": read}, 1),
        record("Edit", {"file_path": home + "a.py"}, edit, 2),
        record("Read", {"file_path": home + "b.py"}, {"file": part}, 3),
        record("Grep", {"path": "src"}, hits, 4),
    ]
    with gzip.open(tmp_path / "s1.jsonl.gz", "wt") as lines:
        lines.writelines(f"{json.dumps(one)}\n" for one in records)
    rebuilt = rebuild(tmp_path, ["only/committed.py"])

    assert {path: file.content for path, file in rebuilt.files.items()} == {
        "a.py": "x\nz",
        "b.py": "tail",
        "c.py": "found",
        "d.py": "",
        "only/committed.py": "",
    }
    assert rebuilt.sessions[0].touched == {"a.py", "b.py"}
