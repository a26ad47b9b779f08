"""API keys as a table, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from cli.api_keys.wanted import Key
from cli.terminal import local_time, out, plain, print_json
from cli.views.jobs import ID_CHARACTERS


def show_keys(keys: Sequence[Key], *, as_json: bool) -> None:
    """Print the keys."""
    if as_json:
        print_json([key.model_dump(mode="json") for key in keys])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=ID_CHARACTERS)
    for heading in ("name", "starts with", "may", "created", "last used", "state"):
        table.add_column(heading)
    for key in keys:
        table.add_row(
            str(key.id),
            plain(key.name),
            plain(key.prefix),
            " ".join(key.scopes),
            local_time(key.created_at),
            local_time(key.last_used_at),
            _describe_state(key),
        )
    out().print(table)


def _describe_state(key: Key) -> str:
    ends = key.revoked_at or key.expires_at
    if key.state == "valid":
        return f"valid until {local_time(ends)}" if ends else "valid"
    return f"{key.state} {local_time(ends)}"
