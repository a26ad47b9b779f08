"""What the jobs' pages cost: statements a page, and fifty tabs as much as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from services.api.dashboard.session import COOKIE, Session
from services.api.parts import ApiParts
from shared.postgres.api_keys import find_key
from tests.integration.api.conftest import Client
from tests.integration.api.test_job_states import start_job

LIST = "/dashboard/jobs"


class CountingCursor(AsyncCursor[TupleRow]):
    """Counts the statements of all cursors."""

    executed: int = 0

    async def execute(self, *statement: Any, **options: Any) -> CountingCursor:
        # Whose transaction it is, is said to each, and reads nothing.
        type(self).executed += "set_config" not in str(statement[0])
        await super().execute(*statement, **options)
        return self


@pytest.fixture
async def person(
    app: FastAPI, client: Client, conn: AsyncConnection[TupleRow]
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is logged in, and whose pages' statements are counted."""
    key = await find_key(conn, client.key)
    assert key is not None
    parts: ApiParts = app.state.parts
    known = cast("dict[str, Any]", parts.pages.kwargs or {})
    parts.pages.kwargs = {**known, "cursor_factory": CountingCursor}
    async with parts.pages.connection() as first:
        first.cursor_factory = CountingCursor
    cookies = {COOKIE: app.state.sessions.write(Session.start(key))}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", cookies=cookies
    ) as http:
        yield http


async def cost(person: httpx.AsyncClient, *paths: str) -> int:
    """Return how many statements these pages take, asked for at once."""
    before = CountingCursor.executed
    answers = await asyncio.gather(*(person.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    return CountingCursor.executed - before


async def test_a_page_takes_three_statements(person: httpx.AsyncClient, client: Client) -> None:
    job_id = await start_job(client, 2)
    for path in (
        LIST,
        f"{LIST}?state=waiting&search=type:memory",
        f"{LIST}/rows?first=true&ids={job_id}",
        f"{LIST}/{job_id}",
        f"{LIST}/{job_id}/now",
    ):
        assert 1 <= await cost(person, path) <= 3, path


async def test_fifty_tabs_cost_what_one_costs(
    person: httpx.AsyncClient, client: Client, app: FastAPI
) -> None:
    job_id = await start_job(client, 2)
    parts: ApiParts = app.state.parts
    for path in (f"{LIST}/rows?first=true&ids={job_id}", f"{LIST}/{job_id}/now"):
        one = await cost(person, path)
        parts.live.send("jobs", "{}")  # something changed
        assert await cost(person, *[path] * 50) == one


async def test_a_change_is_seen_at_once_though_fragments_are_shared(
    person: httpx.AsyncClient, client: Client, app: FastAPI, conn: AsyncConnection[TupleRow]
) -> None:
    job_id = await start_job(client, 2)
    parts: ApiParts = app.state.parts
    assert "0.0 %" in (await person.get(f"{LIST}/{job_id}/now")).text
    await conn.execute(
        "SELECT pgmq.archive('memory_ingestion', msg_id) FROM pgmq.q_memory_ingestion"
    )
    parts.live.send("jobs", "{}")

    assert "100.0 %" in (await person.get(f"{LIST}/{job_id}/now")).text


async def test_another_workspace_sees_nothing_of_a_shared_fragment(
    person: httpx.AsyncClient, other_client: Client
) -> None:
    theirs = await start_job(other_client, 1)

    assert (await person.get(f"{LIST}/{theirs}/now")).status_code == 404
    assert theirs not in (await person.get(f"{LIST}/rows?ids={theirs}")).text


@pytest.mark.parametrize("query", ["state=odd", "search=odd", "within=x", "before=x"])
async def test_a_filter_that_is_none_is_explained(person: httpx.AsyncClient, query: str) -> None:
    answer = await person.get(f"{LIST}?{query}")

    assert answer.status_code == 400
    assert "begin again without filters" in answer.text


async def test_an_export_holds_what_the_filter_means_and_no_formula(
    person: httpx.AsyncClient, client: Client, conn: AsyncConnection[TupleRow]
) -> None:
    job_id = await start_job(client, 1)
    await conn.execute(
        'UPDATE pgmq.q_memory_ingestion SET headers = headers || \'{"last_error": "=cmd()"}\''
    )
    rows = (await person.get(f"{LIST}/export.csv?state=waiting")).text.splitlines()
    assert [row.split(",")[0] for row in rows] == ["id", job_id]
    assert ",'=cmd()," in rows[1]
    assert (await person.get(f"{LIST}/export.json?state=dead")).json()["jobs"] == []
