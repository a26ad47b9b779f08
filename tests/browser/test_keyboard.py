"""Everything can be reached and used without a mouse, and a pasted address shows the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, expect

from services.api.dashboard.registry import find_pages
from tests.browser.seeds.traces import FAILED, IMPORT
from tests.browser.world import Site

PAGES = [found.page for found in find_pages()]
MOST_STEPS = 50
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    name: one.outerHTML.slice(0, 120),
    isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
    isInView: box.bottom > 0 && box.top < innerHeight && box.width > 0,
  };
}"""
FIELDS = """() => JSON.stringify([...document.querySelectorAll("main input, main select")]
  .filter((one) => one.type !== "hidden")
  .map((one) => [one.name, one.value, one.checked]))"""
MISPLACED = """() => [...document.querySelectorAll("[tabindex]")]
  .filter((one) => one.tabIndex > 0)
  .map((one) => one.outerHTML.slice(0, 120))"""


async def test_tab_goes_through_each_page_and_shows_where_it_is(page: Page) -> None:
    for one in PAGES:
        await page.goto(one.path)
        assert await page.evaluate(MISPLACED) == []
        steps = [step async for step in tab_through(page)]
        assert "Skip to content" in steps[0]["name"], one.path
        assert len(steps) > len(PAGES), one.path
        for step in steps:
            assert step["isMarked"], f"{one.path}: no outline on {step['name']}"
            assert step["isInView"], f"{one.path}: out of view is {step['name']}"


async def tab_through(page: Page) -> AsyncIterator[dict[str, Any]]:
    for _ in range(MOST_STEPS):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused is None:
            return
        yield focused


async def test_two_keys_lead_to_each_page(page: Page) -> None:
    assert len({one.key for one in PAGES}) == len(PAGES)
    await page.goto("/dashboard/traces")
    for one in PAGES:
        await page.keyboard.press("g")
        await page.keyboard.press(one.key)
        await page.wait_for_url(f"**{one.path}")


async def test_a_trace_is_found_opened_and_left_by_keys_alone(page: Page) -> None:
    await page.goto("/dashboard/traces?errors=true")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Where the time went")).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("#span")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("t")

    await expect(page.get_by_role("region", name="Traces, the newest first")).to_be_visible()


async def test_a_pasted_address_shows_the_same_to_a_colleague(
    page: Page, browser: Browser, site: Site, sessions: dict[str, Any]
) -> None:
    colleague = await browser.new_context(base_url=site.url, storage_state=sessions["viewer"])
    other = await colleague.new_page()
    for path in (
        "/dashboard/traces?errors=true&minMs=1000&service=supastate-api",
        f"/dashboard/traces/{IMPORT}?span={1:016x}",
        f"/dashboard/traces/{FAILED}?errors=true&span={3:016x}",
    ):
        shown = [await read(tab, path) for tab in (page, other)]
        assert shown[0] == shown[1], path
    await colleague.close()


async def read(page: Page, path: str) -> tuple[str, str]:
    await page.goto(path)
    return await page.locator("main").inner_text(), str(await page.evaluate(FIELDS))
