"""One bad item never fails its batch."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.ingest.isolation import run_isolated
from shared.errors import DependencyDownError


class Batches:
    """Work that refuses some items and keeps what it did."""

    def __init__(self, *bad: int) -> None:
        self.bad = set(bad)
        self.done: set[int] = set()
        self.calls = 0

    async def __call__(self, items: Sequence[int]) -> None:
        self.calls += 1
        if found := self.bad.intersection(items):
            raise ValueError(f"bad: {min(found)}")
        self.done |= set(items)


@pytest.mark.parametrize("bad", [(), (0,), (99,), (17, 18), tuple(range(0, 100, 10))])
async def test_the_good_items_are_done_and_the_bad_are_named(bad: tuple[int, ...]) -> None:
    work = Batches(*bad)
    failed = await run_isolated(range(100), work)

    assert [(item, str(error)) for item, error in failed] == [(i, f"bad: {i}") for i in bad]
    assert work.done == set(range(100)) - set(bad)


async def test_one_bad_item_of_a_hundred_costs_few_repetitions() -> None:
    work = Batches(42)
    await run_isolated(range(100), work)

    assert work.calls <= 15


async def test_nothing_to_do_is_not_done() -> None:
    work = Batches()

    assert await run_isolated([], work) == []
    assert work.calls == 0


async def test_a_server_that_is_down_blames_no_item() -> None:
    async def work(items: Sequence[int]) -> None:
        raise DependencyDownError("Neo4j", "connection refused")

    with pytest.raises(DependencyDownError):
        await run_isolated([1, 2], work)
