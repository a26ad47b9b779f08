"""Lets detection that nobody waits for leave the servers to those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from shared.messages import JOB_ID_HEADER


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of its time a request works: from 0, excluded, to 1, without any rest."""

    share: float = 1.0

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Rest after a piece of work, so that the share is kept."""
        started = monotonic()
        yield
        if self.share < 1.0:
            await asyncio.sleep((monotonic() - started) * (1.0 / self.share - 1.0))


FULL: Final = Pace()


def choose_pace(headers: Mapping[str, Any], share: float) -> Pace:
    """Return the pace of a request: a person waits for what belongs to a job."""
    return FULL if JOB_ID_HEADER in headers else Pace(share)
