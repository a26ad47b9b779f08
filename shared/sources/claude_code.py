"""Reads Claude Code sessions: one memory per human prompt, with the answer up to the next one.

Decisions where the format leaves a choice:

- A record belongs to the prompt among its ancestors (`parentUuid`), so that two terminals that go
  on with one session, or a rewind, do not mix their answers. The order in the file decides where
  the chain is broken (after a compaction, in the first record of a file).
- A record whose `uuid` was already read, in this file or another, is the same record: resuming or
  forking copies them. An answer that goes on in the copy becomes a memory of its own.
- A prompt that was typed while the assistant worked opens a turn like any other.
- A slash command that the assistant answered is a memory with `messageType: assistant` and
  `command`; one without an answer is only counted.
- A subagent's run is a memory with `messageType: assistant` and `isSidechain: true`, in the session
  that started it. Its task was written by the assistant, so it is no human prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from shared.domain.clean_text import clean_text
from shared.sources.claude_transcript import Transcript
from shared.sources.json_lines import Line, find_files, read_lines
from shared.sources.records import ImportProblem, ImportReport, MemoryChunk
from shared.sources.repository import Repositories

Item: TypeAlias = MemoryChunk | ImportProblem

SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_HEAD_LINES: Final = 50


def find_transcripts(start: Path) -> list[Path]:
    """Return the session files below a folder, subagents' included."""
    return find_files(start, SUFFIXES)


def read_claude_code(start: Path, report: ImportReport | None = None) -> Iterator[Item]:
    """Yield the memories of all sessions below a folder, and what could not be taken.

    Repeatable: the same files yield the same ids. Holds one turn at a time.
    """
    report = report or ImportReport()
    heads = sorted((_read_head(path), path) for path in find_transcripts(start))
    repositories = Repositories()
    for head, _ in heads:
        repositories.learn(head.working_directory, head.git_branch)
    seen: set[str] = set()
    for head, path in heads:
        name = path.relative_to(start).as_posix() if path != start else path.name
        transcript = Transcript(path, name, head.working_directory, repositories, seen, report)
        yield from transcript.read()
        report.files += 1


@dataclass(frozen=True, slots=True, order=True)
class _Head:
    """How a session began; sessions are read in this order, so a copy comes after its original."""

    started_at: str
    working_directory: str
    git_branch: str


def _read_head(path: Path) -> _Head:
    first: dict[str, str] = {}
    for number, line in enumerate(read_lines(path, path.name, ImportReport())):
        if isinstance(line, Line):
            for name in ("timestamp", "cwd", "gitBranch"):
                value = line.value.get(name)
                if isinstance(value, str) and value:
                    first.setdefault(name, clean_text(value))
        if number >= _HEAD_LINES or "cwd" in first:
            break
    return _Head(first.get("timestamp", ""), first.get("cwd", ""), first.get("gitBranch", ""))
