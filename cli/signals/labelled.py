"""Reads labelled commits and episodes, and says which sessions are kept aside."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, Field, JsonValue, ValidationError

from cli.errors import CommandError

EPISODES: Final = "episodes.jsonl.gz"
COMMITS: Final = "commits.jsonl.gz"
_ASIDE_OF: Final = 3
FEWEST_SESSIONS: Final = 10
_FILES: Final = "\nfiles:"


class Episode(BaseModel):
    """A person's prompt with the answer, labelled by reading."""

    session_id: str
    content: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    labels: list[str]
    sure: bool = True


class Commit(BaseModel):
    """A commit message, labelled by the prefix that was cut off it."""

    id: str
    content: str
    label: str

    @property
    def message(self) -> str:
        """The text without the list of files."""
        return self.content.partition(_FILES)[0]

    @property
    def repository(self) -> str:
        """The repository, which the id begins with."""
        return self.id.partition("@")[0]


AnyLabelled = TypeVar("AnyLabelled", Episode, Commit)


@dataclass(frozen=True, slots=True)
class Labelled:
    """All that is labelled."""

    episodes: Sequence[Episode]
    commits: Sequence[Commit]


def read_labelled(folder: Path) -> Labelled:
    """Return the labelled data of a folder.

    Raises:
        CommandError: a file is missing, a line of it is wrong, or there are too few.
    """
    episodes = list(_read(folder / EPISODES, Episode))
    commits = list(_read(folder / COMMITS, Commit))
    if len({episode.session_id for episode in episodes}) < FEWEST_SESSIONS or not commits:
        raise CommandError(f"{folder}: too little to learn from ({len(episodes)} episodes).")
    return Labelled(episodes, commits)


def is_kept_aside(session_id: str) -> bool:
    """Return whether a session is for the last look only: a third of them, by their hash."""
    return int(hashlib.sha256(session_id.encode()).hexdigest(), 16) % _ASIDE_OF == 0


def _read(path: Path, kind: type[AnyLabelled]) -> Iterator[AnyLabelled]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield _parse(path, number, line, kind)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"{path}: {reason}", next_step="Name it with --labelled.") from error


def _parse(path: Path, number: int, line: str, kind: type[AnyLabelled]) -> AnyLabelled:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise CommandError(f"{path}, line {number}: {field} {first['msg']}") from error
