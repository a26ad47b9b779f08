"""Overview and Queues: what is wrong, pausing with a reason, charts, and live figures."""

from __future__ import annotations

import re

import psycopg
from playwright.async_api import Page, expect

from tests.browser.looking import check_page, take_screenshot
from tests.browser.world import Site

QUEUE = "/dashboard/queues/memory_ingestion"


async def until_sampled(page: Page, path: str) -> None:
    """Open a page of figures once the first sample was taken."""
    await page.goto(path)
    await expect(page.get_by_role("link", name="memory_ingestion")).to_be_visible()


async def test_a_queue_over_time_passes_every_check(page: Page) -> None:
    await until_sampled(page, "/dashboard/queues")
    await check_page(page, QUEUE)


async def test_the_charts_draw_what_was_sampled(page: Page) -> None:
    await until_sampled(page, "/dashboard/queues")
    await page.goto(QUEUE)
    await expect(page.locator("figure.chart canvas")).to_have_count(3)

    for name in ("wait p95", "run p95", "oldest ready", "out"):
        await expect(page.locator(".u-legend").get_by_text(name, exact=True)).to_be_visible()
    await expect(page.get_by_text("out so far", exact=True)).to_be_visible()
    await take_screenshot(page, "queue-charts")


async def test_the_overview_says_what_is_wrong_and_where_to_look(page: Page) -> None:
    await page.goto("/dashboard/overview")
    problems = page.get_by_role("region", name="Problems").get_by_role("listitem")
    for said in (r"\d+ messages of memory_ingestion were given up", "summary_generation is paused"):
        await expect(problems.filter(has_text=re.compile(said))).to_be_visible()

    late = problems.filter(
        has_text=re.compile("pattern_detection .* the oldest message has waited")
    )
    await late.get_by_role("link", name="See the queue").click()
    await expect(page.get_by_role("heading", name="pattern_detection")).to_be_visible()


async def test_a_queue_is_paused_with_a_reason_and_resumed(page: Page, site: Site) -> None:
    await page.goto(QUEUE)
    await page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause memory_ingestion?")
    await dialog.get_by_label("Reason").fill("Neo4j is moved")
    await dialog.get_by_role("button", name="Pause").click()

    await expect(page.get_by_text("Neo4j is moved")).to_be_visible()
    with psycopg.connect(site.dsn) as conn:
        noted = conn.execute(
            "SELECT key_name, reason FROM audit_log WHERE action = 'queue.pause' ORDER BY id DESC"
        ).fetchone()
    assert noted == ("operator", "Neo4j is moved")
    await page.get_by_role("button", name="Resume").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("Neo4j is moved")).to_have_count(0)


async def test_a_list_that_is_open_shows_what_another_one_does(page: Page, site: Site) -> None:
    await page.goto("/dashboard/queues")
    row = page.get_by_role("row").filter(has_text="pattern_detection")
    await expect(row.get_by_text("paused")).to_have_count(0)
    with psycopg.connect(site.dsn, autocommit=True) as conn:
        conn.execute("SELECT pause_queue('pattern_detection', 'elsewhere', 'another')")
        conn.execute("SELECT pg_notify('supastate_live', 'queues')")
        await expect(row.get_by_text("paused")).to_be_visible()
        conn.execute("SELECT resume_queue('pattern_detection')")


async def test_whoever_may_only_read_is_refused(viewer: Page, complaints: list[str]) -> None:
    for path in ("/dashboard/overview", "/dashboard/queues", QUEUE):
        answer = await viewer.goto(path)
        assert answer is not None
        assert answer.status == 403
    complaints.clear()  # the refusals themselves
