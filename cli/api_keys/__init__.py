"""API keys: over the API where the shell names that and no Postgres, else in Postgres."""

from __future__ import annotations

from cli.api_keys.in_postgres import KeysInPostgres
from cli.api_keys.over_api import KeysOverApi
from cli.api_keys.showing import show_keys
from cli.api_keys.wanted import Keys, NewKey
from cli.connection import asks_api, choose_workspace

__all__ = ["Keys", "NewKey", "find_keys", "show_keys"]


def find_keys(workspace: str | None) -> Keys:
    """Return the keys of a workspace; the API knows only that of its own key.

    Raises:
        UsageError: no workspace is known, or it is none.
    """
    return KeysOverApi(workspace) if asks_api() else KeysInPostgres(choose_workspace(workspace))
