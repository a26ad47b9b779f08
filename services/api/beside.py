"""Tasks that run beside the requests of a process, as long as it serves."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from faststream_pgmq.crew import Crew

log = logging.getLogger(__name__)


@asynccontextmanager
async def beside(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncGenerator[None]:
    """Do all of these meanwhile, and end them at the end of the block.

    One that an error ends is told, and begun anew: the process serves on without it.
    """
    crew = Crew(_tell_end)
    for work in works:
        crew.employ(work)
    try:
        yield
    finally:
        await crew.end()


def _tell_end(what: str, error: BaseException | None) -> None:
    log.error("%s has ended and is begun anew", what, exc_info=error)
