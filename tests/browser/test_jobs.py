"""The jobs' pages in a real browser: live progress, filters, cancelling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.browser.looking import check_page
from tests.browser.seeds.jobs import HOSTILE, start_job
from tests.browser.world import Site, World
from tests.integration.api.working import Worker

LIST = "/dashboard/jobs"
FLUSH = "SELECT pg_stat_force_next_flush()"
"""Who falls idle may else keep its counts for ten seconds."""
COUNT_NEWS = """() => {
  window.news = 0;
  document.body.addEventListener("live:jobs", () => window.news++);
}"""
SCROLL_AWAY = """() => {
  scrollTo(0, 80);
  return [scrollY, document.activeElement.getBoundingClientRect().top > innerHeight];
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def conn(site: Site) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A superuser's connection to the site's database."""
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as own:
        yield own


@pytest.fixture
def world(site: Site, conn: AsyncConnection[TupleRow]) -> World:
    """Where a test may add jobs; its graph is of no use to jobs."""
    return World(conn, None, site.workspace_id, "", site.user_id)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def worker(conn: AsyncConnection[TupleRow]) -> Worker:
    return Worker(conn)


async def open_job(page: Page, job_id: UUID) -> None:
    await page.goto(f"{LIST}/{job_id}")
    await until_live(page)


async def until_live(page: Page) -> None:
    """Return when the tab hears of changes, and has fetched all anew."""
    await page.wait_for_function("() => !document.documentElement.classList.contains('stale')")


async def drain(worker: Worker) -> None:
    """Let other tests' messages be done."""
    while taken := await worker.take(100):
        await worker.succeed(*taken)


async def test_a_job_passes_every_check(page: Page, world: World) -> None:
    job_id = await start_job(world, [{"content": HOSTILE, "token": "hunter2hunter2"}] * 2)
    await world.conn.execute(
        "UPDATE pgmq.q_memory_ingestion SET vt = now() + interval '1 hour', read_ct = 1,"
        " headers = headers || jsonb_build_object('attempts', 1, 'last_error', %s::text)"
        " WHERE headers->>'job_id' = %s",
        (f"ValueError: {HOSTILE}", str(job_id)),
    )
    await world.conn.execute(
        "WITH code AS (INSERT INTO code_entities (workspace_id, user_id, project_name, path, name,"
        " content, content_hash) VALUES (%s, %s, 'jobs', %s, 'x', 'x', '') RETURNING id)"
        " INSERT INTO pgmq.a_memory_ingestion (msg_id, read_ct, enqueued_at, vt, message, headers)"
        " SELECT -msg_id, 1, now(), now(), jsonb_build_object('type', 'code', 'code_entity_id',"
        " code.id), headers - 'attempts' FROM code, pgmq.q_memory_ingestion"
        " WHERE headers->>'job_id' = %s LIMIT 1",
        (world.workspace_id, world.user_id, HOSTILE, str(job_id)),
    )
    await check_page(page, f"{LIST}/{job_id}", "jobs-one")

    await expect(page.get_by_label("Events")).to_contain_text("2 messages")
    await expect(page.get_by_label("Events").locator(".badge.warn")).to_have_text("retry")
    await expect(page.get_by_label("Written").get_by_role("link")).to_have_count(2)
    await expect(page.get_by_label("Messages")).to_contain_text("[redacted:named]")
    await expect(page.locator("main")).not_to_contain_text("hunter2")
    link = page.get_by_role("link", name="as a file", include_hidden=True).first
    whole = await page.request.get(str(await link.get_attribute("href")))
    assert (whole.status, "hunter2" in await whole.text()) == (200, False)


async def test_progress_is_seen_while_messages_are_processed(
    page: Page, world: World, worker: Worker
) -> None:
    await drain(worker)
    job_id = await start_job(world, [{"n": 1}, {"n": 2}])
    await open_job(page, job_id)
    percent = page.locator("#job-percent")
    await expect(percent).to_have_text("0.0 %")

    first, second = await worker.take()
    step = page.locator("#job-step")
    await worker.report(first, step=f"embed {HOSTILE}", done=30, total=120)
    await world.conn.execute(FLUSH)
    await expect(step).to_contain_text("30 of 120", timeout=15_000)
    await worker.report(first, step="write memories", done=2, total=3)
    await world.conn.execute(FLUSH)
    await expect(step).to_contain_text("write memories", timeout=15_000)
    await worker.succeed(first)
    await world.conn.execute(FLUSH)
    await expect(step).to_have_count(0, timeout=15_000)
    await expect(percent).to_have_text("50.0 %", timeout=15_000)
    await worker.give_up(second)
    await world.conn.execute(FLUSH)

    await expect(percent).to_have_text("100.0 %", timeout=15_000)
    await expect(page.get_by_label("Progress").locator(".badge")).to_have_text("dead")


async def test_what_a_person_opened_and_where_they_are_stays_while_it_changes(
    page: Page, world: World, worker: Worker
) -> None:
    await drain(worker)
    job_id = await start_job(world, [{"n": 1}, {"n": 2}])
    await page.set_viewport_size({"width": 1280, "height": 400})
    await open_job(page, job_id)
    last = page.locator("details[id^=message]").last
    await last.locator("summary").click()
    await last.locator("pre").focus()
    opened = await last.get_attribute("id")
    assert await page.evaluate(SCROLL_AWAY) == [80, True]  # what has the focus is out of view

    await page.evaluate(COUNT_NEWS)
    first, second = await worker.take()
    done, left = (second, first) if str(opened).endswith(f"-{first.msg_id}") else (first, second)
    await worker.succeed(done)
    await world.conn.execute(FLUSH)
    await page.wait_for_function("() => window.news > 0", timeout=15_000)
    await expect(page.locator("#job-percent")).to_have_text("50.0 %", timeout=15_000)

    await expect(page.locator(f"#{opened}")).to_have_attribute("open", "")
    assert await page.evaluate("() => document.activeElement.tagName") == "PRE"
    assert await page.evaluate("() => scrollY") == 80
    await worker.succeed(left)


async def test_no_row_moves_when_jobs_come_in(page: Page, world: World, worker: Worker) -> None:
    await page.goto(LIST)
    await until_live(page)
    row = page.locator("tbody tr").first
    shown, box = await row.get_attribute("id"), await row.bounding_box()
    await row.locator("a").focus()

    await start_job(world, [{"n": 1}])
    new = page.locator(".new-rows")
    await expect(new).to_contain_text("1 new", timeout=15_000)

    assert await row.get_attribute("id") == shown
    assert await row.bounding_box() == box
    assert await page.evaluate("() => document.activeElement.closest('tr')?.id") == shown
    await new.get_by_role("link").click()
    await expect(page.locator("tbody tr").nth(1)).to_have_attribute("id", str(shown))
    await drain(worker)


async def test_the_address_holds_the_filter(
    page: Page, browser: Browser, site: Site, sessions: dict[str, Any], world: World
) -> None:
    job_id = await start_job(world, [{"limit": 4711}])
    await page.goto(LIST)
    await page.get_by_label("Argument").fill("args.limit:4711")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("nav.pager")).to_contain_text("Looked at")

    context = await browser.new_context(base_url=site.url, storage_state=sessions["viewer"])
    elsewhere = await context.new_page()
    await elsewhere.goto(page.url)
    await expect(elsewhere.locator("tbody tr")).to_have_attribute("id", f"job-{job_id}")
    async with elsewhere.expect_download() as downloading:
        await elsewhere.get_by_role("link", name="CSV").click()
    path = await (await downloading.value).path()
    lines = path.read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["id", str(job_id)]
    await context.close()


