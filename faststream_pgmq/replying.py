"""Where answers to requests go, and how somebody waits for one. Pure.

An address is `inbox/number`. It is no queue: nothing is created for it, so nothing is left behind
when its requester dies; see sql/60_replies.sql.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Generator

    from faststream_pgmq.delivery import Delivery

PREFIX: Final = "pgmq_reply."
TEMPORARY: Final = "(temporary)"
"""The name of every address in metrics and spans, where one for each request would be too many."""


def is_reply_address(destination: str) -> bool:
    """Return whether this is the address of a requester; queue names have no slash."""
    return destination.startswith(PREFIX) and "/" in destination


def display_name(destination: str) -> str:
    """Return a destination's name for metrics and spans: few, whatever the number of requests."""
    return TEMPORARY if is_reply_address(destination) else destination


class Waiting:
    """The requests of one process that are not answered yet."""

    def __init__(self) -> None:
        self.inbox = f"{PREFIX}{uuid4().hex}"
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[Delivery]] = {}

    @property
    def is_anybody(self) -> bool:
        return bool(self._answers)

    @contextmanager
    def one(self) -> Generator[tuple[str, asyncio.Future[Delivery]]]:
        """Give a new address, and what will hold the answer that is sent there."""
        address = f"{self.inbox}/{next(self._numbers)}"
        answer = asyncio.get_running_loop().create_future()
        self._answers[address] = answer
        try:
            yield address, answer
        finally:
            del self._answers[address]

    def take(self, address: str, reply: Delivery) -> None:
        """Hand an answer to who waits for it; one that is late, or the second one, to nobody."""
        answer = self._answers.get(address)
        if answer is not None and not answer.done():
            answer.set_result(reply)
