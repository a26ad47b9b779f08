"""Sorts items into accepted and refused, and turns the accepted into one job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeAlias, TypeVar
from uuid import UUID, uuid4

from fastapi import Depends, Request
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import PgmqBroker
from services.api.bodies import Unreadable
from services.api.errors import AllRefusedError
from shared.errors import InvalidInputError
from shared.messages import JOB_ID_HEADER, Message
from shared.postgres.api_keys import ApiKey
from shared.postgres.jobs import create_job
from shared.telemetry import note_job

Item = TypeVar("Item")
Draft = TypeVar("Draft")
Made = TypeVar("Made")
QUICK_BODY_BYTES: Final = 256 * 1024
"""So much is looked through in some 5 ms."""


async def count_body_bytes(request: Request) -> int:
    """Return how large the body is; it was read before."""
    return len(await request.body())


BodyBytes: TypeAlias = Annotated[int, Depends(count_body_bytes)]


async def do_apart(work: Callable[[], Made], body_bytes: int) -> Made:
    """Return what `work` makes of a body: in a thread, unless it is quicker than the thread.

    To look for secrets in 16 MiB must not keep other requests waiting.
    """
    return work() if body_bytes <= QUICK_BODY_BYTES else await asyncio.to_thread(work)


@dataclass(frozen=True, slots=True)
class Refused:
    """One item that cannot be stored, and why."""

    name: str | None
    error: InvalidInputError


@dataclass(frozen=True, slots=True)
class Accepted(Generic[Draft]):
    """One item that can be stored, by the name that it is unique by."""

    name: str
    draft: Draft


def sort_items(
    field: str,
    items: Sequence[Item | Unreadable],
    name_of: Callable[[Item], str],
    accept: Callable[[Item], Draft],
) -> list[Accepted[Draft] | Refused]:
    """Return each item accepted or refused, in order; a name counts once in a request.

    Raises:
        AllRefusedError: not one is accepted.
    """
    sorted_items: list[Accepted[Draft] | Refused] = []
    seen: set[str] = set()
    for number, item in enumerate(items):
        if isinstance(item, Unreadable):
            sorted_items.append(_refuse(item.name, item.error, f"{field}[{number}]"))
            continue
        name = name_of(item)
        try:
            _check_new(name, seen)
            sorted_items.append(Accepted(name, accept(item)))
            seen.add(name)
        except InvalidInputError as error:
            sorted_items.append(_refuse(name, error, f"{field}[{number}]"))
    refusals = [one.error for one in sorted_items if isinstance(one, Refused)]
    if len(refusals) == len(items):
        raise AllRefusedError(refusals)
    return sorted_items


def _check_new(name: str, seen: set[str]) -> None:
    # Neither of the two can be preferred without losing the other silently.
    if name in seen:
        raise InvalidInputError("", "occurs twice in this request; only the first is stored")


def _refuse(name: str | None, error: InvalidInputError, place: str) -> Refused:
    path = f"{place}.{error.field}" if error.field else place
    return Refused(name, type(error)(path, error.reason))


def accepted_drafts(items: Sequence[Accepted[Draft] | Refused]) -> list[Draft]:
    """Return what is to be stored."""
    return [item.draft for item in items if isinstance(item, Accepted)]


async def submit(
    conn: AsyncConnection[TupleRow],
    broker: PgmqBroker,
    caller: ApiKey,
    *,
    queue: str,
    kind: str,
    messages: Sequence[Message],
    project_name: str | None = None,
    content_bytes: int = 0,
) -> UUID:
    """Note a job and send its messages, in the transaction of `conn`; return the job's id.

    Raises:
        BeingDeletedError: what is sent belongs to what is being deleted.
    """
    job_id = uuid4()
    note_job(job_id)
    await create_job(
        conn,
        job_id=job_id,
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        kind=kind,
        submitted=len(messages),
        key_id=caller.id,
        project_name=project_name,
        content_bytes=content_bytes,
    )
    if messages:
        await broker.publish_batch(
            *messages,
            queue=queue,
            headers={JOB_ID_HEADER: str(job_id)},
            group=caller.workspace_id,
            connection=conn,
        )
    return job_id
