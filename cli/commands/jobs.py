"""`supastate jobs`: what was asked for, how far it is, and cancelling it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from typer.core import TyperGroup

from cli.commands.completing import complete_queue

SHOW = "show"


class ShowUnlessNamed(TyperGroup):
    """`supastate jobs`, `supastate jobs ID` and `supastate jobs --state dead` show jobs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer names its type nowhere
        """Return the arguments, with the command that goes without saying."""
        is_named = bool(args) and (args[0] in self.commands or args[0] in ("-h", "--help"))
        is_open = not args and ctx.resilient_parsing  # the shell completes the first word
        return super().parse_args(ctx, args if is_named or is_open else [SHOW, *args])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands, and what may follow the one that goes without saying."""
        show = self.commands[SHOW]
        with show.make_context(SHOW, [], parent=ctx, resilient_parsing=True) as unsaid:
            return [
                *super().shell_complete(ctx, incomplete),
                *show.shell_complete(unsaid, incomplete),
            ]


app = typer.Typer(
    cls=ShowUnlessNamed,
    help="Show how far jobs are and what was given up, or cancel one. "
    "Without a command it shows: `supastate jobs --state dead`, `supastate jobs ID --watch`; "
    "`supastate jobs show --help` lists the filters.",
)


class State(StrEnum):
    """How a job is."""

    waiting = "waiting"
    running = "running"
    retrying = "retrying"
    done = "done"
    cancelled = "cancelled"
    dead = "dead"


class Place(StrEnum):
    """Where a message is."""

    queue = "queue"
    archive = "archive"
    dead = "dead"


JobId = Annotated[UUID, typer.Argument(help="The id that `supastate jobs` shows.")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's answer.")]
AlwaysJson = Annotated[bool, typer.Option("--json", help="It is JSON in any case.")]


@app.command(SHOW)
def show(
    job_id: Annotated[UUID | None, typer.Argument(show_default="the newest jobs")] = None,
    state: Annotated[State | None, typer.Option(help="Only jobs of this state.")] = None,
    queue: Annotated[
        str | None,
        typer.Option(help="Only jobs that began in this queue.", autocompletion=complete_queue),
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only jobs of this project.")] = None,
    search: Annotated[
        str | None,
        typer.Option(
            help='Only jobs with such a message: args.limit:1000, args.reason:"two words".'
        ),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only jobs from here on, in this machine's time.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only jobs before, in this machine's time.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only of this kind: memory, code, removal, patterns, …")
    ] = None,
    user: Annotated[UUID | None, typer.Option(help="Only what this user asked for.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    before: Annotated[
        str | None, typer.Option(help="The `next` of the page before.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it ends, or Ctrl+C.")] = False,
    as_json: Json = False,
) -> None:
    """Show jobs, the newest first, or one job with its messages."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.views.job_watching import watch_job, watch_jobs
    from cli.views.jobs import Wanted, print_jobs

    wanted = Wanted(
        state,
        queue,
        project,
        search,
        since and since.astimezone(),
        limit,
        until and until.astimezone(),
        kind,
        user,
        before,
    )
    with ApiClient(find_api()) as client:
        if not watch:
            print_jobs(client, job_id, wanted, as_json=as_json)
        elif job_id:
            watch_job(client, job_id, as_json=as_json)
        else:
            watch_jobs(client, wanted, as_json=as_json)


@app.command("message")
def message(
    job_id: JobId,
    queue: Annotated[str, typer.Argument(help="Its queue.", autocompletion=complete_queue)],
    place: Annotated[Place, typer.Argument(help="Where it is.")],
    message_id: Annotated[int, typer.Argument(metavar="ID", help="Its id.")],
    as_json: AlwaysJson = False,
) -> None:
    """Print a message of a job whole, as JSON without secrets; `show --json` names its place."""
    del as_json
    from urllib.parse import quote

    from cli.downloading import print_file

    where = f"{quote(queue, safe='')}/{place.value}/{message_id}"
    print_file(f"/api/jobs/{job_id}/messages/{where}")


@app.command("cancel")
def cancel(
    job_ids: Annotated[
        list[UUID], typer.Argument(metavar="ID", help="The ids that `supastate jobs` shows.")
    ],
    reason: Annotated[str, typer.Option(help="Kept in the audit log.")] = "",
    as_json: Json = False,
) -> None:
    """Cancel what is left of jobs; what a worker has in hand is finished, not tried again.

    Of several, one that cannot be cancelled is told and does not keep the others; the exit code is
    1 then. As JSON several are a list, in which such a one has an `error`.
    """
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.views.job_cancelling import cancel_each, cancel_one

    with ApiClient(find_api()) as client:
        first, *others = dict.fromkeys(job_ids)
        if others:
            cancel_each(client, [first, *others], reason, as_json=as_json)
        else:
            cancel_one(client, first, reason, as_json=as_json)
