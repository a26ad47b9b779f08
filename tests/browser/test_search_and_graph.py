"""The pages Search and Graph in a real browser, on real and hostile content."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.looking import check_here, check_page
from tests.browser.seeds.search import CRASH, HOSTILE, PARSER, PATTERN

MEMORY = f"/dashboard/search/memory/{CRASH}"
IN_GRAPH = f"/dashboard/graph/memory/{CRASH}"
COUNT = "() => document.getElementById('graph').graph.nodes().length"
VISIBLE = "() => document.getElementById('graph').graph.nodes(':visible').length"
PLACES = """() => {
  const nodes = document.getElementById("graph").graph.nodes();
  return nodes.map((node) => [node.id(), node.position()]);
}"""
TAP = """(id) => {
  document.getElementById("graph").graph.getElementById(id).emit("tap");
}"""


async def test_results_show_why_and_lead_to_the_memory(page: Page) -> None:
    await page.goto("/dashboard/search")
    await page.get_by_label("Words").fill("why does the PARSER crash")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".hit")).not_to_have_count(0)
    first = page.locator(".hit").first
    await expect(first.locator("mark", has_text="parser").first).to_be_visible()
    await first.locator("summary").click()
    await expect(first.locator("dl")).to_contain_text("place 1")
    await check_here(page, "search-results")

    await page.goto(f"{page.url}&project=shop&type=memory")  # an address is the whole view
    await expect(page.get_by_label("Project")).to_have_value("shop")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="What the system did with it")).to_be_visible()


async def test_a_memory_and_a_file_are_told_whole_and_harm_nobody(page: Page) -> None:
    await check_page(page, MEMORY)
    await expect(page.get_by_role("region", name="The text")).to_contain_text(HOSTILE)
    tied = page.get_by_role("region", name="Memories and files")
    await expect(tied).to_contain_text("a tool call or commit names it")
    await expect(page.get_by_role("link", name="debugging-session")).to_be_visible()
    await check_page(page, f"/dashboard/search/code/{PARSER}")
    await expect(page.get_by_role("region", name="The text")).to_contain_text("def parse")


async def test_the_graph_begins_with_a_search(page: Page) -> None:
    await page.goto("/dashboard/graph")
    await expect(page.locator("#graph")).to_have_count(0)
    await page.get_by_label("Begin with").fill("parser crashes on empty input")
    await page.get_by_role("button", name="Apply").click()
    await page.locator("[data-row]").first.click()
    await expect(page.locator("#graph[data-ready]")).to_be_visible()


async def test_a_node_is_drawn_and_its_evidence_shown_as_text(page: Page) -> None:
    await page.goto(IN_GRAPH)
    await expect(page.locator("#graph[data-ready]")).to_be_visible()
    rows = await page.locator("#neighbours tr").count()
    assert await page.evaluate(COUNT) == rows + 1
    await page.evaluate(TAP, f"code:{PARSER}")
    panel = page.get_by_label("Evidence", exact=True)
    await expect(panel).to_contain_text("mentions · tool path")
    await expect(panel).to_contain_text("<script>alert(2)</script>")
    await panel.get_by_role("button", name="Show its neighbours").click()
    await expect(page.locator("#neighbours")).to_contain_text("shop/main.py")
    await check_here(page, "graph-node")


async def test_ties_and_time_narrow_the_picture_and_the_table_alike(page: Page) -> None:
    await page.goto("/dashboard/graph/project/shop")
    await expect(page.locator("#graph[data-ready]")).to_be_visible()
    await expect(page.get_by_text("narrow the time or the ties").first).to_be_visible()
    whole = await page.evaluate(VISIBLE)
    slider = page.get_by_label("Shown up to")
    await slider.focus()
    await page.keyboard.press("Home")
    await page.wait_for_function(f"(whole) => ({VISIBLE})() < whole", arg=whole)
    assert await page.locator("#neighbours tr:visible").count() < whole

    await page.goto(IN_GRAPH)
    await page.get_by_label("is evidence of").uncheck()
    await page.wait_for_url("**edge=references**")
    await expect(page.locator(f"[data-node='pattern:{PATTERN}']")).to_have_count(0)


async def test_the_same_address_draws_the_same_picture(page: Page) -> None:
    seen: list[object] = []
    for _ in range(2):
        await page.goto(IN_GRAPH)
        await expect(page.locator("#graph[data-ready]")).to_be_visible()
        seen.append(await page.evaluate(PLACES))
    assert seen[0] == seen[1]
