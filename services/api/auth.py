"""Who calls: a Bearer API key. The workspace comes from the key and from nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.api.dashboard.session import find_session_caller
from services.api.parts import find_parts
from shared.errors import ForbiddenError, UnauthorizedError
from shared.postgres.api_keys import ApiKey, Scope
from shared.postgres.workspaces import own_spellings
from shared.telemetry import note_workspace

BEARER: Final = HTTPBearer(
    auto_error=False, description="An API key, as `supastate keys create` prints it."
)
WITH_KEY: Final = [Security(BEARER)]
"""Shows in the API's description that a route needs a key."""


class KeyedRoute(APIRoute):
    """A route that knows its caller before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_caller(request: Request) -> Response:
            caller = request.state.caller = await find_caller(request)
            note_workspace(caller.workspace_id)
            await find_parts(request).limits.take(caller)
            return await handle(request)

        return handle_for_caller


async def find_caller(request: Request) -> ApiKey:
    """Return the key that came with the request, or that of a session which only reads.

    Raises:
        UnauthorizedError: none, unknown or revoked; which of these is not told.
    """
    credentials: HTTPAuthorizationCredentials | None = await BEARER(request)
    if credentials is None:
        key = await find_session_caller(request)
    else:
        key = await find_parts(request).keys.find(credentials.credentials)
    if not key:
        raise UnauthorizedError("a valid API key is needed: Authorization: Bearer <key>")
    return key


def _with_scope(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, ApiKey]]:
    async def get_caller(request: Request) -> ApiKey:  # else FastAPI runs it in a thread
        caller = cast(ApiKey, request.state.caller)
        if scope not in caller.scopes:
            raise ForbiddenError(f"this API key lacks the scope {scope!r}")
        return caller

    return get_caller


Sender = Annotated[ApiKey, Depends(_with_scope("ingest"))]
Reader = Annotated[ApiKey, Depends(_with_scope("read"))]
Operator = Annotated[ApiKey, Depends(_with_scope("operate"))]
Admin = Annotated[ApiKey, Depends(_with_scope("admin"))]


def check_workspace(caller: ApiKey, workspace_id: str | None, field: str) -> None:
    """Return when the body names no workspace, or the caller's own.

    Raises:
        ForbiddenError: it names another one.
    """
    if workspace_id is not None and workspace_id not in own_spellings(caller.workspace_id):
        raise ForbiddenError(f"{field}: not the workspace of this API key")
