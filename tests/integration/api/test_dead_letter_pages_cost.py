"""What pages of dead letters ask Postgres, how they answer wrong forms, what they export."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from services.api.dashboard.session import COOKIE, Session, Sessions
from shared.postgres.api_keys import find_key
from shared.postgres.audit import list_entries
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with, count_letters, file_letters
from tests.integration.faststream_pgmq.support import eventually

Conn = AsyncConnection[TupleRow]
HOME = "/dashboard/dead-letters"
QUEUE = "memory_ingestion"


class Tab:
    """A browser's tab of somebody who is logged in."""

    def __init__(self, app: FastAPI, session: Session) -> None:
        sessions: Sessions = app.state.sessions
        self.token = sessions.form_token(session)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://127.0.0.1",
            cookies={COOKIE: sessions.write(session)},
            headers={"Sec-Fetch-Site": "same-origin"},
        )

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        return await self.http.post(path, data={"csrf_token": self.token, **fields})


async def open_tab(app: FastAPI, conn: Conn, client: Client) -> Tab:
    key = await find_key(conn, client.key)
    assert key is not None
    return Tab(app, Session.start(key))


@pytest.fixture
async def tab(app: FastAPI, conn: Conn, client: Client) -> AsyncIterator[Tab]:
    opened = await open_tab(app, conn, client)
    yield opened
    await opened.http.aclose()


@pytest.fixture
def asked(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of pages, apart from the one that names the workspace."""
    heard: list[str] = []
    execute = AsyncCursor[Any].execute

    async def heard_execute(self: AsyncCursor[Any], query: Any, *rest: Any, **more: Any) -> Any:
        # Pages read through a pool of their own, which cannot write.
        is_page = getattr(self.connection, "_pool", None) is app.state.parts.pages
        if is_page and "supastate.workspaces" not in str(query):
            heard.append(str(query))
        return await execute(self, query, *rest, **more)

    monkeypatch.setattr(AsyncCursor, "execute", heard_execute)
    return heard


async def test_fifty_tabs_ask_what_one_asks(
    tab: Tab, asked: list[str], app: FastAPI, conn: Conn, client: Client
) -> None:
    await file_letters(conn, client.workspace_id, 3)
    for path, topic in (
        (f"{HOME}/rows", "dead_letters"),
        (f"{HOME}/operations/rows", "operations"),
    ):
        assert (await tab.http.get(path)).status_code == 200
        of_one, asked[:] = len(asked), []
        app.state.parts.live.send(topic, "{}")  # something changed
        answers = await asyncio.gather(*(tab.http.get(path) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert len(asked) == of_one > 0
        asked.clear()


async def the_two_that_are_left(client: Client) -> list[Any] | None:
    letters = (await client.get("/api/dead-letters")).json()["letters"]
    return letters if len(letters) == 2 else None


async def test_no_page_asks_more_than_three_statements(
    tab: Tab, client: Client, conn: Conn, asked: list[str]
) -> None:
    [letter] = await file_letters(conn, client.workspace_id)
    answer = await client.post(
        "/api/dead-letters/redrive",
        {"queue": QUEUE, "ids": [letter], "reason": "x", "rate": 0.001},
    )
    await file_letters(conn, client.workspace_id, 2)
    [group] = (await client.get("/api/dead-letters/groups")).json()["groups"]
    [newest, _] = await eventually(partial(the_two_that_are_left, client))
    paths = [
        "", "/rows", "/letters", f"/letters?group={group['fingerprint']}", "/letters.csv",
        "/letters/newer?since=2026-01-01T00:00Z", f"/letters/{QUEUE}/{newest['id']}",
        "/operations", f"/operations/{answer.json()['id']}", f"/redrive?queue={QUEUE}",
    ]  # fmt: skip
    for path in paths:
        asked.clear()
        page = await tab.http.get(HOME + path)
        assert page.status_code == 200, (path, page.text)
        assert 1 <= len(asked) <= 3, (path, asked)


async def test_a_form_that_is_sent_twice_starts_one_operation(
    tab: Tab, client: Client, conn: Conn
) -> None:
    ids = await file_letters(conn, client.workspace_id, 3)
    path = f"{HOME}/redrive?queue={QUEUE}&ids={ids[0]}&ids={ids[1]}"
    fields = {"once": uuid4().hex, "reason": "it was fixed", "expected": "2", "rate": ""}

    first, second = await tab.send(path, **fields), await tab.send(path, **fields)

    assert (first.status_code, second.status_code) == (303, 303), first.text
    assert first.headers["location"] == second.headers["location"]
    assert len(await list_entries(conn, client.workspace_id, limit=5)) == 1


async def test_a_wrong_form_changes_nothing_and_says_what_is_wrong(
    tab: Tab, client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 101)
    good = {"once": uuid4().hex, "reason": "x", "expected": "101", "snapshot": "9:9:"}
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({}, 400, "type 101"), ({"typed": "100"}, 400, "type 101"),
        ({"typed": "101", "reason": ""}, 400, "reason"),
        ({"typed": "101", "rate": "x"}, 400, "rate"),
        ({"typed": "101", "snapshot": "x"}, 400, "snapshot"), ({"expected": "1"}, 409, "preview"),
        ({"typed": "101", "once": "X"}, 400, "once"), ({"csrf_token": "x"}, 403, "out of date"),
    ]  # fmt: skip

    for fields, status, said in wrong:
        answer = await tab.send(f"{HOME}/discard?queue={QUEUE}", **{**good, **fields})
        assert (answer.status_code, said in answer.text) == (status, True), (fields, answer.text)

    assert await count_letters(conn) == (0, 101)
    assert (await tab.http.get(f"{HOME}/redrive")).status_code == 400
    assert (await tab.http.get(f"{HOME}/burn?queue={QUEUE}")).status_code in (400, 404)


async def test_a_viewer_can_change_nothing_on_pages_either(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    ids = await file_letters(conn, client.workspace_id, 1)
    async with client_with(app, conn, client.workspace_id, "read") as viewer:
        tab = await open_tab(app, conn, viewer)
        path = f"{HOME}/redrive?queue={QUEUE}&ids={ids[0]}"
        sent = await tab.send(path, once=uuid4().hex, reason="x", expected="1")
        stopped = await tab.send(f"{HOME}/operations/{uuid4()}/cancel")
        looked = await tab.http.get(path)
        await tab.http.aclose()

    assert [answer.status_code for answer in (sent, stopped, looked)] == [403] * 3
    assert await count_letters(conn) == (0, 1)


async def test_an_export_respects_the_filter_and_holds_no_formula(
    tab: Tab, client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 2, error="KeyError", message="=HYPERLINK()")
    await file_letters(conn, client.workspace_id, 1)

    table = await tab.http.get(f"{HOME}/letters.csv?error=KeyError")
    listed = await tab.http.get(f"{HOME}/letters.json?error=KeyError")

    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["message"] for row in rows] == ["'=HYPERLINK()"] * 2
    assert [letter["error"] for letter in listed.json()["letters"]] == ["KeyError"] * 2
