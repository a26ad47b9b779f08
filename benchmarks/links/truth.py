"""What the links are compared with: docs/detectors/memory-code.md says why.

- A session's commits touched the file (`commits.json`).
- The memory's own tool calls named it, or those of its session named it or read passages of it:
  read from the transcripts by `reconstruction`, not by the importer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.links.reconstruction import Session

Pair: TypeAlias = tuple[str, str]
"""A memory's chunk id and a file's path, or a session's id and a file's path."""

_ID_CHARACTERS: Final = 36


@dataclass(frozen=True, slots=True)
class Truth:
    """Which files each session and memory is about."""

    committed: Mapping[str, frozenset[str]]
    """Files of the commits of a session."""
    touched: Mapping[str, frozenset[str]]
    """Files that tool calls of a session named or read passages of."""
    named: Mapping[str, frozenset[str]]
    """Files that a memory's own tool calls named."""
    session_of: Mapping[str, str]

    def by_commits(self, pair: Pair) -> bool | None:
        """Whether the session's commits touched the file; None for a session without commits."""
        committed = self.committed.get(self.session_of[pair[0]])
        return None if committed is None else pair[1] in committed

    def by_memory(self, pair: Pair) -> bool:
        """Whether the memory's tool calls or its session's commits touched the file."""
        return pair[1] in self.named[pair[0]] or self.by_commits(pair) is True

    def by_session(self, pair: Pair) -> bool:
        """Whether its session's tool calls or commits touched the file."""
        return pair[1] in self.touched[self.session_of[pair[0]]] or self.by_memory(pair)


def read_commits(folder: Path) -> dict[str, frozenset[str]]:
    """Return the files of each session's commits; some names bear a date before the session."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    commits: list[dict[str, Any]] = json.loads((folder / "commits.json").read_text())
    for commit in commits:
        for session_id in commit["session_ids"]:
            found[session_id[-_ID_CHARACTERS:]].update(commit["files"])
    return {session_id: frozenset(files) for session_id, files in found.items()}


def touched_by_session(sessions: list[Session]) -> dict[str, frozenset[str]]:
    """Return the files that each session's tool calls named or read passages of."""
    return {session.id: session.touched for session in sessions}
