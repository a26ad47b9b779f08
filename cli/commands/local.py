"""`supastate local`: mounts `cli.local`, which takes a second to import, only when it is called."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class LateGroup(TyperGroup):
    """Stands for `cli.local` in the list of commands."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Any = None,
        **extra: Any,
    ) -> Any:
        from cli.local import app as real

        return typer.main.get_group(real).make_context(info_name, args, parent, **extra)


app = typer.Typer(cls=LateGroup, help="Run the whole system on this machine, without Docker.")


@app.callback()
def choose() -> None:
    """Run the whole system on this machine, without Docker."""
