"""Reads files of one JSON object per line, plain or gzip, without trusting any line."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from pydantic import JsonValue

from shared.sources.records import ImportProblem, ImportReport

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""The longest line seen in 288 real sessions has 0.96 MB."""
Object = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Line:
    """One parsed line and its number, from 1."""

    number: int
    value: Object


def find_files(start: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the regular files below a folder (or the file itself), sorted, each once.

    Links to folders are followed, to each folder once, so a cycle ends.
    """
    if start.is_file():
        return [start]
    found: dict[str, Path] = {}
    entered: set[str] = set()
    for folder, subfolders, names in os.walk(start, followlinks=True):
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        for path in (Path(folder) / name for name in sorted(names) if name.endswith(suffixes)):
            if path.is_file():
                found.setdefault(os.path.realpath(path), path)
    return sorted(found.values())


def read_lines(path: Path, name: str, report: ImportReport) -> Iterator[Line | ImportProblem]:
    """Yield each line's object, or the reason why it has none; what was repaired comes before."""
    number = 0
    try:
        with path.open("rb") as raw:
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if _is_gzip(raw) else raw
            before = report.bytes_read
            while chunk := stream.readline(MAX_LINE_BYTES):
                number += 1
                report.bytes_read = before + raw.tell()
                if chunk.strip(b"\r\n \t"):
                    yield from _parse(chunk, number, name, whole=_skip_rest(stream, chunk))
    except (OSError, EOFError, zlib.error) as error:
        yield ImportProblem(name, number + 1, None, f"cannot be read further: {error}")


def _is_gzip(raw: IO[bytes]) -> bool:
    magic = raw.read(2)
    raw.seek(0)
    return magic == b"\x1f\x8b"


def _skip_rest(stream: IO[bytes], chunk: bytes) -> bool:
    """Read on to the end of an overlong line; return whether `chunk` was the whole line."""
    whole = True
    while len(chunk) == MAX_LINE_BYTES and not chunk.endswith(b"\n"):
        chunk = stream.readline(MAX_LINE_BYTES)
        whole = whole and not chunk
    return whole


def _parse(chunk: bytes, number: int, name: str, *, whole: bool) -> Iterator[Line | ImportProblem]:
    found = _read(chunk) if whole else f"line above {MAX_LINE_BYTES} bytes"
    if isinstance(found, str):
        yield ImportProblem(name, number, None, found)
        return
    if not _is_utf8(chunk):
        yield ImportProblem(name, number, None, "invalid UTF-8 replaced by U+FFFD", "changed")
    yield Line(number, found)


def _read(chunk: bytes) -> Object | str:
    """Return the line's object, or the reason why it has none."""
    try:
        value = cast(JsonValue, json.loads(chunk.decode("utf-8", errors="replace")))
    except RecursionError:
        return "JSON nested too deeply"
    except ValueError as error:
        return f"not JSON: {'NUL bytes' if bytes(1) in chunk else error}"
    if not isinstance(value, dict):
        return f"not a JSON object but {type(value).__name__}"
    return value


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True
