"""What every page must pass: accessible, 360 px wide, in both themes, without a complaint."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Page

from services.api.dashboard.registry import ROOT

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "screenshots"
AXE = Path(__file__).with_name("vendor") / "axe-4.14.1.min.js"
CONTRAST = ["color-contrast"]
"""All that a theme changes."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES: Final[list[tuple[Literal["dark", "light"], list[str]]]] = [
    ("dark", CONTRAST),
    ("light", RULES),
]
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}
FIND_OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > width + 1)
    .filter((one) => !one.closest(".table-wrap, .tabs, nav.pages, pre"))
    .map((one) => one.outerHTML.slice(0, 120))
    .slice(0, 5)
    .concat(`${document.documentElement.scrollWidth} px wide`);
}"""


FIND_WORDLESS = """() => [...document.querySelectorAll(".badge")]
  .filter((one) => !one.innerText.trim())
  .map((one) => one.outerHTML.slice(0, 120))"""


async def check_page(page: Page, path: str, name: str | None = None) -> None:
    """Open the path and pass it through all checks; leaves three screenshots.

    What the browser complains of, a policy violation too, fails the test at its end.
    """
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    plain = path.partition("?")[0].removeprefix(f"{ROOT}/").replace("/", "-")
    await check_here(page, name or plain)


async def check_here(page: Page, name: str) -> None:
    """Pass what is on the screen through all checks."""
    wordless = await page.evaluate(FIND_WORDLESS)
    assert not wordless, "\n".join([f"{name} says something by colour alone:", *wordless])
    for theme, rules in THEMES:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await _expect_no_faults(page, f"{name}-{theme}", rules)
    await page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    wide = await page.evaluate(FIND_OVERFLOW)
    assert not wide, "\n".join([f"{name} is wider than a phone:", *wide])
    await _expect_no_faults(page, f"{name}-narrow", RULES)
    await page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})


async def _expect_no_faults(page: Page, name: str, rules: list[str]) -> None:
    faults = await find_faults(page, rules)
    assert not faults, "\n".join([f"{name}:", *faults])
    await take_screenshot(page, name)


async def find_faults(page: Page, rules: list[str]) -> list[str]:
    """Return what axe finds wrong, one line a fault, with the element and why."""
    if not await page.evaluate("() => Boolean(window.axe)"):
        await page.evaluate(_axe())
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    result: dict[str, Any] = await page.evaluate("(options) => axe.run(options)", options)
    return [
        f"{violation['id']}: {node['html'][:160]} – {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


async def take_screenshot(page: Page, name: str) -> Path:
    """Keep what the page looks like now."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    await page.screenshot(path=path, full_page=True)
    return path


@cache
def _axe() -> str:
    return AXE.read_text()