async def test_a_job_is_cancelled_after_it_was_confirmed(page: Page, world: World) -> None:
    job_id = await start_job(world, [{"n": 1}, {"n": 2}])
    await page.goto(f"{LIST}/{job_id}")
    await page.get_by_role("button", name="Cancel job").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").fill("imported twice")
    await dialog.get_by_role("button", name="Cancel job").click()

    await expect(page.get_by_text("Cancelled 2 messages.")).to_be_visible()
    await expect(page.get_by_label("Progress").locator(".badge")).to_have_text("cancelled")
    await expect(page.get_by_role("button", name="Cancel job")).to_have_count(0)


async def test_a_tick_stays_while_its_row_changes_and_the_confirmed_cancel_means_it(
    page: Page, world: World, worker: Worker
) -> None:
    await drain(worker)
    ticked, other = [await start_job(world, [{"n": 1}, {"n": 2}]) for _ in range(2)]
    await page.goto(f"{LIST}?state=waiting")
    await page.locator(f"#tick-{ticked}").check()
    (taken,) = await worker.take(1)
    await expect(page.locator(f"#job-{ticked} .badge")).to_have_text("running", timeout=15_000)
    await expect(page.locator(f"#tick-{ticked}")).to_be_checked()

    await page.get_by_role("button", name="Cancel ticked").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").fill("imported twice")
    await worker.succeed(taken)  # the page goes on changing below the dialog
    await expect(page.locator(f"#job-{ticked}")).to_contain_text("50.0 %", timeout=15_000)
    await dialog.get_by_role("button", name="Cancel ticked").click()

    await expect(page.get_by_text("Cancelled 1 messages of 1 jobs.")).to_be_visible()
    assert "state=waiting" in page.url
    await expect(page.locator(f"#job-{other}")).to_be_visible()
    await expect(page.locator(f"#job-{ticked}")).to_have_count(0)


async def test_a_viewer_is_offered_no_cancel_and_refused_one(
    viewer: Page, world: World, complaints: list[str]
) -> None:
    job_id = await start_job(world, [{"n": 1}])
    await viewer.goto(f"{LIST}/{job_id}")
    await expect(viewer.get_by_role("button", name="Cancel job")).to_have_count(0)
    token = await viewer.locator("input[name=csrf_token]").first.get_attribute("value")

    status = await viewer.evaluate(
        """async ([url, token]) => (await fetch(url, {
             method: "POST",
             headers: {"X-CSRF-Token": token},
             body: new URLSearchParams({reason: "x"})
           })).status""",
        [f"{LIST}/{job_id}/cancel", token],
    )
    assert status == 403
    complaints.clear()  # the 403 itself
