"""A statement that a server ended is the question's fault, and says so."""

import httpx
from fastapi import FastAPI

from services.api.errors import install_error_handlers
from shared.errors import TooSlowError


async def test_what_took_too_long_is_told_to_ask_for_less() -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/slow")
    async def ask() -> None:
        raise TooSlowError("Neo4j", 10)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        answer = await http.get("/slow")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/too-slow"
    assert "ask for less" in answer.json()["error"]
