"""`supastate migrate`: brings both servers to the newest schema."""

from __future__ import annotations

from typing import Annotated

import typer


def migrate(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Apply the migrations to the Postgres and Neo4j of the settings. Safe to repeat."""
    import asyncio

    from cli.connection import find_settings
    from cli.terminal import print_json
    from shared.migrate import migrate as migrate_both

    applied = asyncio.run(migrate_both(find_settings()))
    if as_json:
        print_json({"applied": [*applied]})
        return
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("nothing to apply")
