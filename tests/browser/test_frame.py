"""What surrounds every page: navigation, keys, themes, errors."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from services.api.dashboard.registry import find_pages
from tests.browser.looking import check_here, check_page

PAGES = [found.page for found in find_pages()]


@pytest.mark.parametrize("path", [page.path for page in PAGES])
async def test_a_page_passes_every_check(page: Page, path: str) -> None:
    await check_page(page, path)


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
