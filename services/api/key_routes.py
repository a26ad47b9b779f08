"""API keys over HTTP, for keys with the scope `admin`: made, listed, rotated, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import Field, StringConstraints

from services.api.answers import Answer
from services.api.auth import WITH_KEY, Admin, KeyedRoute
from services.api.bodies import Body
from services.api.describing_problems import problems
from services.api.examples import operating as operating_examples
from services.api.examples import shown
from services.api.idempotency import KeyedRequest, Once, find_answer, keep_answer
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parameters import KeyId
from services.api.parts import WithParts
from shared.domain.accepting import check_text
from shared.errors import AnsweredBeforeError, ForbiddenError, NotFoundError
from shared.postgres.api_keys import (
    DEFAULT_SCOPES,
    ApiKey,
    Scope,
    issue_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from shared.postgres.audit import record_action
from shared.postgres.noted_keys import made_key, revoked_key, rotated_key

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["keys"])
MISSING: Final = problems(HTTPStatus.NOT_FOUND)
MAKING: Final = problems(HTTPStatus.CONFLICT)
ROTATING: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class NewKey(Body):
    """What a key is for; it belongs to the caller's workspace."""

    model_config = shown(operating_examples.NEW_KEY)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    scopes: list[Scope] = Field(default=list(DEFAULT_SCOPES), min_length=1, max_length=4)
    user_id: UUID | None = Field(default=None, description="who sends with it; else the caller")
    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        default=None, description="refused after so many days; else it never ends"
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class Rotation(Body):
    """How long the old key still works."""

    model_config = shown(operating_examples.ROTATION)

    grace_hours: Annotated[int, Field(ge=0, le=720)] = 24


class KeyState(Answer):
    """A key without its secret."""

    id: UUID
    workspace_id: str
    name: str
    prefix: str = Field(description="what a person recognises it by")
    scopes: list[str]
    user_id: UUID
    requests_per_minute: int | None
    replaces: UUID | None
    state: Literal["valid", "expired", "revoked"]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyStates(Answer):
    """The workspace's keys, newest first."""

    model_config = shown(operating_examples.KEYS)

    keys: list[KeyState]
    next: str | None = Field(default=None, description="the `after` of the following page")


class KeyMade(Answer):
    """A new key; it cannot be read again."""

    model_config = shown(operating_examples.KEY_MADE)

    key: str
    details: KeyState


@router.get("/api/keys", responses=problems())
async def get_keys(
    caller: Admin, parts: WithParts, limit: Limit = 100, after: Cursor = None
) -> KeyStates:
    """Return a page of the workspace's keys, ended ones too."""
    place = read_cursor(after, UUID, "after")
    async with parts.reading(caller) as conn:
        found = await list_keys(conn, caller.workspace_id, limit=limit + 1, after=place)
    page = found[:limit]
    following = write_cursor(page[-1].created_at, page[-1].id) if len(found) > limit else None
    return KeyStates(keys=[describe_key(key) for key in page], next=following)


@router.post("/api/keys", status_code=HTTPStatus.CREATED, responses=MAKING)
async def post_key(body: NewKey, caller: Admin, parts: WithParts, once: Once = None) -> KeyMade:
    """Make a key; none can do more than the one that makes it.

    A key is told once. With an `Idempotency-Key`, a request that comes again is refused with 409
    and the id of the key that the first one made.
    """
    beyond = sorted(set(body.scopes) - set(caller.scopes))
    if beyond:
        raise ForbiddenError(f"scopes: this API key lacks {', '.join(beyond)} itself")
    async with parts.transaction(caller) as conn:
        await refuse_again(conn, caller, once)
        made = await issue_key(
            conn,
            workspace_id=caller.workspace_id,
            user_id=body.user_id or caller.user_id,
            name=check_text(body.name, "name"),
            scopes=body.scopes,
            requests_per_minute=body.requests_per_minute,
            lifetime=timedelta(days=body.days) if body.days else None,
        )
        await record_action(conn, caller, made_key(made))
        await keep_answer(conn, caller, once, str(made.row.id))
    return KeyMade(key=made.text, details=describe_key(made.row))


@router.post("/api/keys/{key_id}/rotate", status_code=HTTPStatus.CREATED, responses=ROTATING)
async def post_rotation(
    key_id: KeyId, body: Rotation, caller: Admin, parts: WithParts, once: Once = None
) -> KeyMade:
    """Make a key in place of another one, which ends after the grace.

    An `Idempotency-Key` means what it means where keys are made.
    """
    grace = timedelta(hours=body.grace_hours)
    async with parts.transaction(caller) as conn:
        await refuse_again(conn, caller, once)
        made = await rotate_key(conn, caller.workspace_id, key_id, grace=grace)
        if made is None:
            raise NotFoundError("no such valid key in this workspace")
        await record_action(conn, caller, rotated_key(key_id, made))
        await keep_answer(conn, caller, once, str(made.row.id))
    return KeyMade(key=made.text, details=describe_key(made.row))


@router.delete("/api/keys/{key_id}", status_code=HTTPStatus.NO_CONTENT, responses=MISSING)
async def delete_key(key_id: KeyId, caller: Admin, parts: WithParts) -> None:
    """Revoke a key; every replica of the API refuses it within seconds."""
    async with parts.transaction(caller) as conn:
        if not await revoke_key(conn, caller.workspace_id, key_id):
            raise NotFoundError("no such valid key in this workspace")
        await record_action(conn, caller, revoked_key(key_id))


async def refuse_again(
    conn: AsyncConnection[TupleRow], caller: ApiKey, once: KeyedRequest | None
) -> None:
    """Return when this request did not come before: its answer would be a secret to be kept.

    Raises:
        AnsweredBeforeError: it made a key then.
    """
    made = await find_answer(conn, caller, once)
    if made is not None:
        raise AnsweredBeforeError(
            f"this request made the key {made} before, and a key is told only once; "
            f"if it was lost, POST /api/keys/{made}/rotate with a new Idempotency-Key"
        )


def describe_key(key: ApiKey) -> KeyState:
    """Return a key as clients see it."""
    return KeyState.model_validate({name: getattr(key, name) for name in KeyState.model_fields})
