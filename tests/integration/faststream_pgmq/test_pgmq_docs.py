"""Every example of the documentation does what it says, against a real database."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq.overview import overview
from tests.integration.faststream_pgmq.pages import Page, read_page
from tests.integration.faststream_pgmq.support import eventually

PAGES = sorted(one.name for one in files("faststream_pgmq").joinpath("docs").iterdir())
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", [one for one in PAGES if one not in {"conformance.md"}])
async def test_the_examples_of_a_page_run(
    page: str,
    dsn: str,
    sql: AsyncConnection[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", dsn)
    examples = Page(f"docs/{page}", dsn, sql, tmp_path)
    try:
        assert await examples.run() > 0 or page == "delivery.md"
        tests = [one for name, one in examples.names.items() if name.startswith("test_")]
        for test in tests:
            await test()
        if not tests:
            await handle_everything(examples, sql)
    finally:
        for broker in examples.brokers:
            await broker.stop()


async def handle_everything(examples: Page, sql: AsyncConnection[Any]) -> None:
    """Let the page's handlers do what its examples sent."""
    for broker in examples.brokers:
        await broker.start()
    read = {one.queue for broker in examples.brokers for one in broker.subscribers if one.calls}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]

    async def nothing_left() -> bool:
        queues = [one for one in await overview(sql) if one.queue in read]
        return all(one.ready == one.in_flight == 0 for one in queues)

    await eventually(nothing_left)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{one}" for one in PAGES)])
def test_every_link_leads_somewhere(page: str) -> None:
    package = files("faststream_pgmq")
    folder = package.joinpath("docs") if page.startswith("docs/") else package
    for target in LINK.findall(read_page(page)):
        assert folder.joinpath(target).is_file() or folder.joinpath(target).is_dir(), target
