"""Requests that run once: whoever sends one again with the same key gets the first answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Final, TypeAlias, TypeVar

from fastapi import Header
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import BaseModel, StringConstraints

from shared.errors import InvalidInputError
from shared.postgres.api_keys import ApiKey
from shared.postgres.idempotent_requests import claim_key, save_answer

Made = TypeVar("Made", bound=BaseModel)
HEADER: Final = "Idempotency-Key"

IdempotencyKey: TypeAlias = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
    | None,
    Header(alias=HEADER, description="any text of yours; sent again within a day, it does nothing"),
]


async def run_once(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    key: str | None,
    request: tuple[str, BaseModel],
    work: Callable[[], Awaitable[Made]],
    answer: type[Made],
) -> Made:
    """Return what `work` answers, or what it answered when the same request came before.

    `request` is the action's name and its body. Everything happens in the transaction of `conn`:
    a request that fails may be sent again with its key.

    Raises:
        InvalidInputError: the key came with another request before.
    """
    if key is None:
        return await work()
    fingerprint = _fingerprint(*request)
    earlier = await claim_key(conn, caller.workspace_id, key, fingerprint)
    if earlier is None:
        made = await work()
        await save_answer(conn, caller.workspace_id, key, made.model_dump(mode="json"))
        return made
    if earlier.fingerprint != fingerprint:
        raise InvalidInputError(HEADER, "came with another request before; choose a new one")
    return answer.model_validate(earlier.answer)


def _fingerprint(action: str, body: BaseModel) -> bytes:
    # With sorted names: the order of fields is no difference.
    text = json.dumps([action, body.model_dump(mode="json")], sort_keys=True)
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
