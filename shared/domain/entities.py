"""The two kinds of entity as Postgres holds them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from shared.messages import Metadata


@dataclass(frozen=True, slots=True)
class Memory:
    """One conversation chunk or commit; unique by (workspace_id, chunk_id)."""

    id: UUID
    workspace_id: str
    user_id: UUID
    chunk_id: str
    session_id: str | None
    project_name: str | None
    type: str
    content: str
    metadata: Metadata
    occurred_at: datetime
    created_at: datetime
    updated_at: datetime
    """Tells two versions apart: an older one never overwrites a newer one."""


@dataclass(frozen=True, slots=True)
class CodeEntity:
    """One source file; unique by (workspace_id, project_name, path)."""

    id: UUID
    workspace_id: str
    user_id: UUID
    project_name: str
    path: str
    name: str
    type: str
    language: str | None
    content: str
    metadata: Metadata
    created_at: datetime
    updated_at: datetime


Entity: TypeAlias = Memory | CodeEntity
