"""A person without a mouse."""

from __future__ import annotations

from playwright.async_api import Locator, Page

MOST_STEPS = 80
HAS_FOCUS = "(one) => one === document.activeElement"


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(MOST_STEPS):
        await page.keyboard.press("Tab")
        if await target.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"Tab does not lead to {target}")


async def press(page: Page, target: Locator, key: str) -> None:
    """Go there by Tab, and press a key."""
    await tab_to(page, target)
    await page.keyboard.press(key)
