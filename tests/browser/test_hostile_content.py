"""Whatever somebody wrote stays text: on every page, in every field, in every address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

import pytest_asyncio
from fastapi.routing import APIRoute
from playwright.async_api import Browser, Page
from psycopg import AsyncConnection

from services.api.dashboard.registry import find_pages
from shared.graph.driver import connect
from tests.browser.conftest import keep_home, log_in
from tests.browser.hostile import ALL, CORPUS, TRACE, fill
from tests.browser.world import Site
from tests.conftest import DELETE_WORKSPACE, Servers

MOST_PAGES = 150
MOST_OF_A_KIND = 2
MUST_SEE = {
    "a letter": "/dashboard/dead-letters/letters/{queue}/{letter_id}",
    "a pattern": "/dashboard/patterns/{pattern_id}",
    "a project": "/dashboard/projects/{name:path}",
    "a memory": "/dashboard/search/{kind}/{entity_id}",
    "a job": "/dashboard/jobs/{job_id}",
    "a node of the graph": "/dashboard/graph/{kind}/{node_id:path}",
    "a trace": "/dashboard/traces/{trace_id}",
}
FIND_LIVE = """() => [...document.querySelectorAll(
  "[data-pwned], [onerror], [onload], [onfocus], script:not([src]), base, iframe,"
  + "a[href^='javascript' i]"
)].map((one) => one.outerHTML.slice(0, 200)).concat(window.pwned ? ["a script ran"] : [])"""
FIND_LINKS = """() => [...document.querySelectorAll("main a[href]")].map((one) => one.href)"""
FIND_FIELDS = """() => [...document.querySelectorAll("main form[method=get] [name]")]
  .map((one) => one.name)"""


@pytest_asyncio.fixture(loop_scope="session")
async def victim(
    browser: Browser, site: Site, graph_server: Servers, complaints: list[str]
) -> AsyncIterator[Page]:
    """A page of the hostile workspace; only what the policy says is a complaint."""
    workspace, server = f"team:{uuid4()}", graph_server
    async with (
        connect(server.neo4j_uri, server.neo4j_user, server.neo4j_password) as driver,
        await AsyncConnection.connect(site.dsn, autocommit=True) as conn,
    ):
        key = await fill(conn, driver, workspace)
        context = await browser.new_context(base_url=site.url)
        page = await context.new_page()
        page.on("console", lambda one: _hear(one.type, one.text, complaints))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        keep_home(page, site.url, complaints)
        await log_in(page, key)
        yield page
        await context.close()
        await driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace)


def _hear(kind: str, text: str, complaints: list[str]) -> None:
    if kind == "error" and "Failed to load resource" not in text:  # a page may refuse an address
        complaints.append(text)


async def test_what_others_wrote_is_inert_on_every_page(victim: Page, site: Site) -> None:
    waiting = [page.page.path for page in find_pages()] + [f"/dashboard/traces/{TRACE}"]
    seen: dict[str, list[str]] = {}
    while waiting:
        path = waiting.pop(0)
        alike = seen.setdefault(kind_of(path), [])
        if path in alike or len(alike) == MOST_OF_A_KIND:
            continue
        alike.append(path)
        assert sum(map(len, seen.values())) < MOST_PAGES, seen
        await look_at(victim, path)
        waiting += await own_links(victim, site)
    routes = {kind.partition(" ")[0] for kind in seen}
    missed = [name for name, route in MUST_SEE.items() if route not in routes]
    assert not missed, sorted(seen)


async def test_what_an_address_asks_for_is_inert_on_every_page(victim: Page) -> None:
    for found in find_pages():
        await victim.goto(found.page.path)
        names: list[str] = await victim.evaluate(FIND_FIELDS)
        for name in [*dict.fromkeys(names), "before", "nonsense"]:
            await look_at(victim, f"{found.page.path}?{name}={quote(ALL[:190])}")
    await look_at(victim, f"/dashboard/login?next={quote(ALL)}")
    for payload in CORPUS:
        await look_at(victim, f"/dashboard/{quote(payload, safe='')}")


def kind_of(address: str) -> str:
    """Return the route that answers, and what it is asked by: addresses of one kind look alike."""
    asked = urlsplit(address)
    names = sorted({name for name, _ in parse_qsl(asked.query, keep_blank_values=True)})
    for route in [route for found in find_pages() for route in found.router.routes]:
        if isinstance(route, APIRoute) and route.path_regex.match(asked.path):
            return " ".join([route.path, *names])
    return asked.path


async def look_at(page: Page, path: str) -> None:
    answer = await page.goto(path, wait_until="load")
    assert answer is not None
    assert answer.status < 500, f"{path}: {answer.status}"
    live = await page.evaluate(FIND_LIVE)
    assert not live, "\n".join([path, *live])


async def own_links(page: Page, site: Site) -> list[str]:
    links: list[str] = await page.evaluate(FIND_LINKS)
    ours = [
        link.removeprefix(site.url) for link in links if link.startswith(f"{site.url}/dashboard/")
    ]
    return [link for link in ours if not urlsplit(link).path.endswith((".csv", ".json", "/export"))]
