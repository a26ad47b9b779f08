"""Logging in and out, and what is remembered of it."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import log_in
from tests.browser.looking import check_here, check_page
from tests.browser.world import Site


async def test_the_login_is_clear_to_everybody(stranger: Page) -> None:
    await check_page(stranger, "/dashboard/login")


async def test_a_wrong_key_is_told_so_on_the_form(stranger: Page, complaints: list[str]) -> None:
    await stranger.goto("/dashboard/login")
    await stranger.get_by_label("API key").fill("sst_wrong")
    await stranger.get_by_role("button", name="Log in").click()

    await stranger.get_by_role("alert").get_by_text("not a valid key").wait_for()
    assert await stranger.get_by_label("API key").input_value() == ""
    await check_here(stranger, "login-refused")
    complaints.clear()  # the 401 itself


async def test_who_follows_a_link_gets_there_after_the_login(stranger: Page, site: Site) -> None:
    await log_in(stranger, site.key, "/dashboard?x=1")

    await expect(stranger).to_have_url(re.compile("/dashboard"))


async def test_a_script_cannot_read_the_session(stranger: Page, site: Site) -> None:
    await log_in(stranger, site.key)

    [cookie] = await stranger.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Lax")
    assert await stranger.evaluate("document.cookie") == ""
    assert site.key not in str(cookie)


async def test_who_logs_out_is_out(stranger: Page, site: Site) -> None:
    await log_in(stranger, site.key)
    await stranger.locator("summary", has_text="Session of").click()
    await stranger.get_by_role("button", name="Log out").click()
    await stranger.get_by_label("API key").wait_for()
    await stranger.goto("/dashboard")

    await expect(stranger.get_by_label("API key")).to_be_visible()
