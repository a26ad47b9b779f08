"""Dead letters and operations as OpenAPI shows them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from services.api.answers import Answer
from services.api.bodies import Body
from services.api.examples import operating as operating_examples
from services.api.examples import shown
from shared.messages import check_range

MAX_IDS: Final = 1_000
MIN_RATE: Final = 0.001
MAX_RATE: Final = 100_000
QueueName: TypeAlias = Literal["memory_ingestion", "pattern_detection", "summary_generation"]
Fingerprint: TypeAlias = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
Words: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Snapshot: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^\d{1,18}:\d{1,18}:[\d,]*$", max_length=20_000)
]
MsgId: TypeAlias = Annotated[int, Field(ge=1, lt=2**63)]


class LettersWanted(Body):
    """Which dead letters of the queue; all of them without any condition."""

    fingerprint: Fingerprint | None = Field(default=None, description="only of this group")
    error: Words | None = Field(default=None, description="only this class of error")
    contains: Words | None = Field(
        default=None, description="only with this in the error's message, in any case"
    )
    since: AwareDatetime | None = Field(default=None, description="died then or later")
    until: AwareDatetime | None = Field(default=None, description="died before")

    @field_validator("until")
    @classmethod
    def _is_after_since(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        return check_range(info.data.get("since"), until)


class PreviewRequest(Body):
    """What would be redriven or discarded."""

    model_config = shown(operating_examples.PREVIEW)

    queue: QueueName
    filter: LettersWanted = LettersWanted()


class OperationRequest(Body):
    """Named letters, or all that match a filter at the snapshot of its preview."""

    model_config = shown(operating_examples.REDRIVE, operating_examples.REDRIVE_IDS)

    queue: QueueName
    ids: Annotated[list[MsgId], Field(min_length=1, max_length=MAX_IDS)] | None = None
    filter: LettersWanted | None = None
    snapshot: Snapshot | None = Field(default=None, description="as the preview answered it")
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    rate: Annotated[float, Field(ge=MIN_RATE, le=MAX_RATE)] | None = Field(
        default=None, description="letters a second at most"
    )
    expected_count: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="refused when it would be about another number of letters"
    )

    @model_validator(mode="after")
    def _says_which(self) -> OperationRequest:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("name either ids or a filter")
        if self.filter is not None and self.snapshot is None:
            raise ValueError("a filter needs the snapshot of its preview")
        return self


class LetterGroupFound(Answer):
    """Dead letters of one queue that failed of the same."""

    fingerprint: str
    queue: str
    error: str = Field(description="class of the error")
    title: str = Field(description="its message without numbers, ids, paths and quoted texts")
    frame: str = Field(description="the last call of our own code, or empty")
    count: int
    first_seen: datetime
    last_seen: datetime
    release: str | None
    bars: list[int] = Field(description="how many died in each 24th of the last `barsSeconds`")
    bars_seconds: int
    newest_id: int


class LetterGroupPage(Answer):
    """Groups, the one with the newest letter first; `next` is the `before` of the next page."""

    model_config = shown(operating_examples.GROUPS)

    groups: list[LetterGroupFound]
    next: str | None
    counted_at_most: int = Field(description="the newest letters of each queue that are looked at")


class LetterListed(Answer):
    """A dead letter in a list."""

    queue: str
    id: int
    fingerprint: str
    died_at: datetime
    error: str
    message: str
    frame: str
    release: str | None
    attempts: int | None
    job_id: str | None
    trace_id: str | None


class LetterPage(Answer):
    """Dead letters, newest first; `next` is the `before` of the next page."""

    model_config = shown(operating_examples.LETTERS)

    letters: list[LetterListed]
    next: str | None


class FrameFound(Answer):
    """One call of a traceback."""

    file: str
    line: int
    name: str
    code: str
    is_own: bool


class ErrorFound(Answer):
    """One error and the calls that led to it, the newest first."""

    error: str
    frames: list[FrameFound]


class LetterFound(LetterListed):
    """A dead letter whole, without secrets."""

    model_config = shown(operating_examples.LETTER_FOUND)

    errors: list[ErrorFound] = Field(description="the last error first, then what caused it")
    frames_omitted: int
    traceback: str = Field(description="its end; all of it at `…/traceback`")
    traceback_bytes: int
    payload: JsonValue = Field(description="null where it is long; all of it at `…/payload`")
    payload_excerpt: str | None
    payload_bytes: int
    headers: JsonValue
    enqueued_at: str | None
    deliveries: int | None


class RawLetter(Answer):
    """A dead letter as it is stored, secrets included."""

    model_config = shown(operating_examples.RAW_LETTER)

    queue: str
    id: int
    headers: JsonValue
    traceback: str
    payload: JsonValue


class PreviewAnswer(Answer):
    """What a redrive or discard with this filter and snapshot would be about."""

    model_config = shown(operating_examples.PREVIEWED)

    count: int
    is_capped: bool = Field(description="there are more than `count`")
    samples: list[LetterListed]
    highest_id: int
    snapshot: str = Field(
        description="names these letters: those that die later are not among them"
    )


class OperationState(Answer):
    """How far a redrive or discard is; `total` = `done` + `skipped` + `left`."""

    model_config = shown(operating_examples.OPERATION)

    id: UUID
    kind: Literal["redrive", "discard"]
    queue: str
    filter: dict[str, JsonValue]
    state: Literal["queued", "running", "cancelled", "done", "failed"]
    total: int
    done: int
    skipped: int = Field(description="gone before it came to them, or refused by the queue")
    left: int
    percent: float
    rate: float | None
    reason: str
    requested_by: str
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OperationPage(Answer):
    """Operations, newest first; `next` is the `before` of the next page."""

    model_config = shown(operating_examples.OPERATIONS)

    operations: list[OperationState]
    next: str | None
