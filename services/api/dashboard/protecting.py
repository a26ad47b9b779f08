"""Headers of every answer, and names that the dashboard answers to."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.dashboard.origins import is_allowed_host
from services.api.dashboard.registry import ROOT

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def is_dashboard(path: str) -> bool:
    """Return whether a path belongs to the pages, not to the API."""
    return path in ("/", ROOT) or path.startswith(f"{ROOT}/")


class ProtectPages:
    """Adds the headers; refuses a dashboard request that was sent to a name that is not ours."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        refused = is_dashboard(scope["path"]) and not is_allowed_host(host, self._allowed)
        app = _wrong_host(host) if refused else self._app
        await app(scope, receive, _with_headers(send))


def _wrong_host(host: str) -> ASGIApp:
    # As plain text: whoever chose the name must not get a page with our name on it.
    return PlainTextResponse(
        f"The dashboard does not answer to the name {host[:100]!r}. If it is yours, "
        "add it to SUPASTATE_ALLOWED_HOSTS and start again.\n",
        HTTPStatus.MISDIRECTED_REQUEST,
    )


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
