"""A route of the dashboard: knows its caller by the session, and that the caller meant it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.api.dashboard.origins import is_same_origin
from services.api.dashboard.session import (
    SAFE_METHODS,
    Session,
    find_key_of,
    find_session,
    find_sessions,
    keep_alive,
)
from services.api.parts import find_parts
from shared.errors import ForbiddenError, UnauthorizedError
from shared.telemetry import note_workspace

FORM_HEADER: Final = "x-csrf-token"
FORM_FIELD: Final = "csrf_token"


class PageRoute(APIRoute):
    """Like `KeyedRoute`, by a session in place of a key; a change needs the form's token."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_session(request: Request) -> Response:
            if request.method not in SAFE_METHODS:
                check_same_origin(request)
            session = await _enter(request)
            if request.method not in SAFE_METHODS:
                await _check_token(request, session)
            response = await handle(request)
            keep_alive(request, response, session)
            return response

        return handle_for_session


async def _enter(request: Request) -> Session:
    session = await know_caller(request)
    if session is None:
        raise UnauthorizedError("please log in")
    await find_parts(request).limits.take(request.state.caller)
    return session


async def know_caller(request: Request) -> Session | None:
    """Note whose session it is, for the route and for what the page shows."""
    session = find_session(request)
    key = session and await find_key_of(request, session)
    if session is None or key is None:
        return None
    note_workspace(key.workspace_id)
    request.state.session, request.state.caller = session, key
    return session


def check_same_origin(request: Request) -> None:
    """Return when one of our own pages sent the request.

    Raises:
        ForbiddenError: it came from elsewhere, or does not say.
    """
    if not is_same_origin(request.headers, request.url.scheme):
        raise ForbiddenError("this was not sent by a page of this dashboard")


async def _check_token(request: Request, session: Session) -> None:
    given = request.headers.get(FORM_HEADER)
    if given is None:
        # Starlette keeps the form: the handler reads the same one.
        given = (await request.form()).get(FORM_FIELD)
    if not find_sessions(request).is_form_token(session, cast(str, given or "")):
        raise ForbiddenError("this form is out of date: load the page again, then repeat it")
