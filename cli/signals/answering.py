"""Answers lines of memories with activities, one at a time and in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO, Final, cast

from pydantic import JsonValue

from shared.llm.activity import ActivityJudge
from shared.messages import Metadata

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""Its line end counts too."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
DECIMALS: Final = 4
WRITTEN: Final = ("debugging", "refactoring", "learning")


class LineError(Exception):
    """A line that cannot be answered; the text names the field where it is one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of output, or what is wrong with a line of input."""

    number: int
    text: str
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One memory to judge."""

    id: str
    content: str
    metadata: Metadata


def answer_lines(stream: IO[bytes], judge: ActivityJudge) -> Iterator[Answer]:
    """Yield an answer for each line that is not blank; holds one line at a time."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        whole = _is_whole(stream, line)
        line = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if line.strip(b" \t\r\n"):
            yield _answer(number, line if whole else None, judge)


def parse(line: bytes) -> Question:
    """Return the memory of a line.

    Raises:
        LineError: it holds none.
    """
    found = _object_of(line)
    metadata = found.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise LineError(f"metadata: must be an object, is {_kind(metadata)}")
    return Question(_text(found, "id"), _text(found, "content"), metadata or {})


def _answer(number: int, line: bytes | None, judge: ActivityJudge) -> Answer:
    try:
        if line is None:
            raise LineError(f"longer than {MAX_LINE_BYTES} bytes")
        asked = parse(line)
    except LineError as error:
        return Answer(number, str(error), is_problem=True)
    judged = asdict(judge.judge(asked.content, asked.metadata))
    likely = {name: round(judged[name], DECIMALS) for name in WRITTEN}
    # ASCII, so that an id with a lone surrogate comes back as it came.
    return Answer(number, json.dumps({"id": asked.id, **likely}))


def _object_of(line: bytes) -> dict[str, JsonValue]:
    if b"\x00" in line:
        raise LineError("not JSON: holds NUL bytes")
    try:
        value = cast(JsonValue, json.loads(line.decode()))
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8 at byte {error.start + 1}") from error
    except RecursionError as error:
        raise LineError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise LineError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise LineError(f"must be an object, is {_kind(value)}")
    return value


def _text(found: dict[str, JsonValue], field: str) -> str:
    if field not in found:
        raise LineError(f"{field}: is missing")
    value = found[field]
    if not isinstance(value, str):
        raise LineError(f"{field}: must be a text, is {_kind(value)}")
    if not value.strip():
        raise LineError(f"{field}: is empty")
    return value


def _kind(value: JsonValue) -> str:
    kinds: dict[type, str] = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
    }
    return kinds.get(type(value), "null" if value is None else "an object")


def _is_whole(stream: IO[bytes], line: bytes) -> bool:
    """Read on to the end of an overlong line, keeping nothing of it."""
    whole = True
    while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
        line = stream.readline(MAX_LINE_BYTES)
        whole = whole and not line
    return whole
