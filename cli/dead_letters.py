"""Redrives and discards over the API: which letters, whether really, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from uuid import uuid4

import typer
from pydantic import JsonValue
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.api_client import ApiClient
from cli.errors import CommandError, UsageError
from cli.terminal import err, plain

TYPED_ABOVE: Final = 100
"""From here on the number must be typed: a habit of answering yes is no safeguard."""
POLL_SECONDS: Final = 0.3
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which letters of a queue are meant: those with these ids, or all that match."""

    queue: str
    ids: tuple[int, ...]
    filter: Mapping[str, str]

    @classmethod
    def read(
        cls, queue: str, ids: Sequence[int] | None, every: bool, **conditions: str | None
    ) -> Chosen:
        """Return what the arguments of a command mean.

        Raises:
            UsageError: they say nothing, or two things.
        """
        wanted = {name: value for name, value in conditions.items() if value is not None}
        if sum((bool(ids), bool(wanted), every)) != 1:
            raise UsageError(
                "say which dead letters are meant", next_step="Give ids, or filters, or --all."
            )
        for name in ("since", "until"):
            if name in wanted:
                wanted[name] = read_moment(wanted[name]) or ""
        if "group" in wanted:
            wanted["fingerprint"] = wanted.pop("group")
        return cls(queue, tuple(ids or ()), wanted)


def read_moment(text: str | None) -> str | None:
    """Return a time for the API: so long ago, or an ISO 8601 time, by default in UTC.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    try:
        if unit in SECONDS and number.isdecimal():
            return (datetime.now(UTC) - timedelta(seconds=int(number) * SECONDS[unit])).isoformat()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time", next_step="Write 90m, 2h, 7d or 2026-01-31T12:00Z."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def preview(client: ApiClient, kind: str, chosen: Chosen) -> dict[str, Any]:
    """Return which letters it would be about: for ids just how many."""
    if chosen.ids:
        return {"count": len(set(chosen.ids)), "isCapped": False, "samples": [], "snapshot": None}
    body: dict[str, JsonValue] = {"queue": chosen.queue, "filter": dict(chosen.filter)}
    return cast("dict[str, Any]", client.post(f"/api/dead-letters/{kind}/preview", body))


def confirm(kind: str, seen: Mapping[str, Any]) -> None:
    """Return when a person says yes; above 100 letters they type how many.

    Raises:
        typer.Abort: they do not.
    """
    count = int(seen["count"])
    if count <= TYPED_ABOVE:
        typer.confirm(f"{kind} {count} dead letters? (--yes answers this)", abort=True, err=True)
        return
    typed = typer.prompt(f"Type {count} to {kind} them all (--yes answers this)", err=True)
    if str(typed).replace(",", "").strip() != str(count):
        err().print(plain("Nothing was done."))
        raise typer.Abort


def start(
    client: ApiClient,
    kind: str,
    chosen: Chosen,
    seen: Mapping[str, Any],
    *,
    reason: str,
    rate: float | None,
) -> dict[str, Any]:
    """Return the operation that was started, once however often the request had to be sent."""
    which: dict[str, Any] = {"filter": dict(chosen.filter), "snapshot": seen["snapshot"]}
    if chosen.ids:
        which = {"ids": sorted(set(chosen.ids))}
    elif not seen["isCapped"]:
        which["expectedCount"] = seen["count"]
    body = {"queue": chosen.queue, "reason": reason, "rate": rate, **which}
    once = {"Idempotency-Key": str(uuid4())}
    return cast("dict[str, Any]", client.post(f"/api/dead-letters/{kind}", body, once))


def follow(client: ApiClient, operation: dict[str, Any]) -> dict[str, Any]:
    """Return the operation once it is over, with a bar meanwhile. Ctrl-C leaves it running.

    Raises:
        CommandError: somebody pressed Ctrl-C.
    """
    with _bar() as progress:
        task = progress.add_task(str(operation["kind"]), total=operation["total"])
        try:
            while operation["finishedAt"] is None:
                time.sleep(POLL_SECONDS)
                path = f"/api/operations/{operation['id']}"
                operation = cast("dict[str, Any]", client.get(path))
                progress.update(task, completed=operation["done"] + operation["skipped"])
        except KeyboardInterrupt as error:
            raise CommandError(
                f"operation {operation['id']} goes on without this command",
                next_step=f"`supastate dlq cancel {operation['id']}` stops it.",
            ) from error
    return operation


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
        console=err(),
    )
