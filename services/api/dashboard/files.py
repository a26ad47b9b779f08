"""Scripts, styles and vendored files, served from the package; browsers keep each version."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.api.dashboard.registry import ROOT

STATIC: Final = Path(__file__).parent / "static"
STATIC_PATH: Final = f"{ROOT}/static"
A_YEAR: Final = "public, max-age=31536000, immutable"


@cache
def static_url(name: str) -> str:
    """Return where a file is served; the address changes with its content."""
    digest = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{STATIC_PATH}/{name}?v={digest}"


class StaticFolder(StaticFiles):
    """Files whose address names their content need not be asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_named = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = A_YEAR if is_named else "no-cache"
        return response
