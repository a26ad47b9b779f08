"""Errors on the dashboard: the API's answers, shown as pages that say what to do next."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from services.api.dashboard.login import LOGIN
from services.api.dashboard.protecting import is_dashboard
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import know_caller
from services.api.problem_kinds import MEDIA_TYPE

Handler: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]
NEXT_STEPS: Final = {
    HTTPStatus.BAD_REQUEST: "Change what is named above, or begin again without filters.",
    HTTPStatus.FORBIDDEN: "Log in with a key that has the scope, or ask who made this key.",
    HTTPStatus.NOT_FOUND: "It may have been deleted, or belong to another workspace.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait some seconds, then load the page again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Load the page again in some seconds. "
    "If it stays, `supastate doctor` says what is wrong.",
}
OTHERWISE: Final = "The API's log says more. Load the page again; if it stays, report it."


def install_error_pages(app: FastAPI) -> None:
    """Let every error handler of the application answer the dashboard's requests with a page."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _also_for_people(cast(Handler, handler)))


def _also_for_people(handle: Handler) -> Handler:
    async def handle_for_people(request: Request, error: Exception) -> Response:
        answer = await handle(request, error)
        if not is_dashboard(request.url.path) or answer.media_type != MEDIA_TYPE:
            return answer
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            return _to_login(request)
        await know_caller(request)
        return _page(request, answer)

    return handle_for_people


def _to_login(request: Request) -> Response:
    is_fragment = "hx-request" in request.headers
    seen = request.headers.get("hx-current-url", "") if is_fragment else str(request.url)
    path = "/" + seen.partition("://")[2].partition("/")[2]
    target = f"{LOGIN}?next={quote(path)}" if request.method == "GET" or is_fragment else LOGIN
    if is_fragment:
        return Response(headers={"HX-Redirect": target})
    return RedirectResponse(target, HTTPStatus.SEE_OTHER)


def _page(request: Request, answer: Response) -> Response:
    problem: dict[str, Any] = json.loads(bytes(answer.body))
    status = HTTPStatus(answer.status_code)
    template = "problem_fragment.html" if "hx-request" in request.headers else "problem.html"
    page = render(
        request,
        template,
        status,
        status=status,
        error=problem["error"],
        details=problem.get("details", []),
        next_step=NEXT_STEPS.get(status, OTHERWISE),
    )
    if later := answer.headers.get("Retry-After"):
        page.headers["Retry-After"] = later
    return page
