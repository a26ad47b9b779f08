"""Dead letters in a browser: from the group to a message that is really processed again."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.async_api import Page, expect
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from shared.postgres.api_keys import create_key
from shared.postgres.audit import list_entries
from tests.browser.conftest import log_in
from tests.browser.looking import check_here, check_page
from tests.browser.pressing import press, tab_to
from tests.browser.world import Site
from tests.integration.api.letters import file_letters

HOME = "/dashboard/dead-letters"


async def test_every_page_of_dead_letters_passes_the_checks(page: Page) -> None:
    await check_page(page, f"{HOME}/letters?queue=memory_ingestion", "dead-letters-letters")
    await check_page(page, f"{HOME}/operations")
    await page.get_by_role("link", name="Redrive of memory_ingestion").first.click()
    await check_here(page, "dead-letters-operation")
    await page.goto(HOME)
    await page.get_by_role("link", name="KeyError").click()
    await check_here(page, "dead-letters-group")
    await page.get_by_role("link", name="KeyError").first.click()
    await check_here(page, "dead-letters-letter")
    await page.get_by_role("link", name="Redrive…").click()
    await check_here(page, "dead-letters-preview")


async def test_hostile_letters_are_shown_as_text(page: Page) -> None:
    await page.goto(f"{HOME}/letters?queue=summary_generation")
    await page.locator("[data-row]").first.click()

    await expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    await expect(page.locator("main img, main script")).to_have_count(0)
    await check_here(page, "dead-letters-hostile")


async def test_a_failed_message_is_redriven_by_keys_alone_and_then_really_processed(
    page: Page, site: Site
) -> None:
    seen: list[str] = []
    broker = PgmqBroker(site.dsn)

    @broker.subscriber("pattern_detection")
    async def detect(message: dict[str, str]) -> None:
        seen.append(message["text"])

    async with await AsyncConnection.connect(site.dsn, autocommit=True) as conn:
        [letter] = await file_letters(
            conn, site.workspace_id, queue="pattern_detection", error="TimeoutError",
            payload={"text": "once more"},
        )  # fmt: skip
        await page.goto(HOME)
        await press(page, page.get_by_role("link", name="TimeoutError"), "Enter")
        await press(page, page.get_by_label(f"Letter {letter}"), "Space")
        await press(page, page.get_by_role("button", name="Redrive the ticked"), "Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(
            "Redrive 1 dead letter of"
        )
        await tab_to(page, page.get_by_label("Reason"))
        await page.keyboard.type("the model is back")
        async with broker:
            await broker.start()
            await press(page, page.get_by_role("button", name="Redrive 1"), "Enter")
            await expect(page.get_by_text("done", exact=True)).to_be_visible()
            await expect(page.locator(".stats")).to_contain_text("Redriven1")
            await _until_processed(page, seen)
        [entry] = await list_entries(conn, site.workspace_id, limit=1)
    assert seen == ["once more"]
    assert (entry.action, entry.count) == ("dead_letters.redrive", 1)
    assert entry.reason == "the model is back"


async def _until_processed(page: Page, seen: list[str]) -> None:
    for _ in range(200):
        if seen:
            return
        await page.wait_for_timeout(50)
    raise AssertionError("the worker did not get the message")


async def test_more_than_a_hundred_must_be_typed_and_progress_is_live_and_stopped(
    page: Page, site: Site
) -> None:
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as conn:
        await file_letters(conn, site.workspace_id, 300, error="SlowError", message="too many")
        await page.goto(HOME)
        await page.get_by_role("link", name="SlowError").click()
        await page.get_by_role("link", name="Discard all that match").click()
        button = page.get_by_role("button", name="Discard 300")
        await page.get_by_label("Reason").fill("not needed")
        await page.get_by_label("At most so many a second").fill("20")
        await expect(button).to_be_disabled()
        await page.get_by_label("Type 300").fill("300")
        # Two clicks before the page goes: one operation.
        await button.dblclick()
        await page.wait_for_url(re.compile("/operations/"))
        done = page.locator(".stats dd").first
        await expect(done).not_to_have_text("0")
        first = await done.inner_text()
        await expect(done).not_to_have_text(first)  # without loading the page again
        await check_here(page, "dead-letters-running")
        await page.get_by_role("button", name="Stop it").click()
        await page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
        await expect(page.get_by_text("cancelled", exact=True)).to_be_visible()
        totals = [int(text) for text in await page.locator(".stats dd").all_inner_texts()]
        rows = await conn.execute(
            "SELECT count(*) FROM operations WHERE reason = 'not needed'"
            " UNION ALL SELECT count(*) FROM dead_letters WHERE error = 'SlowError'"
        )
        assert await rows.fetchall() == [(1,), (totals[1],)]
    assert totals[0] + totals[1] == totals[3] == 300


async def test_a_large_payload_and_an_endless_traceback_are_cut_and_downloadable(
    page: Page, site: Site, tmp_path: Path
) -> None:
    frames = '  File "/app/shared/graph/deep.py", line 1, in dive\n    dive()\n' * 10_000
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as conn:
        [letter] = await file_letters(
            conn, site.workspace_id, queue="summary_generation", error="RecursionError",
            payload={"content": "word " * 1_000_000}, traceback=f"{frames}RecursionError: deep",
        )  # fmt: skip
    await page.goto(f"{HOME}/letters/summary_generation/{letter}")

    await expect(page.locator(".frames li")).to_have_count(100)
    await expect(page.get_by_text("9,900 older calls")).to_be_visible()
    assert len(await page.content()) < 200_000
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download all of it (5.0 MB)").click()
    await (await downloading.value).save_as(tmp_path / "payload.json")
    assert json.loads((tmp_path / "payload.json").read_text())["content"] == "word " * 1_000_000


async def test_a_viewer_sees_letters_and_is_offered_no_change(viewer: Page) -> None:
    await viewer.goto(f"{HOME}/letters?queue=pattern_detection")

    await expect(viewer.get_by_role("link", name="KeyError").first).to_be_visible()
    await expect(viewer.get_by_text(re.compile("Redrive (all|the ticked)"))).to_have_count(0)
    await expect(viewer.locator("main input[type=checkbox]")).to_have_count(0)


async def test_an_address_pasted_elsewhere_shows_the_same(page: Page, viewer: Page) -> None:
    await page.goto(f"{HOME}/letters?queue=memory_ingestion")
    await page.get_by_label("Message contains").fill("MODEL")
    await page.get_by_role("button", name="Apply").click()
    await page.get_by_role("link", name="Older").click()

    await viewer.goto(page.url)

    rows = page.locator("tbody tr td.nowrap")
    assert (
        await rows.all_inner_texts() == await viewer.locator("tbody tr td.nowrap").all_inner_texts()
    )
    await expect(rows).to_have_count(30)


async def test_an_administrator_looks_at_a_hostile_letter_raw(stranger: Page, site: Site) -> None:
    async with await AsyncConnection.connect(site.dsn, autocommit=True) as conn:
        [letter] = await file_letters(
            conn, site.workspace_id, error="RawError",
            payload={"password": "hunter2", "text": "<img src=x onerror=alert(1)>"},
        )  # fmt: skip
        key = await create_key(
            conn, workspace_id=site.workspace_id, user_id=site.user_id, name="admin",
            scopes=("read", "admin"),
        )  # fmt: skip
    await log_in(stranger, key, f"{HOME}/letters/memory_ingestion/{letter}")
    await stranger.get_by_role("button", name="Show raw…").click()
    await stranger.get_by_role("dialog").get_by_role("button", name="Show raw…").click()

    await expect(stranger.locator("main")).to_contain_text('"password": "hunter2"')
    await expect(stranger.locator("main")).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(stranger.locator("main img")).to_have_count(0)
    await check_here(stranger, "dead-letters-raw")
    async with stranger.expect_download() as started:
        await stranger.get_by_role("button", name="Download what the API answers").click()
    assert "hunter2" in (await (await started.value).path()).read_text()
