"""Deletes memories one by one, or all data of a project, a user or a workspace."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

import typer
from pydantic import BaseModel, JsonValue

from cli.api_client import ApiClient, ApiRefusedError
from cli.errors import CommandError, UsageError
from cli.terminal import err, out, plain, print_json

POLL_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Target:
    """Whose data goes: what is sent, and the name that confirms it."""

    what: str
    body: dict[str, JsonValue]
    name: str


class Deletion(BaseModel):
    """How far a deletion is."""

    id: UUID
    state: str
    erased: dict[str, int]


def read_target(project: str | None, user: UUID | None, workspace: str | None) -> Target | None:
    """Return whose data goes; None where nothing is named.

    Raises:
        UsageError: more than one is.
    """
    named = [
        Target("project", {"project": project}, project) if project is not None else None,
        Target("user", {"userId": str(user)}, str(user)) if user is not None else None,
        Target("workspace", {"workspace": True}, workspace) if workspace is not None else None,
    ]
    found = [target for target in named if target is not None]
    if len(found) > 1:
        raise UsageError(
            "--project, --user and --workspace are one at a time", next_step="Leave all but one."
        )
    return found[0] if found else None


def ask_for_name(target: Target) -> None:
    """Return when somebody typed the name of what goes.

    Raises:
        UsageError: they typed something else.
    """
    asked = f"All data of the {target.what} {target.name!r} will be gone. Type its name to go on"
    if typer.prompt(asked, err=True, default="", show_default=False) != target.name:
        raise UsageError("that is not its name; nothing was deleted", next_step="Try again.")


def forget_data(client: ApiClient, target: Target, *, wait: bool, as_json: bool = False) -> None:
    """Ask for a deletion, and wait until nothing is left.

    Raises:
        CommandError: it takes too long; it goes on.
    """
    body: JsonValue = {**target.body, "confirm": target.name}
    answer = client.delete_with("/api/data", body)
    deletion = Deletion.model_validate(answer)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with err().status("Deleting") as status:
        while wait and deletion.state != "done":
            if time.monotonic() > deadline:
                raise CommandError(
                    f"deletion {deletion.id} takes long",
                    next_step="It goes on; `supastate audit --action data.` says when it is done.",
                )
            time.sleep(POLL_SECONDS)
            answer = client.get(f"/api/data/deletions/{deletion.id}")
            deletion = Deletion.model_validate(answer)
            status.update(plain(f"Deleting: {_gone(deletion) or 'begins'}"))
    if as_json:
        print_json(answer)
        return
    gone = _gone(deletion) or "nothing was there"
    out().print(plain(f"Deleted: {gone}." if wait else f"{deletion.id}"))


def _gone(deletion: Deletion) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in deletion.erased.items())


def forget_memories(client: ApiClient, chunk_ids: Sequence[str], *, as_json: bool = False) -> None:
    """Delete memories by their chunk ids; ends with code 1 where one is unknown."""
    paths = {chunk_id: f"/api/memories/{quote(chunk_id, safe='')}" for chunk_id in chunk_ids}
    _forget_each(client, paths, ("memory", "memories", "workspace"), as_json=as_json)


def forget_files(
    client: ApiClient, project: str, files: Sequence[str], *, as_json: bool = False
) -> None:
    """Delete source files of a project; ends with code 1 where one is unknown."""
    paths = {path: f"/api/code?{urlencode({'project': project, 'path': path})}" for path in files}
    _forget_each(client, paths, ("file", "files", "project"), as_json=as_json)


def _forget_each(
    client: ApiClient, paths: Mapping[str, str], words: tuple[str, str, str], *, as_json: bool
) -> None:
    one, several, where = words
    unknown = [name for name, path in paths.items() if not _is_deleted(client, path)]
    if as_json:
        gone: list[JsonValue] = [name for name in paths if name not in unknown]
        print_json({"deleted": gone, "unknown": [*unknown]})
    else:
        for name in unknown:
            typer.echo(f"{name}: no such {one} in this {where}", err=True)
        out().print(plain(f"Deleted {len(paths) - len(unknown)} of {len(paths)} {several}."))
    if unknown:
        raise typer.Exit(1)


def _is_deleted(client: ApiClient, path: str) -> bool:
    try:
        client.delete(path)
    except ApiRefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True
