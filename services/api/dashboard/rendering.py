"""Turns templates into pages; everything is escaped unless a template says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.api.dashboard import drawing, wording
from services.api.dashboard.files import static_url
from services.api.dashboard.registry import ROOT, find_pages, page_at, pages_of
from services.api.dashboard.session import Session, find_sessions
from shared.postgres.api_keys import ApiKey
from shared.settings import Settings

TEMPLATES: Final = Path(__file__).parent / "templates"


class Renderer:
    """The templates of this process."""

    def __init__(self, settings: Settings) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        known: dict[str, Any] = {
            "root": ROOT,
            "static": static_url,
            "environment": settings.environment,
            "jaeger_url": settings.jaeger_url,
            "sparkline": drawing.sparkline,
            "with_query": wording.with_query,
        }
        self._environment.globals.update(known)
        self._environment.filters.update(wording.FILTERS)

    def render(self, template: str, context: dict[str, Any]) -> str:
        """Return the text of one page or fragment."""
        return self._environment.get_template(template).render(context)


def render(
    request: Request, template: str, status_code: HTTPStatus = HTTPStatus.OK, /, **context: Any
) -> HTMLResponse:
    """Answer with a template; beside `context` it knows who looks, where, and what they may do.

    `as_of` is when the data was read, unless the context says so itself: pass it where a page shows
    what the sampler wrote.
    """
    context = _common(request) | context
    text = cast(Renderer, request.app.state.renderer).render(template, context)
    # A page shows what only this session may see.
    headers = {"Cache-Control": "no-store", "X-As-Of": wording.iso(context["as_of"])}
    return HTMLResponse(text, status_code, headers=headers)


def _common(request: Request) -> dict[str, Any]:
    caller = cast(ApiKey | None, getattr(request.state, "caller", None))
    session = cast(Session | None, getattr(request.state, "session", None))
    pages = pages_of(caller) if caller else []
    return {
        "request": request,
        "caller": caller,
        "pages": pages,
        "page": page_at(request.url.path, (found.page for found in find_pages())),
        "can_operate": caller is not None and "operate" in caller.scopes,
        "csrf_token": find_sessions(request).form_token(session) if session else "",
        "as_of": datetime.now(UTC),
    }
