"""`supastate migrate`: brings both servers to the newest schema."""

from __future__ import annotations

import typer


def migrate() -> None:
    """Apply the migrations to the Postgres and Neo4j of the settings. Safe to repeat."""
    import asyncio

    from cli.connection import find_settings
    from shared.migrate import migrate as migrate_both

    applied = asyncio.run(migrate_both(find_settings()))
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("nothing to apply")
