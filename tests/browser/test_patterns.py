"""Patterns and projects, as a person finds out why something is one and says what they think."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
from playwright.async_api import Page, expect

from tests.browser.looking import check_here, check_page
from tests.browser.seeds.patterns import HOSTILE, PROJECT, SAID
from tests.browser.world import Site


async def open_first(page: Page) -> None:
    """Open the first pattern of the project."""
    await page.goto(f"/dashboard/patterns?project={quote(PROJECT, safe='')}")
    await page.locator(".patterns a[data-row]").first.click()
    await page.get_by_role("heading", name="Why").wait_for()


async def test_a_pattern_tells_why_with_quotes_and_numbers(page: Page) -> None:
    await open_first(page)
    await expect(page.locator("blockquote").first).to_contain_text(SAID)
    await expect(page.locator("#main")).to_contain_text("onerror=alert(1)")
    await check_here(page, "patterns-one")


async def test_rates_are_shown_with_their_uncertainty(page: Page) -> None:
    await page.goto("/dashboard/patterns?type=debugging")
    row = page.get_by_role("table").first.get_by_role("row").nth(1)
    await expect(row).to_contain_text(re.compile(r"\d+\.\d % to \d+\.\d %"))
    await expect(row).to_contain_text("looks by rules 2, embedder")
    await expect(row).to_contain_text("before by rules 1")
    await expect(row.locator("path.step")).to_have_attribute("d", re.compile(r"^M240\.0,0 V"))
    await page.get_by_text("The numbers of every week").click()
    # Twelve that were debugging, and of two projects eight that were not.
    await expect(page.get_by_text("n = 28").first).to_be_visible()


async def test_a_dismissed_pattern_is_gone_from_the_list_until_it_is_taken_back(page: Page) -> None:
    await open_first(page)
    name = page.url
    await page.get_by_role("button", name="Dismiss").click()
    await page.get_by_label("Why (optional)").last.fill("a load test")
    await page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_text("a load test")).to_be_visible()
    await check_here(page, "patterns-dismissed")

    await page.goto(f"/dashboard/patterns?project={quote(PROJECT, safe='')}&review=dismissed")
    await expect(page.locator(".patterns > li")).to_have_count(1)
    await page.goto(name)
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    await expect(page.get_by_role("button", name="Dismiss")).to_be_visible()


async def test_what_somebody_dismisses_leaves_another_ones_list(page: Page, site: Site) -> None:
    await page.goto(f"/dashboard/patterns?project={quote(PROJECT, safe='')}&type=debugging")
    rows = page.locator(".patterns > li")
    before = await rows.count()
    path = await page.locator(".patterns a[data-row]").first.get_attribute("href")
    review = f"{site.url}/api/patterns/{str(path).rpartition('/')[2]}/review"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {site.key}"}) as somebody:
        assert (await somebody.post(review, json={"verdict": "dismissed"})).status_code == 200
        await expect(rows).to_have_count(before - 1)
        assert (await somebody.post(review, json={"verdict": None})).status_code == 200
        await expect(rows).to_have_count(before)


async def test_a_reader_gets_no_buttons_and_is_refused(viewer: Page, complaints: list[str]) -> None:
    await open_first(viewer)
    await expect(viewer.get_by_role("button", name="Dismiss")).to_have_count(0)
    token = await viewer.evaluate(
        "() => JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token']"
    )
    status = await viewer.evaluate(
        """async (token) => (await fetch(location.pathname + "/review", {method: "POST",
            headers: {"X-CSRF-Token": token}, body: new URLSearchParams({verdict: "dismissed"})
        })).status""",
        token,
    )
    assert status == 403
    complaints.clear()  # the 403 itself


async def test_a_project_is_told_from_its_sources(page: Page) -> None:
    await page.goto("/dashboard/projects")
    await page.get_by_role("link", name=PROJECT, exact=True).click()
    await expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    await expect(page.locator("#main")).to_contain_text("From 6 memories")
    await expect(page.locator("blockquote").first).to_contain_text("decided")
    await check_here(page, "projects-one")


async def test_a_summary_is_asked_for_from_the_page(page: Page) -> None:
    await page.goto(f"/dashboard/projects/{quote(PROJECT, safe='')}")
    await page.get_by_role("button", name="Summarise anew").click()
    await page.get_by_role("dialog").get_by_role("button", name="Summarise anew").click()
    await expect(page.get_by_text("Asked for.")).to_be_visible()
    await expect(page.get_by_text("1 to do").first).to_be_visible()


async def test_a_hostile_name_is_only_text(page: Page) -> None:
    await check_page(page, f"/dashboard/projects/{quote(HOSTILE, safe='')}", "projects-hostile")
    await check_page(page, f"/dashboard/patterns?text={quote(HOSTILE)}", "patterns-hostile")
