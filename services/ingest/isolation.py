"""Keeps one bad item from failing its batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.errors import DependencyDownError

Item = TypeVar("Item")


async def run_isolated(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Awaitable[None]]
) -> list[tuple[Item, Exception]]:
    """Run `work` over all items, over halves where it fails, and return the items that fail alone.

    `work` must be safe to repeat: after a failure the good items go through it again.

    Raises:
        DependencyDownError: no item is to blame, so none is singled out.
    """
    if not items:
        return []
    try:
        await work(items)
    except DependencyDownError:
        raise
    except Exception as error:  # noqa: BLE001  # the item's own; the broker judges it by its class
        if len(items) == 1:
            return [(items[0], error)]
        middle = len(items) // 2
        first = await run_isolated(items[:middle], work)
        return first + await run_isolated(items[middle:], work)
    return []
