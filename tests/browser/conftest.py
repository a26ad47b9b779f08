"""A real browser on the real dashboard: one browser and one server a run, a logged-in page a test.

`await check_page(page, "/dashboard/<page>")` is all that a page's owner must write; what it shows
is seeded in `seeds/`. Each test runs on the event loop of the session, as the browser does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
)

from shared.graph.driver import connect
from tests.browser.looking import WIDE
from tests.browser.world import Site, fill, make_app, serving
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.databases import own_database

CHROMIUM = os.environ.get("SUPASTATE_TEST_CHROMIUM") or shutil.which("chromium")
HERE = Path(__file__).parent


OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def do_without_browser(*, is_ci: bool) -> NoReturn:
    """Skip a person's tests; fail those of continuous integration, where nobody reads skips."""
    text = "no chromium: apt-get install chromium, or set SUPASTATE_TEST_CHROMIUM to its path"
    if is_ci:
        pytest.fail(text)
    pytest.skip(text)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder where the browser lives."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, which finds no other machine: whatever a page needs is ours."""
    if CHROMIUM is None:
        do_without_browser(is_ci=bool(os.environ.get("CI")))
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", OFFLINE]
        )
        yield chromium
        await chromium.close()


@pytest.fixture(scope="session")
def site_database(postgres_dsn: str, template: str) -> Iterator[str]:
    """The database that all browser tests share."""
    with own_database(postgres_dsn, "site", template=template) as dsn:
        yield dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(graph_server: Servers, site_database: str) -> AsyncIterator[Site]:
    """The dashboard, seeded and served."""
    server = graph_server
    async with connect(server.neo4j_uri, server.neo4j_user, server.neo4j_password) as driver:
        world, key, viewer_key = await fill(site_database, driver)
        app = make_app(graph_server, site_database)
        with serving(app) as url:
            yield Site(url, site_database, world.workspace_id, world.user_id, key, viewer_key, app)
        for workspace_id in (world.workspace_id, world.other_workspace_id):
            await driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace_id)


async def log_in(page: Page, key: str, path: str = "/dashboard") -> None:
    """Log in as a person does who wanted to go to `path`."""
    await page.goto(path)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(lambda url: "/login" not in url)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sessions(browser: Browser, site: Site) -> dict[str, Any]:
    """The cookies of a person who may operate, and of one who may only read."""
    states: dict[str, Any] = {}
    for name, key in (("operator", site.key), ("viewer", site.viewer_key)):
        context = await browser.new_context(base_url=site.url)
        await log_in(await context.new_page(), key)
        states[name] = await context.storage_state()
        await context.close()
    return states


@pytest_asyncio.fixture(loop_scope="session")
async def complaints() -> AsyncIterator[list[str]]:
    """What the browser complained of; a test that provokes complaints clears it."""
    heard: list[str] = []
    yield heard
    assert heard == []


def keep_home(page: Page, home: str, complaints: list[str]) -> None:
    """Complain of whatever the page asks of others."""

    def look(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and f"{address.scheme}://{address.netloc}" != home:
            complaints.append(f"asked of somebody else: {request.url}")

    page.on("request", look)


async def open_page(context: BrowserContext, home: str, complaints: list[str]) -> Page:
    """Return a page whose complaints are heard."""

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):  # a policy violation is an error
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    page = await context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    keep_home(page, home, complaints)
    return page


@asynccontextmanager
async def _opened(
    browser: Browser, site: Site, complaints: list[str], state: Any = None
) -> AsyncGenerator[Page]:
    """Yield a page of its own context, with the cookies of `state`."""
    context = await browser.new_context(base_url=site.url, viewport=WIDE, storage_state=state)  # pyright: ignore[reportArgumentType]  # a TypedDict
    yield await open_page(context, site.url, complaints)
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser, site: Site, complaints: list[str]) -> AsyncIterator[Page]:
    """A page of somebody who has not logged in."""
    async with _opened(browser, site, complaints) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def page(
    browser: Browser, site: Site, sessions: dict[str, Any], complaints: list[str]
) -> AsyncIterator[Page]:
    """A page of somebody who may operate."""
    async with _opened(browser, site, complaints, sessions["operator"]) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def viewer(
    browser: Browser, site: Site, sessions: dict[str, Any], complaints: list[str]
) -> AsyncIterator[Page]:
    """A page of somebody who may only read."""
    async with _opened(browser, site, complaints, sessions["viewer"]) as opened:
        yield opened
