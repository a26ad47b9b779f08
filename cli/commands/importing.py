"""`supastate import`: conversations, commits and source files into the memory."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Import Claude Code sessions or a git repository.")

Wait = Annotated[bool, typer.Option("--wait", help="Wait until all of it is processed.")]
Timeout = Annotated[float, typer.Option(help="Seconds that --wait waits at most.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")]


@app.command("claude-code")
def claude_code(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Sessions, for example ~/.claude/projects.")
    ],
    wait: Wait = False,
    timeout: Timeout = 1800,
    as_json: AsJson = False,
) -> None:
    """Import the Claude Code sessions below a folder; a second import adds nothing twice."""
    from cli.importing import sources
    from cli.importing.run import Options, run_import

    run_import([sources.claude_code(folder.expanduser())], Options(wait, timeout, as_json))


@app.command("git")
def git(
    path: Annotated[Path, typer.Argument(help="A repository, or a folder in one.")] = Path(),
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Leave out older commits."),
    ] = None,
    with_source_files: Annotated[
        bool, typer.Option("--source-files/--no-source-files", help="Import the files too.")
    ] = True,
    wait: Wait = False,
    timeout: Timeout = 1800,
    as_json: AsJson = False,
) -> None:
    """Import a repository's commits and source files; a second import adds nothing twice."""
    from cli.importing import sources
    from cli.importing.run import Options, run_import

    folder = path.expanduser()
    chosen = [sources.git_history(folder, since and since.astimezone())]
    chosen += [sources.source_files(folder)] if with_source_files else []
    run_import(chosen, Options(wait, timeout, as_json))
