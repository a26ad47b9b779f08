"""`supastate graph`: questions to the graph in Cypher."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Ask the graph in Cypher (read-only).")


@app.callback()
def choose() -> None:
    """Ask the graph in Cypher (read-only)."""


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
