"""The `supastate` command. Its parts are imported when they run: `--help` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands import dlq, graph, importing, jobs, keys, local, queues
from cli.commands.audit import audit
from cli.commands.calibrate import calibrate
from cli.commands.demo import demo
from cli.commands.doctor import doctor
from cli.commands.export import export
from cli.commands.forget import forget
from cli.commands.migrate import migrate
from cli.commands.pattern import pattern
from cli.commands.patterns import patterns
from cli.commands.projects import projects
from cli.commands.rebuild import rebuild
from cli.commands.search import search
from cli.commands.show import show
from cli.commands.signals import signals
from cli.commands.summaries import summaries
from cli.commands.trace import trace
from cli.commands.traces import traces
from cli.commands.train_signals import train_signals
from cli.commands.usage import usage
from cli.readable_errors import ReadableErrors

START = "Start here"
ASK = "Ask"
OPERATE = "Operate"

app = typer.Typer(
    cls=ReadableErrors,
    name="supastate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def configure(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="SUPASTATE_DEBUG", help="Show tracebacks.")
    ] = False,
) -> None:
    """Team memory for people who work with coding assistants."""


app.command(rich_help_panel=START)(demo)
app.add_typer(local.app, name="local", rich_help_panel=START)
app.add_typer(importing.app, name="import", rich_help_panel=START)
app.command(rich_help_panel=ASK)(search)
app.command(rich_help_panel=ASK)(show)
app.command(rich_help_panel=ASK)(patterns)
app.command(rich_help_panel=ASK)(pattern)
app.command(rich_help_panel=ASK)(projects)
app.command(rich_help_panel=ASK)(summaries)
app.command(rich_help_panel=ASK)(signals)
app.add_typer(graph.app, name="graph", rich_help_panel=ASK)
app.command(rich_help_panel=OPERATE)(forget)
app.command(rich_help_panel=OPERATE)(export)
app.command(rich_help_panel=OPERATE)(audit)
app.command(rich_help_panel=OPERATE)(usage)
app.add_typer(jobs.app, name="jobs", rich_help_panel=OPERATE)
app.add_typer(queues.app, name="queues", rich_help_panel=OPERATE)
app.add_typer(dlq.app, name="dlq", rich_help_panel=OPERATE)
app.command(rich_help_panel=OPERATE)(traces)
app.command(rich_help_panel=OPERATE)(trace)
app.command(rich_help_panel=OPERATE)(doctor)
app.add_typer(keys.app, name="keys", rich_help_panel=OPERATE)
app.command(rich_help_panel=OPERATE)(migrate)
app.command(rich_help_panel=OPERATE)(rebuild)
app.command(rich_help_panel=OPERATE)(calibrate)
app.command("train-signals", rich_help_panel=OPERATE)(train_signals)
