"""`supastate dlq`: dead letters of the workspace, over the API."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from cli.commands.completing import complete_queue

if TYPE_CHECKING:
    from pydantic import JsonValue

    from cli.dead_letters import Chosen

app = typer.Typer(
    no_args_is_help=True, help="Dead letters: what failed, why, and putting it back or away."
)

Queue = Annotated[
    str,
    typer.Argument(help="memory_ingestion, pattern_detection, …", autocompletion=complete_queue),
]
OfQueue = Annotated[
    str | None,
    typer.Option("--queue", help="Only of this queue.", autocompletion=complete_queue),
]
Group = Annotated[str | None, typer.Option(help="Only of this group, as `dlq groups` shows it.")]
Error = Annotated[str | None, typer.Option(help="Only this class of error.")]
Contains = Annotated[str | None, typer.Option(help="Only with this in the error's message.")]
Since = Annotated[str | None, typer.Option(help="Died since: 90m, 2h, 7d, 2026-01-31T12:00Z.")]
Until = Annotated[str | None, typer.Option(help="Died before.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=100)]
Before = Annotated[str | None, typer.Option(help="The `next` of the page before.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]…", help="Ids of dead letters.")]
Every = Annotated[bool, typer.Option("--all", help="All of the queue.")]
Reason = Annotated[str, typer.Option(help="Why; it is noted.", prompt="Why (it is noted)")]
Rate = Annotated[float | None, typer.Option(help="At most so many a second.", min=0.01)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which and how many.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")]
OperationId = Annotated[UUID, typer.Argument(help="As `dlq operations` shows it.")]


class Part(StrEnum):
    """What a letter holds that may be long."""

    payload = "payload"
    traceback = "traceback"


@app.command("groups")
def groups(
    queue: OfQueue = None, limit: Limit = 20, before: Before = None, as_json: AsJson = False
) -> None:
    """Show what failed of the same: error, message, our last call, how many, since when."""
    _show("/api/dead-letters/groups", as_json, queue=queue, limit=limit, before=before)


@app.command("list")
def list_letters(
    queue: OfQueue = None,
    group: Group = None,
    error: Error = None,
    contains: Contains = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    before: Before = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first."""
    from cli.dead_letters import read_moment

    _show(
        "/api/dead-letters", as_json, queue=queue, group=group, error=error, contains=contains,
        since=read_moment(since), until=read_moment(until), limit=limit, before=before,
    )  # fmt: skip


@app.command("show")
def show(
    queue: Queue,
    letter_id: Annotated[int, typer.Argument(metavar="ID")],
    raw: Annotated[
        bool, typer.Option("--raw", help="As it is stored, secrets included; who looks is noted.")
    ] = False,
    part: Annotated[
        Part | None, typer.Option(help="Print all of this, without secrets, and nothing else.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: its error, where it comes from, and what it holds."""
    from urllib.parse import quote

    from cli.downloading import print_file

    path = f"/api/dead-letters/{quote(queue, safe='')}/{letter_id}"
    if part:
        print_file(f"{path}/{part.value}")
    elif raw:
        _post(f"{path}/raw", as_json)
    else:
        _show(path, as_json)


@app.command("redrive")
def redrive(
    queue: Queue,
    ids: Ids = None,
    every: Every = False,
    group: Group = None,
    error: Error = None,
    contains: Contains = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    rate: Rate = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into their queue; they start again with no attempt used.

    Without ids all that match are meant, but only those that are dead when it is previewed.
    """
    from cli.dead_letters import Chosen

    chosen = Chosen.read(
        queue, ids, every, group=group, error=error, contains=contains, since=since, until=until
    )
    _operate("redrive", chosen, reason, rate, (dry_run, yes, wait, as_json))


@app.command("discard")
def discard(
    queue: Queue,
    ids: Ids = None,
    every: Every = False,
    group: Group = None,
    error: Error = None,
    contains: Contains = None,
    since: Since = None,
    until: Until = None,
    reason: Reason = "",
    rate: Rate = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Move dead letters to the archive of their dead letter queue; they are not tried again."""
    from cli.dead_letters import Chosen

    chosen = Chosen.read(
        queue, ids, every, group=group, error=error, contains=contains, since=since, until=until
    )
    _operate("discard", chosen, reason, rate, (dry_run, yes, wait, as_json))


@app.command("operations")
def operations(
    operation_id: Annotated[UUID | None, typer.Argument(show_default="the newest")] = None,
    limit: Limit = 20,
    before: Before = None,
    as_json: AsJson = False,
) -> None:
    """Show redrives and discards, and how far they are."""
    if operation_id:
        _show(f"/api/operations/{operation_id}", as_json)
    else:
        _show("/api/operations", as_json, limit=limit, before=before)


@app.command("cancel")
def cancel(operation_id: OperationId, as_json: AsJson = False) -> None:
    """Stop a redrive or discard where it is; what it has moved stays moved."""
    _post(f"/api/operations/{operation_id}/cancel", as_json)


def _operate(
    kind: Literal["redrive", "discard"],
    chosen: Chosen,
    reason: str,
    rate: float | None,
    flags: tuple[bool, bool, bool, bool],
) -> None:
    from cli.api_client import ApiClient, Patience
    from cli.connection import find_api
    from cli.dead_letters import confirm, follow, preview, start
    from cli.views.dead_letters import has_failed, show_preview

    dry_run, is_sure, wait, as_json = flags
    with ApiClient(find_api(), Patience(total_seconds=10)) as client:
        seen = preview(client, kind, chosen)
        if dry_run:
            _print(seen, as_json)
            return
        if not is_sure:
            show_preview(seen, to_error=True)
            confirm(kind, seen)
        operation = start(client, kind, chosen, seen, reason=reason, rate=rate)
        if wait:
            operation = follow(client, operation)
    _print(operation, as_json)
    if has_failed(operation):
        raise typer.Exit(1)


def _show(path: str, as_json: bool, **params: str | int | None) -> None:
    from cli.api_client import ApiClient
    from cli.connection import find_api

    with ApiClient(find_api()) as client:
        _print(client.get(path, params), as_json)


def _post(path: str, as_json: bool) -> None:
    from cli.api_client import ApiClient
    from cli.connection import find_api

    with ApiClient(find_api()) as client:
        _print(client.post(path, {}), as_json)


def _print(answer: JsonValue, as_json: bool) -> None:
    from cli.terminal import out, print_json
    from cli.views.dead_letters import show_answer

    if as_json:
        print_json(answer)
    else:
        out().print(show_answer(answer))
