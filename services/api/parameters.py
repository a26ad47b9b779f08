"""Ids and filters that several routes take, with examples of them. Pure."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Path, Query

from services.api.examples import (
    DELETION_ID,
    FILE_ID,
    JOB_ID,
    KEY_ID,
    MEMORY_ID,
    OPERATION_ID,
    PATTERN_ID,
    USER_ID,
)

JobId: TypeAlias = Annotated[UUID, Path(examples=[JOB_ID])]
MemoryId: TypeAlias = Annotated[UUID, Path(examples=[MEMORY_ID])]
CodeId: TypeAlias = Annotated[UUID, Path(examples=[FILE_ID])]
PatternId: TypeAlias = Annotated[UUID, Path(examples=[PATTERN_ID])]
OperationId: TypeAlias = Annotated[UUID, Path(examples=[OPERATION_ID])]
DeletionId: TypeAlias = Annotated[UUID, Path(examples=[DELETION_ID])]
KeyId: TypeAlias = Annotated[UUID, Path(examples=[KEY_ID])]
OfUser: TypeAlias = Annotated[
    UUID | None, Query(description="only what this user sent", examples=[USER_ID])
]
