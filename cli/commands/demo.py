"""`supastate demo`: the whole system on real input, shown from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    sessions: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="Claude Code sessions to import.",
            show_default="~/.claude/projects",
        ),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(help="A git repository to import.", show_default="this checkout"),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep/--stop", help="Whether it goes on running.")] = True,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder for all data.", show_default="$SUPASTATE_HOME or ~/.supastate"),
    ] = None,
) -> None:
    """Start everything here, import real input, and show what comes out. Safe to repeat."""
    from cli.demo.story import Wishes, tell

    tell(Wishes(sessions, repository, keep, home))
