"""Runs an import from its first file to drained queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from cli.api_client import PATIENT, ApiClient
from cli.connection import find_api
from cli.errors import CommandError
from cli.importing.progress import draining_progress, reading_progress
from cli.importing.report import show_report
from cli.importing.sending import send_records
from cli.importing.sources import Source
from cli.importing.tally import Tally
from cli.queues import count_dead, read_queues, wait_until_drained
from cli.terminal import err, out, plain, print_json

DEAD_LETTER_HINT = (
    "were given up and lie among the dead letters; `supastate jobs` says why. Nothing else waits "
    "for them."
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for beside the source."""

    wait: bool = False
    timeout_seconds: float = 1800.0
    as_json: bool = False


def run_import(sources: Sequence[Source], options: Options) -> None:
    """Import the sources one after the other, report, and wait if asked to.

    Raises:
        CommandError: nothing could be imported, the API stayed away, or the wait was too long.
    """
    with ApiClient(find_api(), PATIENT) as client:
        client.check()
        dead_before = count_dead(read_queues(client)) if options.wait else 0
        tallies = [import_source(client, source) for source in sources]
        if not options.as_json:
            for tally in tallies:
                out().print(show_report(tally))
        dead = wait_for_queues(client, dead_before, options.timeout_seconds) if options.wait else 0
    if options.as_json:
        print_json(_to_json(tallies, dead if options.wait else None))
    if not any(tally.taken for tally in tallies):
        raise CommandError("nothing of this could be imported", next_step="The report says why.")


def import_source(client: ApiClient, source: Source) -> Tally:
    """Send one source and return what became of it.

    Raises:
        CommandError: the API stayed away or refuses the key; what was sent stays.
    """
    tally = source.start()
    try:
        with reading_progress(source, tally) as move:
            records = source.read(tally.reading)
            send_records(client, records, tally, on_progress=move, locate=source.locate)
    except (CommandError, KeyboardInterrupt):
        sent = f"Stopped after {tally.taken} of the {source.title}. "
        err().print(plain(sent + "What was sent stays; run it again to go on.", "yellow"))
        raise
    return tally


def wait_for_queues(client: ApiClient, dead_before: int, timeout_seconds: float) -> int:
    """Return how many messages were given up meanwhile, once the queues have drained.

    Raises:
        NotDrainedError: it took too long.
    """
    with draining_progress(dead_before) as show:
        counts = wait_until_drained(
            lambda: read_queues(client), show, timeout_seconds=timeout_seconds
        )
    dead = count_dead(counts) - dead_before
    if dead > 0:
        err().print(plain(f"{dead} messages {DEAD_LETTER_HINT}", "red"))
    return max(dead, 0)


def _to_json(tallies: Sequence[Tally], dead: int | None) -> JsonValue:
    report: dict[str, JsonValue] = {"sources": [tally.to_json() for tally in tallies]}
    if dead is not None:
        report["dead_letters"] = dead
    return report
