"""What many tabs are given together is nobody else's, and never what was before a change."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from services.api.dashboard.shared_reads import SharedReads
from services.api.live.hub import LiveHub
from tests.integration.api.conftest import Client
from tests.integration.api.letters import file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import Conn

ROWS = "/dashboard/dead-letters/rows"


class Source:
    """Something to read; counts how often it is read, and answers when it is let."""

    def __init__(self) -> None:
        self.reads = 0
        self.begun, self.let = asyncio.Event(), asyncio.Event()

    async def read(self) -> Response:
        self.reads += 1
        mine = self.reads
        self.begun.set()
        await self.let.wait()
        return Response(str(mine))


async def test_readers_of_one_moment_cost_one_read() -> None:
    reads, source = SharedReads(), Source()
    tabs = [asyncio.create_task(reads.get("key", source.read)) for _ in range(50)]
    await source.begun.wait()
    late = asyncio.create_task(reads.get("key", source.read))
    source.let.set()
    assert {answer.body for answer in await asyncio.gather(*tabs, late)} == {b"1"}


async def test_a_tab_that_is_closed_takes_the_read_from_nobody() -> None:
    reads, source = SharedReads(), Source()
    first, second = (asyncio.create_task(reads.get("key", source.read)) for _ in range(2))
    await source.begun.wait()
    first.cancel()
    source.let.set()
    assert (await second).body == b"1"


async def test_a_failed_read_is_not_kept() -> None:
    reads, source = SharedReads(), Source()
    source.let.set()

    async def fail() -> Response:
        raise LookupError

    tabs = [reads.get("key", fail) for _ in range(3)]
    assert {type(one) for one in await asyncio.gather(*tabs, return_exceptions=True)} == {
        LookupError
    }
    assert (await reads.get("key", source.read)).body == b"1"


async def test_a_change_and_a_lost_connection_make_a_new_version() -> None:
    hub = LiveHub()
    versions = [hub.version(["jobs"])]
    hub.send("jobs", "{}")
    versions.append(hub.version(["jobs"]))
    for is_up in (True, False, True):
        hub.tell_connection(is_up=is_up)
        versions.append(hub.version(["jobs"]))
    assert len(set(versions)) == len(versions)


async def test_a_change_makes_the_next_read_new(app: FastAPI, client: Client, conn: Conn) -> None:
    async with logged_in(app, client.key) as http:
        await file_letters(conn, client.workspace_id, message="the first")
        assert "the second" not in (await http.get(ROWS)).text
        await file_letters(conn, client.workspace_id, message="the second", error="OSError")
        app.state.parts.live.send("dead_letters", "{}")
        assert "the second" in (await http.get(ROWS)).text


async def test_no_tab_is_given_what_another_workspace_read(
    app: FastAPI, client: Client, other_client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, message="our own")
    async with logged_in(app, client.key) as http, logged_in(app, other_client.key) as other:
        own, others = await asyncio.gather(http.get(ROWS), other.get(ROWS))
    assert "our own" in own.text
    assert "our own" not in others.text


@pytest.mark.parametrize("path", ["overview/now", "overview/throughput", "queues/rows"])
async def test_a_shared_answer_is_kept_by_no_browser(
    app: FastAPI, client: Client, path: str
) -> None:
    async with logged_in(app, client.key) as http:
        answers = [await http.get(f"/dashboard/{path}") for _ in range(2)]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert len({answer.headers["content-type"] for answer in answers}) == 1
