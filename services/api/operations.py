"""Redrives and discards of dead letters: previewed, started, followed, cancelled."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader
from services.api.describing_problems import problems
from services.api.idempotency import KeyedRequest, Once, run_once
from services.api.letter_answers import (
    LettersWanted,
    OperationPage,
    OperationRequest,
    OperationState,
    PreviewAnswer,
    PreviewRequest,
)
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parameters import OperationId
from services.api.parts import ApiParts, WithParts
from services.api.showing_letters import describe_letter, describe_operation
from shared.domain.accepting import accept_words, check_text
from shared.errors import ConflictError, NotFoundError
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.dead_letters import COUNT_AT_MOST, list_letters, preview_letters
from shared.postgres.letter_queries import LetterQuery
from shared.postgres.operations import (
    Kind,
    Operation,
    Place,
    cancel_operation,
    find_operation,
    list_operations,
    start_operation,
)

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["dead letters"])
SAMPLES: Final = 5
ERRORS: Final = problems()
MISSING: Final = problems(HTTPStatus.NOT_FOUND)
STARTING: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


@router.post("/api/dead-letters/redrive/preview", responses=ERRORS)
async def preview_redrive(
    body: PreviewRequest, caller: Operator, parts: WithParts
) -> PreviewAnswer:
    """Return how many letters a filter means now, some of them, and the snapshot of just these."""
    return await preview(body, caller, parts)


@router.post("/api/dead-letters/discard/preview", responses=ERRORS)
async def preview_discard(
    body: PreviewRequest, caller: Operator, parts: WithParts
) -> PreviewAnswer:
    """Return the same as the preview of a redrive."""
    return await preview(body, caller, parts)


@router.post("/api/dead-letters/redrive", status_code=HTTPStatus.ACCEPTED, responses=STARTING)
async def post_redrive(
    body: OperationRequest, caller: Operator, parts: WithParts, once: Once = None
) -> OperationState:
    """Put dead letters back into their queue, in the background; no attempt of theirs is used."""
    return await start("redrive", body, caller, parts, once)


@router.post("/api/dead-letters/discard", status_code=HTTPStatus.ACCEPTED, responses=STARTING)
async def post_discard(
    body: OperationRequest, caller: Operator, parts: WithParts, once: Once = None
) -> OperationState:
    """Move dead letters to the archive of their dead letter queue, in the background."""
    return await start("discard", body, caller, parts, once)


@router.get("/api/operations", responses=ERRORS)
async def get_operations(
    caller: Reader, parts: WithParts, limit: Limit = 20, before: Cursor = None
) -> OperationPage:
    """Return redrives and discards, newest first."""
    place = read_cursor(before, UUID)
    async with parts.transaction(caller) as conn:
        found = await list_operations(
            conn, caller.workspace_id, limit=limit, before=place and Place(*place)
        )
    last = found[-1] if len(found) == limit else None
    return OperationPage(
        operations=[describe_operation(one) for one in found],
        next=last and write_cursor(last.created_at, last.id),
    )


@router.get("/api/operations/{operation_id}", responses=MISSING)
async def get_operation(
    operation_id: OperationId, caller: Reader, parts: WithParts
) -> OperationState:
    """Return how far a redrive or discard is."""
    async with parts.transaction(caller) as conn:
        return describe_operation(await get_known_operation(conn, caller, operation_id))


@router.post("/api/operations/{operation_id}/cancel", responses=MISSING)
async def post_cancel(
    operation_id: OperationId, caller: Operator, parts: WithParts
) -> OperationState:
    """Stop an operation where it is; its totals are final. One that is over stays as it is."""
    return await cancel(operation_id, caller, parts)


async def preview(body: PreviewRequest, caller: ApiKey, parts: ApiParts) -> PreviewAnswer:
    """Return what a filter means now."""
    query = read_query(body.queue, body.filter)
    async with parts.transaction(caller) as conn:
        found = await preview_letters(conn, caller.workspace_id, body.queue, query)
        samples = await list_letters(conn, caller.workspace_id, query, limit=SAMPLES)
    return PreviewAnswer(
        count=min(found.count, COUNT_AT_MOST),
        is_capped=found.count > COUNT_AT_MOST,
        samples=[describe_letter(one) for one in samples],
        highest_id=found.highest_id,
        snapshot=found.snapshot,
    )


async def start(
    kind: Kind, body: OperationRequest, caller: ApiKey, parts: ApiParts, once: KeyedRequest | None
) -> OperationState:
    """Start an operation, once for an idempotency key, and note who did.

    Raises:
        NotFoundError: there is nothing that it would be about.
        ConflictError: it would be about another number of letters than expected.
    """
    meant = read_meant(body)
    reason = accept_words(body.reason, "reason")

    async def work() -> OperationState:
        operation = await start_operation(
            conn,
            caller,
            kind=kind,
            queue=body.queue,
            meant=meant,
            snapshot=body.snapshot if body.ids is None else None,
            reason=reason,
            rate=body.rate,
        )
        check_count(operation, body.expected_count)
        await record_action(conn, caller, describe_action(operation))
        return describe_operation(operation)

    async with parts.transaction(caller) as conn:
        state = await run_once(conn, caller, once, work, OperationState)
    parts.operations.wake()
    return state


async def cancel(operation_id: UUID, caller: ApiKey, parts: ApiParts) -> OperationState:
    """Stop an operation of the caller's workspace, and note who did."""
    async with parts.transaction(caller) as conn:
        is_stopped = await cancel_operation(conn, caller.workspace_id, operation_id)
        operation = await get_known_operation(conn, caller, operation_id)
        if is_stopped:
            stopped = Action(
                action="operation.cancel", target=str(operation_id), count=operation.left
            )
            await record_action(conn, caller, stopped)
    return describe_operation(operation)


async def get_known_operation(
    conn: AsyncConnection[TupleRow], caller: ApiKey, operation_id: UUID
) -> Operation:
    """Return an operation of the caller's workspace.

    Raises:
        NotFoundError: there is none.
    """
    operation = await find_operation(conn, caller.workspace_id, operation_id)
    if operation is None:
        raise NotFoundError("no such operation")
    return operation


def check_count(operation: Operation, expected: int | None) -> None:
    """Return when an operation is about as many letters as expected.

    Raises:
        NotFoundError: it is about none.
        ConflictError: it is about another number.
    """
    if expected is not None and operation.total != expected:
        raise ConflictError(
            f"expectedCount: {operation.total} dead letters match, not {expected}; preview again"
        )
    if operation.total == 0:
        raise NotFoundError("no such dead letters, or not any more")


def describe_action(operation: Operation) -> Action:
    """Return what the audit log holds of a new operation."""
    return Action(
        action=f"dead_letters.{operation.kind}",
        target=operation.queue,
        filter={"operation": str(operation.id), **describe_operation(operation).filter},
        count=operation.total,
        reason=operation.reason,
    )


def read_meant(body: OperationRequest) -> dict[str, Any]:
    """Return which letters a request is about, as `matching_letters` takes it."""
    if body.filter is not None:
        return read_query(body.queue, body.filter).as_filter()
    return {"ids": sorted(set(body.ids or ()))}


def read_query(queue: str, wanted: LettersWanted) -> LetterQuery:
    """Return a filter of a request."""
    return LetterQuery(
        queue=queue,
        fingerprint=wanted.fingerprint,
        error=wanted.error and check_text(wanted.error, "filter.error"),
        contains=wanted.contains and check_text(wanted.contains, "filter.contains"),
        since=wanted.since,
        until=wanted.until,
    )
