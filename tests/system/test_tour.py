"""The walk of docs/tour.md: what became of one memory, and why a pattern was found, from the pages.

With SUPASTATE_TEST_TOUR=folder the pictures of the tour are written there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.system.running import Workspace

pytestmark = pytest.mark.system

CHROMIUM = os.environ.get("SUPASTATE_TEST_CHROMIUM") or shutil.which("chromium")
PICTURES = os.environ.get("SUPASTATE_TEST_TOUR")
SIZE = (1200, 800)
PATIENCE_MILLISECONDS = 20_000
ERRORS = (
    "The checkout fails with TypeError: price is None. The traceback ends in basket.py, line 12.",
    "Still the same error at checkout: the exception comes when a basket has no prices.",
    "The test of the empty basket fails too, with the same traceback. Why is the price missing?",
    "I traced the crash: the import drops the price of articles without stock. That is the bug.",
    "Fixed the error: articles without stock keep their price, and the failing test passes now.",
    "The crash at checkout is gone after the fix; I added a regression test for the bug.",
    "One more failing case of the same bug: a refund without a price. Fixed the exception there.",
)


@pytest.fixture
def told(team: Workspace) -> Workspace:
    """A team whose assistant was told of one long search for a bug."""
    chunks = [
        {
            "chunkId": f"turn-{number}",
            "content": text,
            "metadata": {
                "startTime": f"2026-03-02T09:{number * 4:02}:00Z",
                "filePaths": ["shop/basket.py"],
            },
        }
        for number, text in enumerate(ERRORS)
    ]
    body = {"sessionId": "monday", "projectPath": "/home/anna/shop", "chunks": chunks}
    names = team.environment
    headers = {"Authorization": f"Bearer {names['SUPASTATE_API_KEY']}"}
    url = f"{names['SUPASTATE_API_URL']}/api/ingest/memory"
    assert httpx.post(url, json=body, headers=headers, trust_env=False).status_code == 202
    return team


@pytest.fixture
async def page(told: Workspace) -> AsyncIterator[Page]:
    """The browser of somebody who has only the address and a key."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium, or set SUPASTATE_TEST_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(
            base_url=told.environment["SUPASTATE_API_URL"],
            viewport={"width": SIZE[0], "height": SIZE[1]},
        )
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        yield await context.new_page()
        await browser.close()


async def test_a_stranger_sees_what_became_of_a_memory_and_why(told: Workspace, page: Page) -> None:
    await _enter(page, told)
    await _find_the_memory(page)
    await _look_at_its_job(page)
    await _follow_its_trace(page)
    await _ask_why_a_pattern_was_found(page)


async def _enter(page: Page, told: Workspace) -> None:
    await page.goto("/")
    await page.get_by_label("API key").fill(told.environment["SUPASTATE_API_KEY"])
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await _picture(page, "overview")


async def _find_the_memory(page: Page) -> None:
    hit = page.get_by_role("main").get_by_role("link", name=re.compile("articles without stock"))
    await _until_there(page, "/dashboard/search?q=price+missing+at+checkout", hit)
    await _picture(page, "search")
    await hit.first.click()
    await expect(page.get_by_text("What the system did with it").first).to_be_visible()
    pattern = page.get_by_role("link", name=re.compile("^debugging-session"))
    await _until_there(page, page.url, pattern)
    await expect(page.locator("section[aria-labelledby=done]")).to_contain_text("done")
    await _picture(page, "memory")


async def _look_at_its_job(page: Page) -> None:
    memory = page.url
    await page.locator("section[aria-labelledby=done] a[href*='/jobs/']").first.click()
    main = page.get_by_role("main")
    await expect(main).to_contain_text(f"{len(ERRORS)} of {len(ERRORS)}")
    await _picture(page, "job")
    await page.goto(memory)


async def _follow_its_trace(page: Page) -> None:
    memory = page.url
    await page.locator("section[aria-labelledby=done] a[href*='/traces/']").first.click()
    main = page.get_by_role("main")
    for step in (
        "POST /api/ingest/memory",
        "queue memory_ingestion",
        "embed",
        "neo4j write memories",
    ):
        await expect(main.get_by_text(step).first).to_be_visible()
    await _picture(page, "trace")
    await page.goto(memory)


async def _ask_why_a_pattern_was_found(page: Page) -> None:
    await page.get_by_role("link", name=re.compile("^debugging-session")).first.click()
    why = page.locator("section", has=page.get_by_role("heading", name="Why")).first
    await expect(why).to_contain_text(re.compile(r"\d+ memories of shop .*debugging.*2026-03-02"))
    await expect(page.get_by_text("articles without stock").first).to_be_visible()
    await _picture(page, "pattern")


async def _until_there(page: Page, address: str, wanted: Locator) -> None:
    """Load the page until it shows what the services are still at work on."""
    for _ in range(60):
        await page.goto(address)
        if await wanted.count():
            return
        await page.wait_for_timeout(500)
    pytest.fail(f"{address} never showed it")


async def _picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")
