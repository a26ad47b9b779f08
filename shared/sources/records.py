"""What a reader of real input yields, and the report it fills in. Pure.

A reader is a generator of records and problems, so that a transcript of a gigabyte is imported in
the memory of one turn, and the command line can show progress while it reads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import JsonValue

Metadata: TypeAlias = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class MemoryChunk:
    """One memory; a second import yields the same `chunk_id`, so that it replaces the first."""

    chunk_id: str
    session_id: str
    content: str
    metadata: Metadata
    project_name: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One source file; `path` is relative to its repository, with forward slashes."""

    path: str
    content: str
    language: str | None
    last_modified: datetime | None
    project_name: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A place in the input that could not be taken as it is; the rest went through."""

    file: str
    line: int | None
    field: str | None
    reason: str
    outcome: Literal["skipped", "changed"] = "skipped"
    """`changed`: imported, with the repair that `reason` names."""


@dataclass(slots=True)
class ImportReport:
    """What one import did; the reader counts while it reads."""

    files: int = 0
    bytes_read: int = 0
    """Bytes on disk, compressed where the file is; its total is the sum of the files' sizes."""
    dropped: Counter[str] = field(default_factory=Counter[str])
    """Records that are no memory by rule, by kind: nothing disappears without a number."""
