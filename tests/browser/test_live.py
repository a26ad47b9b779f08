"""Live updates in a real browser: many tabs, lost connections, restarts, hidden tabs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import TracerProvider
from playwright.async_api import Browser, BrowserContext, Page, expect
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from services.api.app import create_app
from shared.postgres.job_messages import LIST_MESSAGES
from shared.settings import Settings
from tests.browser.conftest import log_in
from tests.browser.seeds.jobs import start_job
from tests.browser.test_jobs import LIST, drain
from tests.browser.world import Site, World, serving, settings_of
from tests.conftest import Servers
from tests.integration.api.working import Worker

SLOW = 20_000
TABS = 50
IS_LIVE = "() => !document.documentElement.classList.contains('stale')"
ALLOW = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
KILL_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'supastate-live'
"""
NOTE_WAITS = """(() => {
  const plain = window.setTimeout;
  window.waits = [];
  window.setTimeout = (what, wait, ...rest) => {
    if (what?.name === "open") window.waits.push(wait);
    return plain(what, wait, ...rest);
  };
})()"""
HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def conn(site: Site) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A superuser's connection to the site's database."""
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as own:
        yield own


@pytest.fixture
def world(site: Site, conn: AsyncConnection[TupleRow]) -> World:
    return World(conn, None, site.workspace_id, "", site.user_id)  # pyright: ignore[reportArgumentType]  # jobs need no graph


@pytest_asyncio.fixture(loop_scope="session")
async def worker(conn: AsyncConnection[TupleRow]) -> Worker:
    """A worker whose queue is empty."""
    ready = Worker(conn)
    await drain(ready)
    return ready


@pytest_asyncio.fixture(loop_scope="session")
async def context(
    browser: Browser, site: Site, sessions: dict[str, Any]
) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(base_url=site.url, storage_state=sessions["operator"])
    yield opened
    await opened.close()


async def count_streams(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{url}/metrics")).text
    line = next(one for one in text.splitlines() if one.startswith("supastate_live_streams "))
    return int(float(line.split()[1]))


async def until_streams(url: str, number: int) -> None:
    """Return when so many streams are open; a page says nothing of its own."""
    deadline = time.monotonic() + SLOW / 1000
    while (found := await count_streams(url)) != number:
        assert time.monotonic() < deadline, f"{found} streams are open, not {number}"
        await asyncio.sleep(0.05)


async def open_job(context: BrowserContext, job_id: UUID) -> Page:
    page = await context.new_page()
    await page.goto(f"{LIST}/{job_id}")
    return page


async def expect_percent(page: Page, percent: str) -> None:
    await expect(page.locator("#job-percent")).to_have_text(percent, timeout=SLOW)


async def test_seven_tabs_load_over_http_1_1_share_a_stream_and_all_see_a_change(
    context: BrowserContext, site: Site, world: World, worker: Worker
) -> None:
    before = await count_streams(site.url)
    job_id = await start_job(world, [{"n": 1}, {"n": 2}])
    pages = [await open_job(context, job_id) for _ in range(7)]
    await until_streams(site.url, before + 1)
    await worker.succeed(*await worker.take(1))

    for page in pages:
        await expect_percent(page, "50.0 %")
    await pages[0].close()  # who has the stream leaves it to another
    await until_streams(site.url, before + 1)
    await worker.succeed(*await worker.take(1))
    for page in pages[1:]:
        await expect_percent(page, "100.0 %")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When this process, and the server in it, read the messages of a job."""
    at: list[float] = []
    execute = AsyncCursor[Any].execute

    async def noting(cursor: AsyncCursor[Any], query: Any, *given: Any, **options: Any) -> Any:
        if query == LIST_MESSAGES:
            at.append(time.monotonic())
        return await execute(cursor, query, *given, **options)

    monkeypatch.setattr(AsyncCursor, "execute", noting)
    return at


async def open_tabs(page: Page, number: int) -> list[Page]:
    """Open the same page in other tabs of the same renderer, all together."""
    await page.evaluate("(n) => { while (n--) window.open(location.href) }", number)
    deadline = time.monotonic() + SLOW / 1000
    while len(tabs := page.context.pages) <= number:
        assert time.monotonic() < deadline, f"only {len(tabs)} tabs opened"
        await asyncio.sleep(0.05)
    await asyncio.gather(*(tab.wait_for_function(IS_LIVE, timeout=SLOW) for tab in tabs))
    return tabs


