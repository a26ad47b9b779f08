"""The contract between services: one model for each message on a queue. Pure.

A message's `workspace_id` is `team:<uuid>` or `user:<uuid>`; messages of the old system may carry
a bare uuid, which is kept as it is. Unknown fields are ignored, so a newer sender breaks nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, TypeAlias, cast
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)

MEMORY_INGESTION: Final = "memory_ingestion"
PATTERN_DETECTION: Final = "pattern_detection"
SUMMARY_GENERATION: Final = "summary_generation"
QUEUES: Final = (MEMORY_INGESTION, PATTERN_DETECTION, SUMMARY_GENERATION)

JOB_ID_HEADER: Final = "job_id"
DELAYED_HEADER: Final = "delayed"
"""The message was sent for later: its wait says nothing about its queue."""
MAX_REMOVED: Final = 1_000
"""The most entities of one kind that one message removes."""

WORKSPACE_PATTERN: Final = (
    "^((team|user):)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
)
WorkspaceId: TypeAlias = Annotated[str, StringConstraints(pattern=WORKSPACE_PATTERN)]
PatternType: TypeAlias = Literal[
    "debugging",
    "learning",
    "refactoring",
    "problem_solving",
    "temporal",
    "semantic",
    "memory_code",
]
Metadata: TypeAlias = dict[str, JsonValue]


def in_utc(moment: datetime) -> datetime:
    """Return a time in the one zone that every server knows: Neo4j's offsets end at 18 hours.

    Raises:
        ValueError: no calendar has it in UTC.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999") from error


Moment: TypeAlias = Annotated[
    AwareDatetime, AfterValidator(in_utc), Field(examples=["2026-01-31T09:30:00Z"])
]
"""A time that came with its offset."""


_USER: Final = "1f2e3d4c-5b6a-4978-8a6b-5c4d3e2f1a0b"
_WORKSPACE: Final = "team:6f7a8b9c-0d1e-4f2a-8b3c-4d5e6f7a8b9c"
"""In the examples of the descriptions of the API and of the queues."""


class Message(BaseModel):
    """A message body; immutable once parsed."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class IngestMemory(Message):
    """Queue `memory_ingestion`: embed one memory and write it to the graph."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "memory",
                    "user_id": _USER,
                    "workspace_id": _WORKSPACE,
                    "memory_id": "5d0e8f44-6a1b-4f3e-8c27-9b6a1d2e3f40",
                    "content": "Why does the parser fail on empty input?",
                    "metadata": {"projectName": "engine"},
                }
            ]
        }
    )

    type: Literal["memory"] = "memory"
    user_id: UUID
    workspace_id: WorkspaceId
    memory_id: UUID
    content: str
    metadata: Metadata = Field(default_factory=dict)


class IngestCode(Message):
    """Queue `memory_ingestion`: parse one stored source file and write it to the graph."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "code",
                    "user_id": _USER,
                    "workspace_id": _WORKSPACE,
                    "code_entity_id": "8e2b1c7a-3f4d-4b5e-a6c9-1d2e3f4a5b6c",
                }
            ]
        }
    )

    type: Literal["code"] = "code"
    user_id: UUID
    workspace_id: WorkspaceId
    code_entity_id: UUID
    metadata: Metadata = Field(default_factory=dict)


class RemoveEntities(Message):
    """Queue `memory_ingestion`: take out of the graph what Postgres does not hold any more."""

    type: Literal["removal"] = "removal"
    user_id: UUID | None = None
    """Who asked."""
    workspace_id: WorkspaceId
    memory_ids: Annotated[list[UUID], Field(max_length=MAX_REMOVED)] = Field(
        default_factory=list[UUID]
    )
    code_entity_ids: Annotated[list[UUID], Field(max_length=MAX_REMOVED)] = Field(
        default_factory=list[UUID]
    )


Ingest: TypeAlias = Annotated[IngestMemory | IngestCode, Field(discriminator="type")]
Ingestion: TypeAlias = Annotated[
    IngestMemory | IngestCode | RemoveEntities, Field(discriminator="type")
]
"""Whatever stands on queue `memory_ingestion`."""


class DetectPatterns(Message):
    """Queue `pattern_detection`: run the detectors named over one workspace.

    `pattern_types` holds plain strings: an unknown one is dead-lettered with the list of known.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"workspace_id": _WORKSPACE, "pattern_types": ["debugging"], "limit": 100}]
        }
    )

    batch_id: UUID = Field(default_factory=uuid4)
    pattern_types: list[str] = Field(default_factory=list)
    """Empty means all."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most new entities that one run looks at; if more are new, another run follows."""
    user_id: UUID | None = None
    """Who asked."""
    workspace_id: WorkspaceId
    project_name: Annotated[str, StringConstraints(max_length=255)] | None = None
    """Look at this project again, whether or not something is new; no other run follows."""
    since: Moment | None = None
    """Look again at what happened from here on."""
    until: Moment | None = None
    """Look again at what happened before."""

    @field_validator("until")
    @classmethod
    def _is_after_since(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        return check_range(info.data.get("since"), until)


class DeleteData(Message):
    """Queue `pattern_detection`: go on with a deletion of a workspace's data.

    On that queue because no detection of a workspace runs beside it there.
    """

    deletion_id: UUID
    """What is deleted stands in its row: a name in a message would stay in the archive."""
    workspace_id: WorkspaceId


def _kind_of(body: object) -> str:
    named = cast(dict[str, object], body) if isinstance(body, dict) else {}
    return "deletion" if isinstance(body, DeleteData) or "deletion_id" in named else "detection"


Detection: TypeAlias = Annotated[
    Annotated[DetectPatterns, Tag("detection")] | Annotated[DeleteData, Tag("deletion")],
    Discriminator(_kind_of),
]
"""Whatever stands on queue `pattern_detection`."""


def check_range(since: datetime | None, until: datetime | None) -> datetime | None:
    """Return `until`.

    Raises:
        ValueError: it is not after `since`.
    """
    if since is not None and until is not None and until <= since:
        raise ValueError(f"must be later than since ({since.isoformat()})")
    return until


def detection_key(workspace_id: str) -> str:
    """Return what makes requests to look at all that is new in a workspace one and the same."""
    return f"detect:{workspace_id}"


class SummarizeProject(Message):
    """Queue `summary_generation`: write one project's summary."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    project_name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    reason: str = "new memories"
