"""Somebody at the dashboard, without a browser."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

HEADERS = {"Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def logged_in(app: FastAPI, key: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client with the session of this key."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=HEADERS
    ) as http:
        answer = await http.post("/dashboard/login", data={"key": key})
        assert answer.status_code == 303, answer.text
        yield http
