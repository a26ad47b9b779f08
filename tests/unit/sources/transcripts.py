"""Builds small Claude Code transcripts for the tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import JsonValue

from shared.sources.claude_code import read_claude_code
from shared.sources.records import ImportProblem, ImportReport, MemoryChunk

Record = dict[str, JsonValue]

CWD = "/Users/ann/src/shop"


class Session:
    """Writes records one second apart, each the child of the one before."""

    def __init__(
        self, session_id: str = "s1", cwd: str = CWD, branch: str = "main", started: int = 0
    ) -> None:
        self.session_id = session_id
        self.cwd = cwd
        self.branch = branch
        self.records: list[Record] = []
        self.clock = started

    def user(self, content: JsonValue, **extra: JsonValue) -> str:
        return self.add("user", {"role": "user", "content": content}, **extra)

    def assistant(self, *blocks: JsonValue, message_id: str = "", **extra: JsonValue) -> str:
        listed: list[JsonValue] = [
            {"type": "text", "text": item} if isinstance(item, str) else item for item in blocks
        ]
        message: Record = {"id": message_id or f"msg{self.clock}", "content": listed}
        return self.add("assistant", message, **extra)

    def result(self, tool_id: str, content: JsonValue, *, is_error: bool = False) -> str:
        block: Record = {"type": "tool_result", "tool_use_id": tool_id, "content": content}
        return self.user([block | ({"is_error": True} if is_error else {})])

    def add(self, kind: str, message: JsonValue = None, **extra: JsonValue) -> str:
        self.clock += 1
        uuid = f"{self.session_id}-{self.clock}"
        record: Record = {
            "type": kind,
            "uuid": uuid,
            "parentUuid": self.records[-1]["uuid"] if self.records else None,
            "timestamp": f"2026-01-05T10:{self.clock // 60:02}:{self.clock % 60:02}.000Z",
            "sessionId": self.session_id,
            "cwd": self.cwd,
            "gitBranch": self.branch,
            "message": message,
        }
        self.records.append(record | extra)
        return str(self.records[-1]["uuid"])

    def write(self, folder: Path, name: str | None = None) -> Path:
        path = folder / (name or f"{self.session_id}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in self.records))
        return path


def tool(name: str, tool_id: str, **given: JsonValue) -> Record:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": given}


def read(start: Path, report: ImportReport | None = None) -> list[MemoryChunk]:
    return [item for item in read_claude_code(start, report) if isinstance(item, MemoryChunk)]


def problems(start: Path) -> list[ImportProblem]:
    return [item for item in read_claude_code(start) if isinstance(item, ImportProblem)]


def contents(memories: Iterable[MemoryChunk]) -> list[str]:
    return [memory.content for memory in memories]
