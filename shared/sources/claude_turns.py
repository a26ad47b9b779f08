"""Collects the records that belong to one prompt, and makes memories of them. Pure.

A memory's content is the prompt, an empty line and the assistant's text. Above
`MAX_CONTENT_CHARACTERS` the answer goes on in further memories, cut between its paragraphs; a
prompt is never cut below `MAX_PROMPT_CHARACTERS`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from shared.domain.code_languages import language_of
from shared.domain.project_name import Repository, relative_to_repository
from shared.sources.claude_records import ToolResult, ToolUse, is_failing_output
from shared.sources.records import MemoryChunk, Metadata

MAX_CONTENT_CHARACTERS: Final = 8_000
MAX_PROMPT_CHARACTERS: Final = 100_000
MAX_PATHS: Final = 200
Origin: TypeAlias = Literal["human", "command", "sidechain", "continued"]
"""Who opened a turn; `continued`: its prompt stands in another file."""
_FENCE = re.compile(r"^[ \t]*```[ \t]*([A-Za-z0-9+#_-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text and when it was written."""

    written_at: datetime
    text: str


@dataclass(slots=True)
class Turn:
    """One prompt with what followed it."""

    key: str
    session_id: str
    origin: Origin
    prompt: str
    started_at: datetime
    repository: Repository
    git_branch: str
    command: str | None = None
    agent_id: str | None = None
    answer: list[Piece] = field(default_factory=list[Piece])
    ended_at: datetime | None = None
    tools: dict[str, str] = field(default_factory=dict[str, str])
    message_ids: set[str] = field(default_factory=set[str])
    paths: dict[str, bool] = field(default_factory=dict[str, bool])
    command_paths: dict[str, None] = field(default_factory=dict[str, None])
    tool_errors: int = 0
    tool_results: int = 0
    failing_outputs: int = 0
    is_closed: bool = False

    def add_answer(self, message_id: str, piece: Piece) -> None:
        """Add text of one response; its records may repeat what earlier ones held."""
        known = message_id in self.message_ids
        self.message_ids.add(message_id)
        if piece.text and not (known and any(old.text == piece.text for old in self.answer)):
            self.answer.append(piece)

    def add_tool_use(self, use: ToolUse) -> None:
        """Count a call once, however many records show it."""
        self.tools[use.id or f"#{len(self.tools)}"] = use.name
        if use.path is not None:
            path = relative_to_repository(use.path, self.repository.root)
            self.paths[path] = self.paths.get(path, False) or use.edits
        for named in use.command_paths:
            self.command_paths[relative_to_repository(named, self.repository.root)] = None

    def add_tool_result(self, result: ToolResult) -> None:
        """Count a tool's answer."""
        self.tool_results += 1
        self.tool_errors += result.is_error
        tool = self.tools.get(result.tool_use_id)
        self.failing_outputs += is_failing_output(tool, result.text)

    def memories(self) -> Iterator[MemoryChunk]:
        """Yield the turn's memories; none where nobody said anything."""
        asked = self.prompt and (self.answer or self.origin != "sidechain")
        prompt = Piece(self.started_at, self.prompt) if asked else None
        parts = list(_split(prompt, self.answer))
        for index, part in enumerate(parts):
            yield MemoryChunk(
                chunk_id=f"claude-code:{self.key}:{index}",
                session_id=self.session_id,
                content=part.text,
                metadata=self._metadata(part, index, len(parts)),
                project_name=self.repository.name,
                occurred_at=part.written_at,
            )

    def _metadata(self, part: Piece, index: int, count: int) -> Metadata:
        fence = _FENCE.search(part.text)
        paths = list(self.paths)[:MAX_PATHS]
        edited = [path for path in paths if self.paths[path]]
        spoken = self.origin == "human" and index == 0
        metadata: Metadata = {
            "timestamp": _iso(part.written_at),
            "startTime": _iso(part.written_at),
            "endTime": _iso(max(part.written_at, self.ended_at or part.written_at)),
            "filePaths": [*paths],
            "editedPaths": [*edited],
            "commandPaths": [*list(self.command_paths)[:MAX_PATHS]],
            "messageType": "user" if spoken else "assistant",
            "hasCode": fence is not None,
            "codeLanguage": _code_language(fence, edited),
            "chunkIndex": index,
            "chunkCount": count,
            "messageCount": bool(self.prompt) + len(self.message_ids),
            "tools": dict(Counter(self.tools.values())),
            "toolErrors": self.tool_errors,
            "failingOutputs": self.failing_outputs,
            "toolResults": self.tool_results,
            "gitBranch": self.git_branch or None,
            "source": "claude-code",
            "isSidechain": self.origin == "sidechain",
            "agentId": self.agent_id,
            "command": self.command,
        }
        return {name: value for name, value in metadata.items() if value is not None}


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _code_language(fence: re.Match[str] | None, edited: list[str]) -> str | None:
    named = fence[1].lower() if fence else ""
    by_path = (language_of(path) for path in edited)
    return named or next((language for language in by_path if language), None)


def _split(prompt: Piece | None, answer: list[Piece]) -> Iterator[Piece]:
    """Join prompt and answer up to the limit; only the prompt may be longer."""
    *earlier, current = [*_cut(prompt, MAX_PROMPT_CHARACTERS)] if prompt else [None]
    yield from (part for part in earlier if part is not None)
    gap = "\n\n"
    for part in (part for piece in answer for part in _cut(piece, MAX_CONTENT_CHARACTERS)):
        if current is None:
            current = part
        elif len(current.text) + len(gap) + len(part.text) <= MAX_CONTENT_CHARACTERS:
            current = Piece(current.written_at, f"{current.text}{gap}{part.text}")
        else:
            yield current
            current = part
        gap = "\n"
    if current is not None:
        yield current


def _cut(piece: Piece, size: int) -> Iterator[Piece]:
    """Yield a piece in parts within the size, cut at a paragraph, line or word if there is one."""
    rest = piece.text
    while len(rest) > size:
        cuts = (rest.rfind(mark, size // 2, size) for mark in ("\n\n", "\n", " "))
        cut = next((cut for cut in cuts if cut > 0), size)
        yield Piece(piece.written_at, rest[:cut].rstrip())
        rest = rest[cut:].lstrip("\n ")
    if rest:
        yield Piece(piece.written_at, rest)
