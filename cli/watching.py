"""Shows an answer of the API once, or anew every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pydantic import JsonValue
from rich.console import RenderableType
from rich.live import Live

from cli.api_client import PATIENT, ApiClient
from cli.connection import find_api
from cli.errors import UsageError
from cli.terminal import out, print_json

EVERY_SECONDS: Final = 2.0
"""The API's figures change every ten seconds; its counts at once."""

Read = Callable[[ApiClient], JsonValue]
Show = Callable[[JsonValue], RenderableType]


def show_answer(read: Read, show: Show, *, watch: bool, as_json: bool) -> None:
    """Print what `read` answers.

    Raises:
        UsageError: JSON cannot be watched.
    """
    if watch and as_json:
        raise UsageError("--watch draws on a terminal", next_step="Leave out --watch or --json.")
    if watch:
        _watch(read, show)
        return
    with ApiClient(find_api()) as client:
        answer = read(client)
    if as_json:
        print_json(answer)
    else:
        out().print(show(answer))


def _watch(read: Read, show: Show) -> None:
    with (
        ApiClient(find_api(), PATIENT) as client,
        suppress(KeyboardInterrupt),
        Live(show(read(client)), console=out(), auto_refresh=False) as live,
    ):
        while True:
            time.sleep(EVERY_SECONDS)
            live.update(show(read(client)), refresh=True)
