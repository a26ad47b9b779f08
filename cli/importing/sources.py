"""The kinds of input, each with the size that its progress bar counts towards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cli.errors import UsageError
from cli.importing.batches import Locate, Record, describe_place
from cli.importing.tally import Tally
from shared.sources.claude_code import find_transcripts, read_claude_code
from shared.sources.git import count_commits, read_git
from shared.sources.records import CodeFile, ImportProblem, ImportReport, MemoryChunk
from shared.sources.source_tree import find_source_files, read_source_tree

Records = Iterator[Record | ImportProblem]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be imported."""

    title: str
    total: int
    """What `position` reaches at the end; only for a progress bar."""
    unit: str
    position: Callable[[ImportReport], int]
    read: Callable[[ImportReport], Records]
    locate: Locate = describe_place

    def start(self) -> Tally:
        return Tally(self.title)


def claude_code(folder: Path) -> Source:
    """Return the Claude Code sessions below a folder.

    Raises:
        UsageError: there are none.
    """
    if not folder.exists():
        raise UsageError(f"{folder} does not exist")
    transcripts = find_transcripts(folder)
    if not transcripts:
        raise UsageError(
            f"no Claude Code sessions in {folder}",
            next_step="Sessions are .jsonl files; Claude Code keeps them in ~/.claude/projects.",
        )
    return Source(
        title="Claude Code sessions",
        total=sum(path.stat().st_size for path in transcripts),
        unit="bytes",
        position=lambda report: report.bytes_read,
        read=lambda report: read_claude_code(folder, report),
        locate=_locate_session(folder, transcripts),
    )


def git_history(folder: Path, since: datetime | None = None) -> Source:
    """Return the commits of a repository.

    Raises:
        InvalidInputError: the folder is in no repository.
    """
    return Source(
        title="git history",
        total=count_commits(folder),
        unit="commits",
        position=lambda report: report.files,
        read=lambda report: _since(read_git(folder, report), since, report),
    )


def source_files(folder: Path) -> Source:
    """Return the source files of a repository or folder.

    Raises:
        InvalidInputError: the folder does not exist.
    """
    return Source(
        title="source files",
        total=len(find_source_files(folder)),
        unit="files",
        position=lambda report: report.files,
        read=lambda report: iter(read_source_tree(folder, report)),
    )


def _since(
    records: Iterator[MemoryChunk | ImportProblem], moment: datetime | None, report: ImportReport
) -> Records:
    for record in records:
        if isinstance(record, MemoryChunk) and moment and record.occurred_at < moment:
            report.dropped[f"commits before {moment:%Y-%m-%d}"] += 1
        else:
            yield record


def _locate_session(folder: Path, transcripts: list[Path]) -> Locate:
    """Return a function that finds the file of a session by the id in its name."""

    def locate(record: Record) -> str:
        if isinstance(record, CodeFile):
            return describe_place(record)
        files = (path for path in transcripts if record.session_id in path.name)
        path = next(files, None)
        return (
            path.relative_to(folder).as_posix()
            if path and path != folder
            else describe_place(record)
        )

    return locate
