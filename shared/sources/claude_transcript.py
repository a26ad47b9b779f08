"""Reads one transcript of Claude Code, record by record, into turns."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared.domain.clean_text import clean_text
from shared.sources.claude_records import (
    Object,
    Prompt,
    WrongTypeError,
    classify_user,
    describe_repairs,
    get_blocks,
    get_text,
    get_time,
    joined_text,
    read_tool_results,
    read_tool_uses,
    unfold_queued_prompt,
)
from shared.sources.claude_turns import Origin, Piece, Turn
from shared.sources.json_lines import Line, read_lines
from shared.sources.records import ImportProblem, ImportReport, MemoryChunk
from shared.sources.repository import Repositories

# Claude Code 2.0 starts each of its subagents once to fill a cache.
_WARM_UP: Final = "Warmup"
# How many records and unfinished turns are remembered: what bounds the memory.
_KNOWN_RECORDS: Final = 5_000
_OPEN_TURNS: Final = 16


@dataclass(slots=True)
class Transcript:
    """The reading of one file. `seen` holds the uuids of all files read before."""

    path: Path
    name: str
    working_directory: str
    repositories: Repositories
    seen: set[str]
    report: ImportReport
    turn_of: OrderedDict[str, Turn | None] = field(default_factory=OrderedDict[str, Turn | None])
    last_turn: dict[str, Turn | None] = field(default_factory=dict[str, Turn | None])
    open_turns: list[Turn] = field(default_factory=list[Turn])
    last_time: datetime | None = None

    def read(self) -> Iterator[MemoryChunk | ImportProblem]:
        """Yield the memories in the order of their prompts, and the problems as they come."""
        for line in read_lines(self.path, self.name, self.report):
            if isinstance(line, ImportProblem):
                yield line
                continue
            try:
                yield from self._take(line)
            except WrongTypeError as error:
                yield ImportProblem(self.name, line.number, error.field, str(error))
            while len(self.open_turns) > _OPEN_TURNS:
                yield from self._close(self.open_turns.pop(0))
        for turn in self.open_turns:
            yield from self._close(turn)

    def _close(self, turn: Turn) -> Iterator[MemoryChunk]:
        turn.is_closed = True
        yield from turn.memories()

    def _take(self, line: Line) -> Iterator[ImportProblem]:
        record = unfold_queued_prompt(line.value)
        kind, uuid = get_text(record, "type"), get_text(record, "uuid")
        if kind not in ("user", "assistant"):
            self.report.dropped[kind or "records without a type"] += 1
            self._remember(uuid, self._find_turn(record))
            return
        blocks = get_blocks(record)
        yield from self._note_time(line)
        if repairs := describe_repairs(blocks):
            yield ImportProblem(self.name, line.number, "message.content", repairs, "changed")
        is_copy = uuid in self.seen
        if is_copy:
            self.report.dropped["repeated records"] += 1
        if kind == "assistant":
            self._take_assistant(record, blocks, is_copy=is_copy)
        elif uuid not in self.turn_of:
            self._take_user(record, blocks, is_copy=is_copy)
        if uuid:
            self.seen.add(uuid)

    def _take_user(self, record: Object, blocks: list[Object], *, is_copy: bool) -> None:
        found = classify_user(record, blocks)
        if isinstance(found, Prompt):
            self._open_prompt(record, found, is_copy=is_copy)
            return
        turn = self._find_turn(record)
        self._remember(get_text(record, "uuid"), turn)
        self.report.dropped[found] += 1
        if turn is not None and not is_copy:
            for result in read_tool_results(blocks):
                turn.add_tool_result(result)
                turn.ended_at = self._now()

    def _open_prompt(self, record: Object, prompt: Prompt, *, is_copy: bool) -> None:
        uuid = get_text(record, "uuid")
        if prompt.text == _WARM_UP and _is_sidechain(record):
            self.report.dropped["warm-ups of subagents"] += 1
            self._remember(uuid, None)
            self.last_turn[_group(record)] = None
            return
        if prompt.command:
            self.report.dropped["commands"] += 1
        if is_copy:
            self._open_turn(record, "continued", Prompt(""), uuid)
        elif _is_sidechain(record):
            self._open_turn(record, "sidechain", prompt, uuid)
        else:
            self._open_turn(record, "command" if prompt.command else "human", prompt, uuid)

    def _open_turn(self, record: Object, origin: Origin, prompt: Prompt, uuid: str) -> Turn:
        branch = get_text(record, "gitBranch")
        folder = get_text(record, "cwd") or self.working_directory
        session_id = get_text(record, "sessionId") or self.path.name.partition(".")[0]
        self.repositories.learn(folder, branch)
        key = uuid or _key_without_uuid(session_id, prompt.text, self._now())
        turn = Turn(
            key=f"{key}:{session_id}" if origin == "continued" else key,
            session_id=session_id,
            origin=origin,
            prompt=prompt.text,
            started_at=self._now(),
            repository=self.repositories.get(folder),
            git_branch=branch,
            command=prompt.command,
            agent_id=get_text(record, "agentId") or None,
        )
        self.open_turns.append(turn)
        self.last_turn[_group(record)] = turn
        self._remember(uuid, turn)
        return turn

    def _take_assistant(self, record: Object, blocks: list[Object], *, is_copy: bool) -> None:
        turn, uuid = self._find_turn(record), get_text(record, "uuid")
        self._remember(uuid, turn)
        kind = _kind_of_no_answer(record)
        if is_copy:
            return
        if kind is not None:
            self.report.dropped[kind] += 1
            return
        if turn is None and _group(record) in self.last_turn:
            self.report.dropped["warm-ups of subagents"] += 1
            return
        # A file may begin in the middle: the prompt was in another, before a compaction.
        turn = turn or self._open_turn(record, "continued", Prompt(""), uuid)
        self._count_left_out(blocks)
        text = clean_text(joined_text(blocks)).strip()
        turn.add_answer(_message_id(record) or uuid, Piece(self._now(), text))
        turn.ended_at = self._now()
        for use in read_tool_uses(blocks):
            turn.add_tool_use(use)

    def _count_left_out(self, blocks: list[Object]) -> None:
        for block in blocks:
            if block.get("type") not in ("text", "tool_use"):
                self.report.dropped[f"{block.get('type')} blocks"] += 1

    def _find_turn(self, record: Object) -> Turn | None:
        parent = get_text(record, "parentUuid")
        turn = self.turn_of.get(parent)
        if parent not in self.turn_of or (turn is not None and turn.is_closed):
            return self.last_turn.get(_group(record))
        return turn

    def _remember(self, uuid: str, turn: Turn | None) -> None:
        if uuid:
            self.turn_of[uuid] = turn
            if len(self.turn_of) > _KNOWN_RECORDS:
                self.turn_of.popitem(last=False)

    def _note_time(self, line: Line) -> Iterator[ImportProblem]:
        try:
            time, reason = get_time(line.value), "missing"
        except WrongTypeError as error:
            time, reason = None, str(error)
        self.last_time = time or self.last_time
        if time is None:
            reason += "; taken from the record before"
            yield ImportProblem(self.name, line.number, "timestamp", reason, "changed")

    def _now(self) -> datetime:
        """Return when the current record was written; the file's time where none is known."""
        return self.last_time or datetime.fromtimestamp(self.path.stat().st_mtime, UTC)


def _is_sidechain(record: Object) -> bool:
    return record.get("isSidechain") is True


def _group(record: Object) -> str:
    """Return whose chain a record goes on with where its parent is unknown."""
    return f"agent {get_text(record, 'agentId')}" if _is_sidechain(record) else "session"


def _message_id(record: Object) -> str:
    message = record.get("message")
    return get_text(message, "id") if isinstance(message, dict) else ""


def _kind_of_no_answer(record: Object) -> str | None:
    message = record.get("message")
    if record.get("isApiErrorMessage") is True:
        return "API errors"
    synthetic = isinstance(message, dict) and message.get("model") == "<synthetic>"
    return "synthetic answers" if synthetic else None


def _key_without_uuid(session_id: str, text: str, written_at: datetime) -> str:
    told = f"{session_id}\n{written_at.isoformat()}\n{text}".encode()
    return hashlib.blake2b(told, digest_size=16).hexdigest()
