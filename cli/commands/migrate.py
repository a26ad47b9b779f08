"""`supastate migrate`: brings both servers to the newest schema."""

from __future__ import annotations


def migrate() -> None:
    """Apply the migrations to the Postgres and Neo4j of the settings. Safe to repeat."""
    import asyncio

    from cli.connection import find_settings
    from cli.schema import migrate_both
    from cli.terminal import out

    applied = asyncio.run(migrate_both(find_settings()))
    for server, names in applied.items():
        out().print(f"[bold]{server}[/]: {', '.join(names) or 'nothing to do'}")
