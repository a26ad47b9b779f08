"""Tells the demo: start, import, wait, results, and how to go on."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from cli.api_client import PATIENT, ApiClient
from cli.connection import API_KEY, API_URL, find_api
from cli.demo.input import find_sources
from cli.demo.picture import PICTURE
from cli.demo.results import show_results
from cli.importing.report import show_report
from cli.importing.run import import_source, wait_for_queues
from cli.importing.sources import Source
from cli.local_stack import LocalStack
from cli.local_stack.display import StartDisplay
from cli.queues import count_dead, read_queues
from cli.terminal import out, plain

DRAIN_TIMEOUT_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for; None leaves the choice to the demo."""

    sessions: Path | None
    repository: Path | None
    keep: bool
    home: Path | None


def tell(wishes: Wishes) -> None:
    """Run the demo from start to end.

    Raises:
        CommandError, StackError: what stopped it, with the next step.
    """
    began = time.monotonic()
    console = out()
    console.print(PICTURE, markup=False)
    _chapter(console, "Input")
    sources = find_sources(wishes.sessions, wishes.repository)
    _chapter(console, "Start")
    stack = _start(wishes.home)
    try:
        with ApiClient(find_api(), PATIENT) as client:
            _chapter(console, "Import")
            _import_all(client, sources)
            show_results(client)
    except KeyboardInterrupt:
        console.print(_how_to_stop(wishes) if wishes.keep else "")
        raise
    finally:
        if not wishes.keep:
            _stop(stack)
    console.print(plain(f"\nDone in {time.monotonic() - began:.0f} s.", "bold"))
    console.print(_how_to_go_on(wishes, stack) if wishes.keep else "Everything is stopped.")


def _start(home: Path | None) -> LocalStack:
    """Start what does not run yet, and let all that follows speak with this stack."""
    with StartDisplay(out()) as display:
        stack = LocalStack(home, display)
        stack.start()
    os.environ.update(stack.settings())
    return stack


def _stop(stack: LocalStack) -> None:
    with StartDisplay(out()) as display:
        LocalStack(stack.home.root, display).stop()


def _import_all(client: ApiClient, sources: Sequence[Source]) -> None:
    dead_before = count_dead(read_queues(client))
    tallies = [import_source(client, source) for source in sources]
    for tally in tallies:
        out().print(show_report(tally))
    wait_for_queues(client, dead_before, DRAIN_TIMEOUT_SECONDS)


def _how_to_go_on(wishes: Wishes, stack: LocalStack) -> str:
    command = _command(wishes)
    return (
        f"It keeps running; its data is in {stack.home.root}.\n"
        f"  {stack.settings()[API_URL]}/dashboard     see all of it in a browser;\n"
        f"  {command} local env      shows {API_KEY}, which logs you in\n"
        f'  {command} search "…"     ask it something\n'
        f"  {command} patterns       all patterns with their evidence\n"
        f"  {command} trace          the newest message's way\n"
        f"  {command} local status   what runs, and where\n" + _how_to_stop(wishes)
    )


def _how_to_stop(wishes: Wishes) -> str:
    return f"  {_command(wishes)} local down     stop it; the data stays"


def _command(wishes: Wishes) -> str:
    """Return how to call the command line for this stack."""
    home = f"SUPASTATE_HOME={wishes.home} " if wishes.home else ""
    return f"{home}./supastate"


def _chapter(console: Console, title: str) -> None:
    console.rule(f"[bold]{title}", align="left")
