"""Requests that run once: whoever sends one again with the same key gets the first answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Final, NamedTuple, TypeAlias, TypeVar

from fastapi import Depends, Header, Request
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import BaseModel, JsonValue, StringConstraints

from shared.errors import InvalidInputError
from shared.postgres.api_keys import ApiKey
from shared.postgres.idempotent_requests import claim_key, save_answer

Made = TypeVar("Made", bound=BaseModel)
HEADER: Final = "Idempotency-Key"

IdempotencyKey: TypeAlias = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
    | None,
    Header(
        alias=HEADER,
        description="any text of yours; sent again within a day, it does nothing",
        examples=["import-2026-01-31"],
    ),
]


class KeyedRequest(NamedTuple):
    """A request that is to run once."""

    key: str
    fingerprint: bytes
    """SHA-256 of method, address and body."""


async def read_keyed_request(request: Request, key: IdempotencyKey = None) -> KeyedRequest | None:
    """Return what stands for this request; None when it came without a key."""
    if key is None:
        return None
    line = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return KeyedRequest(key, sha256(line + await request.body()).digest())


Once: TypeAlias = Annotated[KeyedRequest | None, Depends(read_keyed_request)]


async def run_once(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    once: KeyedRequest | None,
    work: Callable[[], Awaitable[Made]],
    answer: type[Made],
) -> Made:
    """Return what `work` answers, or what it answered when the same request came before.

    Everything happens in the transaction of `conn`: a request that fails may be sent again with
    its key.

    Raises:
        InvalidInputError: the key came with another request before.
    """
    earlier = await find_answer(conn, caller, once)
    if earlier is not None:
        return answer.model_validate(earlier)
    made = await work()
    await keep_answer(conn, caller, once, made.model_dump(mode="json"))
    return made


async def find_answer(
    conn: AsyncConnection[TupleRow], caller: ApiKey, once: KeyedRequest | None
) -> JsonValue:
    """Return what is kept of this request's answer; None lets the caller do it, and keep that.

    Raises:
        InvalidInputError: the key came with another request before.
    """
    if once is None:
        return None
    earlier = await claim_key(conn, caller.workspace_id, once.key, once.fingerprint)
    if earlier is None:
        return None
    if earlier.fingerprint != once.fingerprint:
        raise InvalidInputError(HEADER, "came with another request before; choose a new one")
    return earlier.answer


async def keep_answer(
    conn: AsyncConnection[TupleRow], caller: ApiKey, once: KeyedRequest | None, answer: JsonValue
) -> None:
    """Keep an answer, which holds no secret; belongs in the transaction of `find_answer`."""
    if once is not None:
        await save_answer(conn, caller.workspace_id, once.key, answer)
