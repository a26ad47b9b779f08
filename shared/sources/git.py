"""Reads the commits of a repository: one memory per commit, one session per author and day.

A commit's id is its own hash, so shallow clones, full clones and worktrees of one repository yield
the same memories. Sessions are days because the gaps between a day's commits mean something; the
gaps between years do not.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, TypeAlias

from pydantic import JsonValue

from shared.domain.clean_text import clean_text
from shared.domain.code_languages import language_of
from shared.errors import InvalidInputError
from shared.sources.git_command import run_git, stream_git
from shared.sources.records import ImportProblem, ImportReport, MemoryChunk, Metadata
from shared.sources.repository import find_repository

Item: TypeAlias = MemoryChunk | ImportProblem

MAX_PATHS: Final = 100
"""Paths kept of one commit; `filesChanged` counts all of them."""
MAX_MESSAGE_CHARACTERS: Final = 100_000
_CHUNK_BYTES: Final = 1 << 16
_START: Final = "commit "
_FORMAT: Final = f"--format={_START}%H%x00%aN%x00%aI%x00%P%x00%B%x00"
_HEADER_FIELDS: Final = 5
_CHANGES: Final = {
    "A": "added", "C": "copied", "D": "deleted", "M": "modified", "R": "renamed", "T": "modified",
}  # fmt: skip


@dataclass(slots=True)
class Commit:
    """One commit as git shows it."""

    sha: str
    author: str
    authored_at: str
    parents: list[str]
    message: str
    changes: dict[str, str] = field(default_factory=dict[str, str])
    insertions: int = 0
    deletions: int = 0
    has_counts: bool = True
    """False where the clone lacks the files' content, so that no line was counted."""


def count_commits(folder: Path) -> int:
    """Return how many commits `read_git` would yield, for a progress bar.

    Raises:
        InvalidInputError: the folder is in no git repository, or git failed.
    """
    return int(run_git(folder, "rev-list", "--count", "HEAD")) if _has_commits(folder) else 0


def read_git(folder: Path, report: ImportReport | None = None) -> Iterator[Item]:
    """Yield the commits that lead to HEAD, newest first. Repeatable: the ids do not change.

    Raises:
        InvalidInputError: the folder is in no git repository, or git failed.
    """
    report = report or ImportReport()
    repository = find_repository(folder)
    if repository is None:
        run_git(folder, "rev-parse", "--git-dir")  # raises with git's own reason
        raise InvalidInputError(str(folder), "not a git repository")
    if not _has_commits(folder):
        yield ImportProblem(str(folder), None, None, "a repository without commits")
        return
    for commit in _read_commits(folder):
        report.files += 1
        yield from _to_memory(commit, repository.name)


def _has_commits(folder: Path) -> bool:
    try:
        return bool(run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD"))
    except InvalidInputError:
        run_git(folder, "rev-parse", "--git-dir")  # raises when the folder is the reason
        return False


def _read_commits(folder: Path) -> Iterator[Commit]:
    """Yield all commits; without counted lines where the clone lacks the files' content."""
    done = 0
    try:
        for commit in _log(folder, "--raw", "--find-renames", "--numstat"):
            yield commit
            done += 1
    except InvalidInputError:
        for position, commit in enumerate(_log(folder, "--raw", "--no-renames")):
            if position >= done:
                commit.has_counts = False
                yield commit


def _log(folder: Path, *what: str) -> Iterator[Commit]:
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-abbrev", "-z")
    with stream_git(folder, "log", *options, *what, _FORMAT, "HEAD", "--") as output:
        tokens = _tokens(output)
        commit: Commit | None = None
        for token in tokens:
            text = token.lstrip("\n")
            if text.startswith(_START):
                if commit is not None:
                    yield commit
                commit = _begin(text, tokens)
            elif commit is not None and text:
                _add_change(commit, text, tokens)
        if commit is not None:
            yield commit


def _tokens(output: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := output.read(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\x00")
        for token in whole:
            yield token.decode("utf-8", errors="replace")
    yield rest.decode("utf-8", errors="replace")


def _begin(start: str, tokens: Iterator[str]) -> Commit:
    author, authored_at, parents, message = (next(tokens) for _ in range(_HEADER_FIELDS - 1))
    return Commit(start.removeprefix(_START), author, authored_at, parents.split(), message)


def _add_change(commit: Commit, text: str, tokens: Iterator[str]) -> None:
    """Take a `--raw` entry (`:modes hashes R100`, paths) or a `--numstat` one (`1\\t2\\tpath`)."""
    if text.startswith(":"):
        kind = text.rpartition(" ")[2][:1]
        old = next(tokens)
        path = next(tokens) if kind in "RC" else old
        commit.changes[clean_text(path)] = _CHANGES.get(kind, "modified")
        return
    insertions, deletions, path = text.split("\t", 2)
    if not path:  # a rename: both paths follow
        _ = next(tokens), next(tokens)
    commit.insertions += int(insertions) if insertions.isdigit() else 0
    commit.deletions += int(deletions) if deletions.isdigit() else 0


def _to_memory(commit: Commit, project: str) -> Iterator[Item]:
    content = clean_text(commit.message).strip()
    if len(content) > MAX_MESSAGE_CHARACTERS:
        content = content[:MAX_MESSAGE_CHARACTERS]
        reason = f"cut to {MAX_MESSAGE_CHARACTERS} characters"
        yield ImportProblem(commit.sha, None, "message", reason, "changed")
    occurred_at = _parse_time(commit.authored_at)
    if occurred_at is None:
        yield ImportProblem(commit.sha, None, "author date", f"no date: {commit.authored_at!r}")
        return
    yield MemoryChunk(
        chunk_id=f"git:{commit.sha}",
        session_id=_session_id(commit, project),
        content=content or "(no commit message)",
        metadata=_metadata(commit, occurred_at),
        project_name=project,
        occurred_at=occurred_at,
    )


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _session_id(commit: Commit, project: str) -> str:
    day = commit.authored_at[:10]  # the author's own day, whatever the time zone
    author = hashlib.sha256(commit.author.encode()).hexdigest()[:8]
    return f"git:{project}:{day}:{author}"


def _metadata(commit: Commit, occurred_at: datetime) -> Metadata:
    paths = list(commit.changes)[:MAX_PATHS]
    languages = Counter(language for path in paths if (language := language_of(path)))
    time = occurred_at.isoformat().replace("+00:00", "Z")
    changed: list[JsonValue] = [{"path": path, "change": commit.changes[path]} for path in paths]
    metadata: Metadata = {
        "timestamp": time,
        "startTime": time,
        "endTime": time,
        "filePaths": [*paths],
        "changedFiles": changed,
        "filesChanged": len(commit.changes),
        "messageType": "assistant",
        "hasCode": False,
        "chunkIndex": 0,
        "messageCount": 1,
        "commit": commit.sha,
        "author": clean_text(commit.author),
        "isMerge": len(commit.parents) > 1,
        "source": "git",
    }
    if commit.has_counts:
        metadata |= {"insertions": commit.insertions, "deletions": commit.deletions}
    if languages:
        metadata["codeLanguage"] = languages.most_common(1)[0][0]
    return metadata
