"""Rebuilds a repository's files from what coding sessions read, wrote and found in them.

The sessions name files of checkouts in several homes; a path counts from the session's working
directory. What lies outside it (a plan in the home folder, a log below /tmp) is no project file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from shared.domain.project_name import normalize_path
from shared.sources.json_lines import Line, read_lines
from shared.sources.records import ImportReport

_HIT: Final = re.compile(r"^([\w./@-]+\.\w+):(\d+):(.*)$")
_AROUND: Final = ("-A", "-B", "-C", "context")


@dataclass(slots=True)
class RebuiltFile:
    """A file as far as the sessions show it."""

    path: str
    whole: str | None = None
    lines: dict[int, str] = field(default_factory=dict[int, str])
    seen_at: datetime | None = None

    @property
    def content(self) -> str:
        """Return the text, or the lines that are known of it."""
        if self.whole is not None:
            return self.whole
        return "\n".join(line for _, line in sorted(self.lines.items()))


@dataclass(frozen=True, slots=True)
class Session:
    """What one transcript says: the files that its tools named, shown by the tools' answers."""

    id: str
    touched: frozenset[str]
    """Paths that a tool call named, or that a search read passages of."""


@dataclass(slots=True)
class Reconstruction:
    """All files of all sessions; a later session's text replaces an earlier one's."""

    files: dict[str, RebuiltFile] = field(default_factory=dict[str, RebuiltFile])
    sessions: list[Session] = field(default_factory=list[Session])

    def get(self, path: str) -> RebuiltFile:
        """Return the file of a path, new where it was not named before."""
        return self.files.setdefault(path, RebuiltFile(path))


def rebuild(folder: Path, committed: Iterable[str]) -> Reconstruction:
    """Return what the sessions of a folder show of the repository; commits name files as well."""
    found = Reconstruction()
    transcripts = [_records(path) for path in sorted(folder.glob("*.jsonl.gz"))]
    for records in sorted(transcripts, key=lambda records: str(_first(records, "timestamp"))):
        found.sessions.append(_read_session(records, found))
    for path in committed:
        found.get(path)
    return found


def _records(path: Path) -> list[dict[str, Any]]:
    lines = read_lines(path, path.name, ImportReport())
    return [cast("dict[str, Any]", line.value) for line in lines if isinstance(line, Line)]


def _first(records: list[dict[str, Any]], name: str) -> object:
    return next((record[name] for record in records if record.get(name)), "")


def _read_session(records: list[dict[str, Any]], found: Reconstruction) -> Session:
    root = normalize_path(str(_first(records, "cwd")))
    touched, reading = set[str](), set[str]()
    for record in records:
        for use in _blocks(record, "tool_use"):
            if path := _inside(root, _named_path(use.get("input"))):
                touched.add(path)
                found.get(path)
            if reads_passages(use):
                reading.add(use["id"])
        for answer in _blocks(record, "tool_result"):
            if answer["tool_use_id"] in reading:
                touched.update(path for path, *_ in _hits(root, str(answer["content"])))
        result = record.get("toolUseResult")
        if isinstance(result, dict):
            _take_result(found, root, cast("dict[str, Any]", result), _time(record))
    return Session(str(_first(records, "sessionId")), frozenset(touched))


def _blocks(record: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    message = cast("dict[str, Any]", record.get("message") or {})
    content = message.get("content")
    if isinstance(content, list):
        blocks = cast("list[dict[str, Any]]", content)
        yield from (block for block in blocks if block.get("type") == kind)


def _named_path(given: object) -> str | None:
    """Return the file that a call names; Grep and Glob may name a folder, which is none."""
    values = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    path = values.get("file_path") or values.get("notebook_path") or values.get("path")
    return path if isinstance(path, str) and "." in path.rpartition("/")[2].strip(".") else None


def reads_passages(use: dict[str, Any]) -> bool:
    """Whether a search asks for the lines around its hits: so it reads files, as Read does.

    One that asks for the hits alone does not: it may show a line of every file.
    """
    given = cast("dict[str, Any]", use.get("input") or {})
    return given.get("output_mode") == "content" and any(given.get(flag) for flag in _AROUND)


def _inside(root: str, path: str | None) -> str | None:
    """Return a path from the root of the checkout; None where it lies outside."""
    if not path:
        return None
    whole = normalize_path(path)
    if not whole.startswith("/"):
        return None if whole.startswith(("~", "..")) else whole.removeprefix("./")
    return whole.removeprefix(f"{root}/") if whole.startswith(f"{root}/") else None


def _time(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["timestamp"])


def _take_result(found: Reconstruction, root: str, result: dict[str, Any], at: datetime) -> None:
    if isinstance(result.get("file"), dict):
        _take_read(found, root, cast("dict[str, Any]", result["file"]), at)
    elif path := _inside(root, result.get("filePath")):
        file = found.get(path)
        file.whole, file.seen_at = _after_change(result), at
    else:
        for name in cast("list[str]", result.get("filenames") or []):
            if path := _inside(root, _named_path({"path": name})):
                found.get(path)
        _take_hits(found, root, str(result.get("content") or ""))


def _take_read(found: Reconstruction, root: str, read: dict[str, Any], at: datetime) -> None:
    path = _inside(root, read.get("filePath"))
    if path is None or "content" not in read:
        return
    file, start = found.get(path), int(read.get("startLine") or 1)
    lines = str(read["content"]).split("\n")
    file.seen_at = at
    if start == 1 and len(lines) >= int(read.get("totalLines") or 0):
        file.whole = str(read["content"])
    else:
        file.lines |= dict(enumerate(lines, start))


def _after_change(result: dict[str, Any]) -> str:
    """Return a file's text after a Write, or after an Edit of the text that it had."""
    if "oldString" not in result:
        return str(result.get("content") or "")
    before, old, new = (str(result[name] or "") for name in _EDIT)
    return before.replace(old, new, -1 if result.get("replaceAll") else 1)


_EDIT: Final = ("originalFile", "oldString", "newString")


def _take_hits(found: Reconstruction, root: str, output: str) -> None:
    """Take the lines that a search printed with their numbers."""
    for path, number, line in _hits(root, output):
        found.get(path).lines.setdefault(number, line)


def _hits(root: str, output: str) -> Iterator[tuple[str, int, str]]:
    for line in output.splitlines():
        hit = _HIT.match(line)
        if hit and (path := _inside(root, hit[1])):
            yield path, int(hit[2]), hit[3]