async def test_fifty_tabs_cost_the_reads_of_one(
    context: BrowserContext, world: World, worker: Worker, reads: list[float]
) -> None:
    job_id = await start_job(world, [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}])
    page = await open_job(context, job_id)
    await page.wait_for_function(IS_LIVE)

    async def cost(tabs: list[Page], percent: str) -> tuple[int, float]:
        await until_quiet(reads)
        reads.clear()
        began = time.monotonic()
        await worker.succeed(*await worker.take(1))
        await asyncio.gather(*(expect_percent(tab, percent) for tab in tabs))
        return len(reads), time.monotonic() - began

    alone, _ = await cost([page], "25.0 %")
    together, seconds = await cost(await open_tabs(page, TABS - 1), "50.0 %")
    # What was read is good for a second; fifty tabs may take some to come and fetch it.
    assert 1 <= alone <= 3
    assert together <= alone + seconds + 1, (alone, together, seconds)
    assert together < TABS / 5


async def until_quiet(reads: list[float]) -> None:
    """Return when nothing was read for a while: all that tabs fetch when they open is there."""
    deadline = time.monotonic() + SLOW / 1000
    before = -1
    while before != (before := len(reads)):
        assert time.monotonic() < deadline, "the tabs go on reading"
        await asyncio.sleep(0.7)


@asynccontextmanager
async def refusing_connections(admin_dsn: str, database: str) -> AsyncGenerator[None]:
    """Keep the listener from coming back; who is connected stays so."""
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute(SQL(ALLOW).format(Identifier(database), SQL("false")))
        try:
            yield
        finally:
            await admin.execute(SQL(ALLOW).format(Identifier(database), SQL("true")))


async def test_a_killed_listener_shows_a_banner_and_no_stale_number_after_it(
    context: BrowserContext, world: World, worker: Worker, postgres_dsn: str
) -> None:
    job_id = await start_job(world, [{"n": 1}])
    page = await open_job(context, job_id)
    await expect_percent(page, "0.0 %")
    async with refusing_connections(postgres_dsn, world.conn.info.dbname):
        await world.conn.execute(KILL_LISTENERS)
        await expect(page.locator("#connection")).to_be_visible(timeout=SLOW)
        await worker.succeed(*await worker.take())

    await expect(page.locator("#connection")).to_be_hidden(timeout=SLOW)
    await expect_percent(page, "100.0 %")


async def test_a_hidden_tab_has_no_stream_and_fetches_all_when_it_comes_back(
    context: BrowserContext, site: Site, world: World, worker: Worker
) -> None:
    before = await count_streams(site.url)
    job_id = await start_job(world, [{"n": 1}])
    page = await open_job(context, job_id)
    await until_streams(site.url, before + 1)

    await page.evaluate(HIDE, True)
    await until_streams(site.url, before)
    await worker.succeed(*await worker.take())
    await page.evaluate(HIDE, False)

    await expect_percent(page, "100.0 %")
    await until_streams(site.url, before + 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lasting(settings: Settings) -> Settings:
    """Return settings by which a session outlives a restart."""
    return settings.model_copy(update={"session_secret": SecretStr("s" * 40)})


async def test_a_tab_recovers_from_a_restart_without_being_loaded_again(
    browser: Browser, graph_server: Servers, site: Site, world: World, worker: Worker
) -> None:
    port, settings = free_port(), lasting(settings_of(graph_server, site.dsn))
    job_id = await start_job(world, [{"n": 1}])
    context = await browser.new_context(base_url=f"http://127.0.0.1:{port}")
    await context.add_init_script(NOTE_WAITS)
    page = await context.new_page()
    with serving(create_app(settings, TracerProvider(shutdown_on_exit=False)), port):
        await log_in(page, site.key, f"{LIST}/{job_id}")
        await expect_percent(page, "0.0 %")
        await page.evaluate("() => { window.isSameTab = true; }")
        other = await open_elsewhere(browser, page, await context.storage_state())
    for tab in (page, other):
        await expect(tab.locator("#connection")).to_be_visible(timeout=SLOW)
    expect_jitter([await tab.evaluate("() => window.waits") for tab in (page, other)])
    await worker.succeed(*await worker.take())
    with serving(create_app(settings, TracerProvider(shutdown_on_exit=False)), port):
        await expect(page.locator("#connection")).to_be_hidden(timeout=SLOW)
        await expect_percent(page, "100.0 %")
        assert await page.evaluate("() => window.isSameTab")
        await expect(other.locator("#connection")).to_be_hidden(timeout=SLOW)
        await other.context.close()
        await context.close()


async def open_elsewhere(browser: Browser, page: Page, state: Any) -> Page:
    """Open what a page shows in another browser, which has a stream of its own."""
    context = await browser.new_context(storage_state=state)
    await context.add_init_script(NOTE_WAITS)
    other = await context.new_page()
    await other.goto(page.url)
    await other.wait_for_function(IS_LIVE)
    return other


def expect_jitter(waits: list[list[float]]) -> None:
    """Fail where two tabs come back at the same moment, or one too early or too late."""
    first, second = [tab[0] for tab in waits]
    assert first != second
    for tab in waits:
        for n, wait in enumerate(tab):
            assert 500 * 2**n <= wait <= min(30_000, 1000 * 2**n), waits
