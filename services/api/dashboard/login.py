"""Log in with an API key, and out again. The key is compared and forgotten."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Annotated, Final, cast

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.api.dashboard.login_limits import LoginLimits
from services.api.dashboard.registry import ROOT
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute, check_same_origin
from services.api.dashboard.session import COOKIE, Session, set_cookie
from services.api.parts import WithParts

LOGIN: Final = f"{ROOT}/login"
REFUSED: Final = "This is not a valid key. Keys begin with sst_ and are shown once, when made."
CANNOT_READ: Final = "This key is valid but cannot read. Log in with one that has the scope read."

router: Final = APIRouter()
leaving: Final = APIRouter(route_class=PageRoute)


@router.get(LOGIN)
async def get_login(request: Request, target: Annotated[str, Query(alias="next")] = "") -> Response:
    """Show the form."""
    return render(request, "login.html", next=own_path(target), error=None)


@router.post(LOGIN)
async def post_login(
    request: Request,
    parts: WithParts,
    key: Annotated[str, Form()] = "",
    target: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Start a session, or show the form again."""
    check_same_origin(request)
    if wait := _wait_seconds(request):
        reason = f"Too many tries. Wait {math.ceil(wait)} seconds, then try again."
        return _again(request, target, reason, HTTPStatus.TOO_MANY_REQUESTS, wait)
    found = await parts.keys.find(key.strip()[:200])
    if found is None:
        return _again(request, target, REFUSED, HTTPStatus.UNAUTHORIZED)
    if "read" not in found.scopes:
        return _again(request, target, CANNOT_READ, HTTPStatus.FORBIDDEN)
    response = RedirectResponse(own_path(target), HTTPStatus.SEE_OTHER)
    set_cookie(request, response, Session.start(found))
    return response


@leaving.post(f"{ROOT}/logout")
async def post_logout() -> Response:
    """End the session in this browser."""
    response = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE, path="/")
    return response


router.include_router(leaving)


def own_path(target: str) -> str:
    """Return where to go after the login: a path of ours, and never another site."""
    is_ours = target == ROOT or target.startswith((f"{ROOT}/", f"{ROOT}?"))
    return target if is_ours and "\\" not in target and target.isprintable() else ROOT


def _wait_seconds(request: Request) -> float:
    limits = cast(LoginLimits, request.app.state.login_limits)
    return limits.find_wait_seconds(request.client.host if request.client else "")


def _again(
    request: Request, target: str, error: str, status: HTTPStatus, wait: float | None = None
) -> Response:
    response = render(request, "login.html", status, next=own_path(target), error=error)
    if wait is not None:
        response.headers["Retry-After"] = str(math.ceil(wait))
    return response
