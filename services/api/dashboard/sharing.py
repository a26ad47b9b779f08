"""Fragments that many tabs fetch when something changed: read and rendered once for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast

from fastapi import Request
from fastapi.responses import Response

from services.api.dashboard.shared_reads import SharedReads
from services.api.parts import find_parts
from shared.postgres.api_keys import ApiKey
from shared.postgres.live import Topic

KEPT_HEADERS: Final = ("content-type", "x-as-of")


async def share(
    request: Request,
    caller: ApiKey,
    topics: Sequence[Topic],
    make: Callable[[], Awaitable[Response]],
) -> Response:
    """Answer with what `make` made for a tab of the same workspace, scopes and address.

    Only until one of the topics changes, and for a second at most: pages themselves show what they
    read, so that who changed something sees it. The answer may hold nothing of a session.
    """
    key = (
        caller.workspace_id,
        tuple(sorted(caller.scopes)),
        str(request.url),
        find_parts(request).live.version(topics),
    )
    made = await cast(SharedReads, request.app.state.shared_reads).get(key, make)
    kept = {name: made.headers[name] for name in KEPT_HEADERS if name in made.headers}
    return Response(made.body, made.status_code, headers=kept | {"Cache-Control": "no-store"})
