"""`supastate export`: what a workspace holds, as lines of JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer


class Kind(StrEnum):
    """What can be exported."""

    memories = "memories"
    code = "code"
    patterns = "patterns"
    summaries = "summaries"
    jobs = "jobs"


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    to: Annotated[
        Path | None, typer.Option(help="Write here.", show_default="standard output")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    user: Annotated[UUID | None, typer.Option(help="Only what this user sent.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --to: print what was written. Lines are JSON.")
    ] = False,
) -> None:
    """Write everything of one kind, a JSON object a line. Needs a key with the scope admin."""
    import sys

    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.exporting import write_lines
    from cli.terminal import err, plain, print_json

    wanted = {"kind": kind.value, "project": project, "user": str(user) if user else None}
    with ApiClient(find_api()) as client:
        if to is None:
            write_lines(client, wanted, sys.stdout.buffer)
            return
        # Beside it first: a file that is there is whole.
        part = to.with_name(f"{to.name}.part")
        with part.open("wb") as file:
            lines = write_lines(client, wanted, file)
        part.replace(to)
    if as_json:
        print_json({"kind": kind.value, "lines": lines, "to": str(to)})
    err().print(plain(f"Wrote {lines} {kind.value} to {to}."))
