"""Records as readers yield them."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.records import CodeFile, MemoryChunk

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def chunk(name: str, *, session: str = "s1", project: str = "p", content: str = "") -> MemoryChunk:
    return MemoryChunk(name, session, content or name, {"messageType": "user"}, project, NOON)


def file(path: str, *, project: str = "p", content: str = "x = 1") -> CodeFile:
    return CodeFile(path, content, "python", NOON, project, {})
