"""Tasks that run beside the requests of a process, as long as it serves."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from faststream_pgmq.crew import Crew, telling

log = logging.getLogger(__name__)


@asynccontextmanager
async def beside(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncGenerator[None]:
    """Do all of these meanwhile, and end them at the end of the block.

    One that an error ends is told, and begun anew: the process serves on without it.
    """
    crew = Crew(telling(log))
    for work in works:
        crew.employ(work)
    try:
        yield
    finally:
        await crew.end()
