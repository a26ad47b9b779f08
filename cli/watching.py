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
from cli.terminal import out, print_json, print_json_line

EVERY_SECONDS: Final = 2.0
"""The API's figures change every ten seconds; its counts at once."""

Read = Callable[[ApiClient], JsonValue]
Show = Callable[[JsonValue], RenderableType]


def show_answer(read: Read, show: Show, *, watch: bool, as_json: bool) -> None:
    """Print what `read` answers; watched JSON is a line for each look."""
    if watch and as_json:
        return _watch_json(read)
    if watch:
        return _watch(read, show)
    with ApiClient(find_api()) as client:
        answer = read(client)
    if as_json:
        return print_json(answer)
    return out().print(show(answer))


def _watch_json(read: Read) -> None:
    with ApiClient(find_api(), PATIENT) as client, suppress(KeyboardInterrupt):
        while True:
            print_json_line(read(client))
            time.sleep(EVERY_SECONDS)


def _watch(read: Read, show: Show) -> None:
    with (
        ApiClient(find_api(), PATIENT) as client,
        suppress(KeyboardInterrupt),
        Live(show(read(client)), console=out(), auto_refresh=False) as live,
    ):
        while True:
            time.sleep(EVERY_SECONDS)
            live.update(show(read(client)), refresh=True)
