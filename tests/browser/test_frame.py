"""What surrounds every page: navigation, keys, themes, errors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from neo4j import AsyncGraphDatabase
from playwright.async_api import Browser, Page, expect
from psycopg import AsyncConnection

from services.api.dashboard.registry import find_pages
from shared.postgres.api_keys import create_key
from tests.browser.conftest import log_in, open_page
from tests.browser.looking import WIDE, check_here, check_page
from tests.browser.seeds.search import CRASH
from tests.browser.world import Site

PAGES = [found.page for found in find_pages()]
PATHS = [page.path for page in PAGES]
IN_GRAPH = f"/dashboard/graph/memory/{CRASH}"
DEAD_END = "bolt://127.0.0.1:9"
SAMPLER = "hashtextextended('supastate.queue_sampler', 0)"
FIRST_STEPS = {
    "overview": "`supastate doctor` says what is wrong",
    "queues": "`supastate doctor` says what is wrong",
    "jobs": "`supastate import git .` makes the first job",
    "dead-letters": "See what runs",
    "traces": "`supastate import git .`",
    "patterns": "import sessions with “supastate import",
    "projects": "“supastate import git” a repository",
    "search": "Ask in your own words",
    "graph": "Search for a memory or a file",
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_passes_every_check(page: Page, path: str) -> None:
    await check_page(page, path)


@pytest_asyncio.fixture(loop_scope="session")
async def newcomer(browser: Browser, site: Site, complaints: list[str]) -> AsyncIterator[Page]:
    """A page of an empty workspace, of a system that was never sampled."""
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as conn:
        key = await create_key(
            conn, workspace_id=f"team:{uuid4()}", user_id=uuid4(), name="new",
            scopes=("read", "operate"),
        )  # fmt: skip
        await conn.execute(f"SELECT pg_advisory_lock({SAMPLER})")
        await conn.execute("CREATE TEMP TABLE kept AS TABLE queue_samples")
        await conn.execute("DELETE FROM queue_samples")
        context = await browser.new_context(base_url=site.url, viewport=WIDE)  # pyright: ignore[reportArgumentType]  # a TypedDict
        page = await open_page(context, site.url, complaints)
        await log_in(page, key)
        yield page
        await context.close()
        await conn.execute("INSERT INTO queue_samples TABLE kept")


async def test_each_page_of_an_empty_workspace_says_what_to_do_next(newcomer: Page) -> None:
    assert set(FIRST_STEPS) == {page.name for page in PAGES}
    for page in PAGES:
        await check_page(newcomer, page.path, f"empty-{page.name}")
        notice = newcomer.locator("main .notice")
        await expect(notice).to_contain_text(FIRST_STEPS[page.name])


async def test_without_neo4j_pages_that_need_it_say_what_to_do(
    page: Page, site: Site, complaints: list[str]
) -> None:
    parts = site.app.state.parts
    async with AsyncGraphDatabase.driver(DEAD_END, max_transaction_retry_time=0) as dead:  # pyright: ignore[reportUnknownMemberType]  # untyped options
        site.app.state.parts = replace(parts, shared=replace(parts.shared, driver=dead))
        try:
            statuses = {path: (await page.request.get(path)).status for path in (*PATHS, IN_GRAPH)}
            await page.goto("/dashboard/patterns")
            await expect(page.locator("main .notice")).to_contain_text("`supastate doctor` says")
            await check_here(page, "neo4j-down")
        finally:
            site.app.state.parts = parts
    down = {path for path, status in statuses.items() if status != 200}
    assert down == {"/dashboard/patterns", IN_GRAPH}
    assert {statuses[path] for path in down} == {503}
    complaints.clear()  # the 503 itself


async def test_times_are_those_of_the_readers_zone(
    browser: Browser, site: Site, sessions: dict[str, Any]
) -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        context = await browser.new_context(
            base_url=site.url, storage_state=sessions["operator"], timezone_id=zone, locale="en-US"
        )
        page = await context.new_page()
        await page.goto("/dashboard/projects")
        time = page.locator("tbody time").first
        moment = datetime.fromisoformat(str(await time.get_attribute("datetime")))
        await expect(time).to_have_text(as_in_new_york(moment.astimezone(ZoneInfo(zone))))
        await context.close()


def as_in_new_york(at: datetime) -> str:
    """Return a time as people there write it, in whatever zone it is."""
    return f"{at:%b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M} {at:%p}"


async def test_a_missing_page_says_what_to_do_next(page: Page, complaints: list[str]) -> None:
    answer = await page.goto("/dashboard/no-such-page")

    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading", name="Not Found")).to_be_visible()
    await check_here(page, "not-found")
    complaints.clear()  # the 404 itself


async def test_the_theme_is_kept(page: Page) -> None:
    await page.goto("/dashboard/traces")
    toggle = page.get_by_role("button", name=re.compile("^Theme"))
    for _ in range(2):
        await toggle.click()
    await page.reload()

    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_question_mark_shows_the_keys(page: Page) -> None:
    await page.goto("/dashboard/traces")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_a_fragment_could_not_do_is_told(page: Page, complaints: list[str]) -> None:
    await page.goto("/dashboard/traces")
    await page.evaluate("htmx.ajax('GET', '/dashboard/traces/nonsense', 'main')")

    problem = page.get_by_role("alert")
    await expect(problem).to_contain_text("the request is not as documented")
    await expect(problem).to_contain_text("begin again without filters")
    await expect(page.get_by_role("heading", name="Traces")).to_be_visible()
    complaints.clear()  # the 400 itself


async def test_nothing_moves_for_whoever_wants_no_motion(page: Page) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/dashboard/traces")

    moving = """() => [...document.querySelectorAll("*")]
      .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"""
    assert await page.evaluate(moving) == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate(moving) > 0
