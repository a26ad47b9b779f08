"""`supastate queues`: whether each queue keeps up, and pausing one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.commands.completing import complete_queue
from cli.commands.patterns import FORMATS


class QueueNames(TyperGroup):
    """Takes what is no command for the name of a queue: `supastate queues memory_ingestion`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        named = args[0] not in self.commands
        return super().resolve_command(ctx, ["show", *args] if named else args)


app = typer.Typer(cls=QueueNames, invoke_without_command=True)

Name = Annotated[
    str,
    typer.Argument(
        help="A queue, as `supastate queues` lists them.", autocompletion=complete_queue
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer.")]
Watch = Annotated[
    bool,
    typer.Option("--watch", "-w", help="Show it anew until Ctrl-C; with --json a line each time."),
]


@app.callback()
def list_queues(context: typer.Context, watch: Watch = False, as_json: AsJson = False) -> None:
    """Show whether each queue keeps up; with the name of one, that queue over time."""
    if context.invoked_subcommand is not None:
        return
    from cli.views.queues import read_queues, show_queues
    from cli.watching import show_answer

    show_answer(read_queues, show_queues, watch=watch, as_json=as_json)


@app.command("show")
def show(
    name: Name,
    minutes: Annotated[int, typer.Option(min=1, max=20_160, help="How far to look back.")] = 60,
    begin: Annotated[
        datetime | None,
        typer.Option("--from", formats=FORMATS, help="Where to begin, instead of --minutes."),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=FORMATS, help="Where to end; else now.")
    ] = None,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Show one queue over time."""
    from functools import partial

    from cli.views.queue import read_queue, show_queue
    from cli.watching import show_answer

    read = partial(read_queue, name=name, minutes=minutes, begin=begin, end=end)
    show_answer(read, show_queue, watch=watch, as_json=as_json)


@app.command("pause")
def pause(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; whoever looks at the queue is told.")],
    as_json: AsJson = False,
) -> None:
    """Let nobody read a queue: what is sent to it waits."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, plain, print_json
    from cli.views.queues import has_changed, pause_queue

    with ApiClient(find_api()) as client:
        answer = pause_queue(client, name, reason)
    if as_json:
        print_json(answer)
        return
    said = "is paused" if has_changed(answer) else "was paused already; the reason is new"
    out().print(plain(f"{name} {said}. `supastate queues resume {name}` lets it go on."))


@app.command("resume")
def resume(name: Name, as_json: AsJson = False) -> None:
    """Let everybody read a queue again."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, plain, print_json
    from cli.views.queues import has_changed, resume_queue

    with ApiClient(find_api()) as client:
        answer = resume_queue(client, name)
    if as_json:
        print_json(answer)
        return
    changed = has_changed(answer)
    out().print(plain(f"{name} {'goes on' if changed else 'was not paused'}."))
