"""`supastate signals` as a filter: every line is answered in its order, or named."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cli.signals import answering
from shared.llm.activity import ClassifierJudge
from tests.unit.embedding.http_endpoint import serve

SUPASTATE = Path(sys.executable).with_name("supastate")
GOOD = b'{"id": "good", "content": "why does the test fail?"}'


def run(
    lines: bytes, *arguments: str, **environment: str
) -> tuple[int, list[dict[str, Any]], list[str]]:
    own = {name: os.environ[name] for name in os.environ if not name.startswith("SUPASTATE_")}
    done = subprocess.run(
        [SUPASTATE, *arguments], input=lines, capture_output=True, check=False, timeout=120,
        env=own | environment,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, answers, done.stderr.decode().splitlines()


def signals(lines: bytes) -> tuple[int, list[dict[str, Any]], list[str]]:
    return run(lines, "signals")


def test_each_memory_gets_three_probabilities_in_its_order() -> None:
    sent = [{"id": f"m{n}", "content": f"rename {n}"} for n in range(20)]
    lines = "\n".join(map(json.dumps, sent)).encode()
    code, answers, complaints = run(lines, "signals", "--json")

    assert (code, complaints) == (0, [])
    assert [answer["id"] for answer in answers] == [one["id"] for one in sent]
    for answer in answers:
        assert list(answer) == ["id", "debugging", "refactoring", "learning"]
        assert all(0.0 <= answer[name] <= 1.0 for name in list(answer)[1:])


def test_what_the_tools_did_counts() -> None:
    asked = {"id": "a", "content": "what does the sync command do?"}
    edited = {"tools": {"Edit": 3}, "filePaths": ["a.py"]}
    lines = [asked | {"metadata": {"tools": {"Read": 2}}}, asked | {"metadata": edited}]
    _, (looked, changed), _ = signals("\n".join(map(json.dumps, lines)).encode())
    assert looked["learning"] > 0.5 > changed["learning"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{broken", "not JSON: Expecting property name"),
        (b"[1, 2]", "must be an object, is a list"),
        (b"null", "must be an object, is null"),
        (b'{"content": "x"}', "id: is missing"),
        (b'{"id": "x"}', "content: is missing"),
        (b'{"id": 7, "content": "x"}', "id: must be a text, is a number"),
        (b'{"id": null, "content": "x"}', "id: must be a text, is null"),
        (b'{"id": " ", "content": "x"}', "id: is empty"),
        (b'{"id": "x", "content": ["x"]}', "content: must be a text, is a list"),
        (b'{"id": "x", "content": true}', "content: must be a text, is a boolean"),
        (b'{"id": "x", "content": ""}', "content: is empty"),
        (b'{"id": "x", "content": "x", "metadata": 3}', "metadata: must be an object, is a number"),
        (b'{"id": "x\x00", "content": "x"}', "not JSON: holds NUL bytes"),
        (b"\x89PNG\xff\xfe", "not UTF-8 at byte 1"),
        (b"[" * 200_000, "not JSON: nested too deeply"),
        (b'{"id": "x", "content": "x", "n": ' + b"9" * 5000 + b"}", "not JSON: "),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_answered(line: bytes, complaint: str) -> None:
    code, answers, complaints = signals(b"\n".join([GOOD, line, GOOD]))
    assert code == 1
    assert [answer["id"] for answer in answers] == ["good", "good"]
    assert complaints[0].startswith(f"line 2: {complaint}")
    assert complaints[1] == "1 of 3 lines are not answered."


def test_empty_input_has_an_empty_answer() -> None:
    assert signals(b"") == (0, [], [])
    assert signals(b"\n \r\n\n") == (0, [], [])


def test_marks_line_ends_and_odd_characters_are_no_obstacle() -> None:
    lines = [GOOD, rb'{"id": "\ud800", "content": "lone \udfff, NUL \u0000, \ud83d\ude00"}']
    code, answers, _ = signals(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    assert code == 0
    assert [answer["id"] for answer in answers] == ["good", "\ud800"]


@pytest.mark.parametrize(
    "metadata", [{"tools": 3}, {"tools": {"Edit": 10**400}}, {"toolErrors": "x", "tools": {}}]
)
def test_odd_metadata_counts_as_absent(metadata: dict[str, Any]) -> None:
    line = json.dumps({"id": "a", "content": "rename it", "metadata": metadata})
    code, answers, complaints = signals(line.encode())
    assert (code, len(answers), complaints) == (0, 1, [])


def test_a_huge_line_is_answered_and_memory_stays_flat(tmp_path: Path) -> None:
    huge = json.dumps({"id": "huge", "content": "error " * 3_000_000}).encode()
    lines, answers = tmp_path / "lines", tmp_path / "answers"
    lines.write_bytes(b"\n".join([huge, *[GOOD] * 20_000]))
    with lines.open("rb") as source, answers.open("wb") as target:
        asked = subprocess.Popen([SUPASTATE, "signals"], stdin=source, stdout=target)
        # Of this process alone: the run has had other children.
        _, status, usage = os.wait4(asked.pid, 0)
        asked.returncode = os.waitstatus_to_exitcode(status)

    answered = answers.read_text().splitlines()
    assert (asked.returncode, len(answered)) == (0, 20_001)
    assert json.loads(answered[0])["id"] == "huge"
    assert usage.ru_maxrss < 600_000


@pytest.mark.parametrize("length", [99, 100, 101, 350])
def test_a_line_over_the_limit_is_named_and_read_past(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MAX_LINE_BYTES", 100)
    line = json.dumps({"id": "long", "content": "x" * 1000})[: length - 1].encode() + b" "
    stream = BytesIO(b"\n".join([line, GOOD]))
    first, second = answering.answer_lines(stream, ClassifierJudge())
    assert (first.number, first.is_problem) == (1, True)
    assert first.text.startswith("longer than 100 bytes" if length >= 100 else "not JSON")
    assert (second.number, json.loads(second.text)["id"]) == (2, "good")


def test_a_gzip_is_refused() -> None:
    code, answers, complaints = signals(gzip.compress(GOOD))
    assert (code, answers) == (1, [])
    assert complaints[0].startswith("line 1: not")


def test_a_model_is_asked_only_when_it_is_named() -> None:
    code, answers, complaints = run(GOOD, "signals", "--judge")
    assert (code, answers) == (2, [])
    assert complaints == ["Error: No model is named.", "Set SUPASTATE_SIGNAL_MODEL."]


def test_a_model_answers_until_the_cap_and_the_rest_is_said() -> None:
    said = {"message": {"content": '{"debugging": 1, "refactoring": 0, "learning": 0}'}}
    with serve(lambda _: (200, {"choices": [said]})) as endpoint:
        code, answers, complaints = run(
            b"\n".join([GOOD] * 3), "signals", "--judge",
            SUPASTATE_SIGNAL_MODEL="m", SUPASTATE_SIGNAL_URL=endpoint.url,
            SUPASTATE_SIGNAL_COST_CAP_DOLLARS="0.001",
            SUPASTATE_SIGNAL_DOLLARS_PER_MILLION_INPUT_TOKENS="1",
            SUPASTATE_SIGNAL_DOLLARS_PER_MILLION_OUTPUT_TOKENS="1",
        )  # fmt: skip
    assert code == 0
    assert [answer["debugging"] == 1 for answer in answers] == [True, False, False]
    assert complaints == ["the cost cap of $0.001 is reached: the classifier answers from here on"]
