"""Refuses bodies that are too large before they are read whole."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import respond
from services.api.problem_kinds import TOO_LARGE

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
REASON: Final = f"the body is larger than {MAX_BODY_BYTES} bytes"


class LimitBody:
    """Answers 413 from the announced length, or as soon as more than the limit has come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced_bytes(scope) > MAX_BODY_BYTES:
            answer = respond(Request(scope), TOO_LARGE, REASON)
            await answer(scope, receive, send)
        else:
            await self._app(scope, _count_bytes(receive), send)


def _announced_bytes(scope: Scope) -> int:
    announced = Headers(scope=scope).get("content-length", "")
    return int(announced[:20]) if announced.isascii() and announced.isdigit() else 0


def _count_bytes(receive: Receive) -> Receive:
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, REASON)
        return message

    return receive_counted
