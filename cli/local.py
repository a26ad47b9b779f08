"""`supastate local`: the whole system on this machine, with no Docker."""

import shlex
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from cli.local_stack import LocalStack
from cli.local_stack.display import StartDisplay, make_status_table
from cli.local_stack.supervisor import Supervisor
from cli.terminal import err, out, plain, print_json

app = typer.Typer(
    help="Run Postgres, Neo4j and the services on this machine.", no_args_is_help=True
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder for all data.  [default: $SUPASTATE_HOME or ~/.supastate]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: what runs, and where.")]


@app.command()
def up(
    home: Home = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when ready.")] = False,
    servers_only: Annotated[
        bool, typer.Option("--servers-only", help="Start only Postgres and Neo4j.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start everything; a second `up` changes nothing."""
    with signals_as_interrupts():
        started = _start(home, servers_only=servers_only, keep=detach)
        stack = LocalStack(home)
        _print_status(stack, as_json=as_json)
        if detach:
            err().print("Stop it with: supastate local down")
        elif not started:
            err().print("It ran already. Stop it with: supastate local down")
        else:
            _stay(stack)


@app.command()
def down(
    home: Home = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete databases and logs too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop everything that this folder's stack started; data stays."""
    with StartDisplay(err()) as display:
        stack = LocalStack(home, display)
        stack.stop()
        if delete_data:
            stack.delete_data()
    if as_json:
        _print_status(stack, as_json=True)


@app.command()
def status(home: Home = None, as_json: Json = False) -> None:
    """Show what runs, and where."""
    stack = LocalStack(home)
    _print_status(stack, as_json=as_json)
    if not as_json:
        out().print(plain(f"Logs are in {stack.home.logs}", "dim"), soft_wrap=True)


@app.command()
def env(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the settings of clients: eval "$(supastate local env)"."""
    settings = LocalStack(home).settings()
    if as_json:
        print_json({**settings})
    else:
        typer.echo("\n".join(f"export {k}={shlex.quote(v)}" for k, v in settings.items()))


def _print_status(stack: LocalStack, *, as_json: bool) -> None:
    statuses = stack.status()
    if as_json:
        print_json([asdict(line) | {"log": str(line.log or "")} for line in statuses])
    else:
        out().print(make_status_table(statuses))


def _start(home: Path | None, *, servers_only: bool, keep: bool) -> bool:
    """Return whether anything was started; what cannot become ready is stopped, unless `keep`."""
    is_ready = False
    try:
        with StartDisplay(err()) as display:
            stack = LocalStack(home, display)
            started = stack.start_servers() if servers_only else stack.start()
        is_ready = True
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if not is_ready and keep:
            err().print("Stop what runs with: supastate local down")
        elif not is_ready:
            _stop(home)
    return started


def _stay(stack: LocalStack) -> None:
    err().print("Ctrl-C stops everything.")
    try:
        Supervisor(stack, lambda text: err().print(plain(text))).run(Event())
    except KeyboardInterrupt:
        _stop(stack.home.root)


def _stop(home: Path | None) -> None:
    with StartDisplay(err()) as display:
        LocalStack(home, display).stop()


@contextmanager
def signals_as_interrupts() -> Generator[None]:
    """Treat SIGTERM and a closed terminal like Ctrl-C."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
