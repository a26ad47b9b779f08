"""Puts the dashboard into the API's application."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from services.api.dashboard import login
from services.api.dashboard.files import STATIC_PATH, StaticFolder
from services.api.dashboard.login_limits import LoginLimits
from services.api.dashboard.problems import install_error_pages
from services.api.dashboard.protecting import ProtectPages
from services.api.dashboard.registry import ROOT, find_pages, pages_of
from services.api.dashboard.rendering import Renderer, render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.secret import choose_secret
from services.api.dashboard.session import Sessions
from services.api.dashboard.shared_reads import SharedReads
from shared.settings import Settings

entrance: Final = APIRouter()
start: Final = APIRouter(route_class=PageRoute)


def install_dashboard(app: FastAPI, settings: Settings) -> None:
    """Add the pages, their files, their errors and the headers that protect them.

    Raises:
        SettingsError: there must be a session secret, and there is none.
    """
    app.state.sessions = Sessions(choose_secret(settings))
    app.state.login_limits = LoginLimits()
    app.state.renderer = Renderer(settings)
    app.state.shared_reads = SharedReads()
    app.add_middleware(ProtectPages, allowed_hosts=frozenset(settings.allowed_hosts))
    routers = [entrance, start, login.router, *(found.router for found in find_pages())]
    for router in routers:
        app.include_router(router, include_in_schema=False)
    app.mount(STATIC_PATH, StaticFolder())
    install_error_pages(app)


@entrance.get("/")
async def get_root() -> Response:
    """Lead a person who types the bare address to the pages."""
    return RedirectResponse(ROOT)


@start.get(ROOT)
async def get_start(request: Request) -> Response:
    """Lead to the first page that this key may see."""
    pages = pages_of(request.state.caller)
    if not pages:
        return render(request, "nothing.html")
    return RedirectResponse(pages[0].path)
