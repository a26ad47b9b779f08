"""What clients send and are answered, as OpenAPI shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeAlias, cast

from fastapi import Query
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from services.api.errors import describe, reason_of
from services.api.examples import PROJECT, shown
from services.api.examples import patterns as patterns_examples
from services.api.examples import sending as sending_examples
from services.api.examples import working as working_examples
from shared.domain.accepting import MAX_ID_CHARACTERS
from shared.errors import InvalidInputError
from shared.messages import Metadata, Moment, PatternType, check_range

MAX_CHUNKS: Final = 100
MAX_FILES: Final = 50

Id: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARACTERS)]
ProjectPath: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
ProjectName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=255)]


ProjectFilter: TypeAlias = Annotated[
    str | None,
    Query(min_length=1, max_length=255, description="only this project", examples=[PROJECT]),
]


class Body(BaseModel):
    """JSON in camelCase; unknown fields are ignored, so that newer clients work too."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore"
    )


class Chunk(Body):
    """One piece of a conversation, or one commit."""

    chunk_id: Id
    content: str = Field(description="1 to 262,144 characters")
    metadata: Metadata = Field(
        default_factory=dict,
        description="`startTime`, else `timestamp`, says when it happened; other fields are kept. "
        "At most 10,000 values, 32 levels deep, names of at most 512 characters",
    )


class SourceFile(Body):
    """One source file."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        description="inside the project; at most 1,024 bytes"
    )
    content: str = Field(description="1 to 262,144 characters")
    language: Annotated[str, StringConstraints(max_length=64)] | None = None
    last_modified: str | int | float | None = None
    metadata: Metadata = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is not as documented: it fails alone."""

    name: str | None
    error: InvalidInputError


def _read_alone(model: type[Body]) -> PlainValidator:
    """Return a validator that keeps a bad item from refusing its whole request."""

    def read(value: object) -> object:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            refusal = InvalidInputError(describe(first["loc"], "item"), reason_of(first))
            return Unreadable(_name(value), refusal)

    return PlainValidator(read, json_schema_input_type=model)


def _name(value: object) -> str | None:
    fields = cast(dict[str, object], value) if isinstance(value, dict) else {}
    name = fields.get("chunkId", fields.get("path"))
    return name if isinstance(name, str) else None


EachChunk: TypeAlias = Annotated[Chunk | Unreadable, _read_alone(Chunk)]
EachFile: TypeAlias = Annotated[SourceFile | Unreadable, _read_alone(SourceFile)]


class MemoryRequest(Body):
    """Chunks of one session."""

    model_config = shown(sending_examples.MEMORIES)

    session_id: Id | None = None
    project_path: ProjectPath | None = None
    project_name: ProjectName | None = Field(default=None, description="wins over `projectPath`")
    workspace_id: str | None = Field(default=None, description="only the key's own")
    chunks: Annotated[list[EachChunk], Field(min_length=1, max_length=MAX_CHUNKS)]


class CodeRequest(Body):
    """Source files of one project."""

    model_config = shown(sending_examples.CODE)

    project_path: ProjectPath | None = None
    project_name: ProjectName | None = Field(default=None, description="wins over `projectPath`")
    workspace_id: str | None = Field(default=None, description="only the key's own")
    files: Annotated[list[EachFile], Field(min_length=1, max_length=MAX_FILES)]


class DetectRequest(Body):
    """Which patterns to look for, and where; all where none is named, among what is new."""

    model_config = shown(patterns_examples.DETECT)

    pattern_types: list[str] = Field(default_factory=list, max_length=32, examples=[["debugging"]])
    limit: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="how many memories and files one run looks at; others follow"
    )
    project_name: ProjectName | None = Field(
        default=None, description="look again at the newest of this project"
    )
    since: Moment | None = Field(
        default=None, description="look again at what happened from here on; with its offset"
    )
    until: Moment | None = Field(
        default=None, description="look again at what happened before; with its offset"
    )
    workspace_id: str | None = Field(default=None, description="only the key's own")

    @field_validator("until")
    @classmethod
    def _is_after_since(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        return check_range(info.data.get("since"), until)


class PatternQuery(Body):
    """What patterns to look for, in words."""

    model_config = shown(patterns_examples.QUERY)

    query: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    pattern_types: list[PatternType] = Field(default_factory=list, max_length=32)
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    workspace_id: str | None = Field(default=None, description="only the key's own")


class CancelRequest(Body):
    """Why a job is cancelled; kept in the audit log, secrets in it redacted."""

    model_config = shown(working_examples.CANCEL)

    reason: Annotated[str, StringConstraints(max_length=1000)] = ""
