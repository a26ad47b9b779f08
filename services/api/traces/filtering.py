"""How traces are asked for, in the API and on the page alike."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Query

from services.api.examples import JOB_ID
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError
from shared.postgres.traces import TraceFilter

Short: TypeAlias = Annotated[str | None, Query(max_length=200)]


def read_filter(
    service: Annotated[
        str | None,
        Query(max_length=100, description="only with a step of it", examples=["supastate-ingest"]),
    ] = None,
    errors: Annotated[bool, Query(description="only with a failed step")] = False,
    min_ms: Annotated[
        float, Query(alias="minMs", ge=0, le=1e9, description="that took at least so long")
    ] = 0,
    job: Annotated[
        str | None, Query(max_length=40, description="a job's id", examples=[JOB_ID])
    ] = None,
    message: Annotated[
        str | None,
        Query(
            max_length=200,
            description="a message's id, or `queue:id`",
            examples=["memory_ingestion:18"],
        ),
    ] = None,
) -> TraceFilter:
    """Return what the query asks for; an empty value asks for nothing.

    Raises:
        InvalidInputError: the job is no id, or a text cannot be searched for.
    """
    queue, _, message_id = check_text(message or "", "message").rpartition(":")
    return TraceFilter(
        service=check_text(service or "", "service") or None,
        errors=errors,
        min_ms=min_ms,
        job_id=_read_job(job),
        message_id=message_id or None,
        queue=queue or None,
    )


def _read_job(job: str | None) -> UUID | None:
    try:
        return UUID(job) if job else None
    except ValueError as error:
        raise InvalidInputError("job", "is not the id of a job") from error


WithFilter = Annotated[TraceFilter, Depends(read_filter)]
