"""Fragments that many tabs fetch when something changed: read and rendered once for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from services.api.live.shared_reads import SharedReads
from services.api.parts import find_parts
from shared.postgres.api_keys import ApiKey
from shared.postgres.live import Topic

AS_OF: Final = "X-As-Of"


async def share(
    request: Request,
    caller: ApiKey,
    topics: Sequence[Topic],
    make: Callable[[], Awaitable[Response]],
) -> Response:
    """Answer with what `make` rendered for a tab of the same workspace, scopes and address.

    Only until one of the topics changes, and for a second at most. It holds nothing of a session.
    """
    live = find_parts(request).live
    key = (
        caller.workspace_id,
        tuple(sorted(caller.scopes)),
        str(request.url),
        live.version(topics),
    )

    async def read() -> tuple[bytes, str]:
        made = await make()
        return bytes(made.body), made.headers[AS_OF]

    reads = cast("SharedReads[tuple[bytes, str]]", request.app.state.shared_reads)
    body, as_of = await reads.get(key, read)
    return HTMLResponse(body, headers={"Cache-Control": "no-store", AS_OF: as_of})
