"""`supastate graph`: what a node is tied to, and questions in Cypher."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from cli.commands.patterns import FORMATS

app = typer.Typer(no_args_is_help=True, help="Look at the graph; ask it in Cypher (read-only).")


class NodeKind(StrEnum):
    """What a node may be."""

    MEMORY = "memory"
    CODE = "code"
    PATTERN = "pattern"
    PROJECT = "project"
    SESSION = "session"


@app.callback()
def choose() -> None:
    """Look at the graph; ask it in Cypher (read-only)."""


@app.command("show")
def show(
    kind: Annotated[NodeKind, typer.Argument(help="What it is.")],
    node_id: Annotated[str, typer.Argument(metavar="ID", help="Its id; of a project its name.")],
    edge: Annotated[
        list[str] | None, typer.Option("--edge", help="Only these ties: references, imports, …")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="Neighbours from here on.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="Neighbours before.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=50)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Show what a memory, file, pattern, project or session is tied to, the newest first."""
    from cli.api_client import ApiClient
    from cli.connection import find_api
    from cli.terminal import out, print_json
    from cli.views.graph import find_neighbours, show_neighbours

    params = {
        "edge": edge or None,
        "since": since and since.astimezone().isoformat(),
        "until": until and until.astimezone().isoformat(),
        "limit": limit,
    }
    with ApiClient(find_api()) as client:
        answer = find_neighbours(client, kind.value, node_id, params)
    if as_json:
        print_json(answer)
    else:
        out().print(show_neighbours(answer))


@app.command("query")
def query(
    cypher: Annotated[str, typer.Argument(help="The query; writes are refused.")],
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", help="A $parameter as name=value; the value is JSON or text."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an array with one object for each row.")
    ] = False,
) -> None:
    """Run one read-only Cypher query on the Neo4j of the settings.

    The whole graph answers: name your workspace in the query where it matters.
    """
    import asyncio

    from cli.graph_query import parse_parameters, run_query, show_rows

    rows = asyncio.run(run_query(cypher, parse_parameters(parameters or [])))
    show_rows(rows, as_json=as_json)
