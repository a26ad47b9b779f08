"""What broke, and is it safe to redrive? Groups first, then letters, one letter, redrives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.auth import Reader
from services.api.dashboard import letter_operations, raw_letters
from services.api.dashboard.letter_views import (
    describe_progress,
    show_letter,
    span_of,
    write_csv,
)
from services.api.dashboard.letters_wanted import HOME, Chosen, Wanted, WithWanted, query_of
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.dashboard.wording import query
from services.api.dead_letters import get_whole_letter, read_place
from services.api.letter_answers import LetterPage, MsgId, QueueName
from services.api.paging import Cursor, read_cursor, write_cursor
from services.api.parts import ApiParts, WithParts
from services.api.showing_letters import (
    describe_group,
    describe_letter,
    describe_operation,
    describe_whole_letter,
)
from shared.messages import QUEUES
from shared.postgres.api_keys import ApiKey
from shared.postgres.dead_letters import LetterRow, list_groups, list_letters
from shared.postgres.letter_queries import GROUPED_AT_MOST, GroupPlace, LetterQuery
from shared.postgres.operations import list_operations

PAGE = Page("dead-letters", "Dead letters", "What broke, and is it safe to redrive?", "d")
router = APIRouter(route_class=PageRoute)
ROWS: Final = 30
RECENT: Final = 5
QUEUE_CHOICES: Final = [("", "All queues"), *((queue, queue) for queue in QUEUES)]
NEWER: Final = 100
EXPORTED: Final = 10_000


@router.get(HOME)
async def get_groups(
    request: Request, caller: Reader, parts: WithParts, queue: Chosen = "", before: Cursor = None
) -> Response:
    """Show what failed of the same."""
    context = await read_groups(caller, parts, queue, before)
    return render(request, "dead-letters/index.html", **context)


@router.get(f"{HOME}/rows")
async def get_rows(
    request: Request, caller: Reader, parts: WithParts, queue: Chosen = "", before: Cursor = None
) -> Response:
    """Show the groups anew."""

    async def make() -> Response:
        context = await read_groups(caller, parts, queue, before)
        return render(request, "dead-letters/_rows.html", **context)

    return await share(request, caller, ["dead_letters", "operations", "queues"], make)


@router.get(f"{HOME}/letters")
async def get_letters(
    request: Request, caller: Reader, parts: WithParts, wanted: WithWanted, before: Cursor = None
) -> Response:
    """Show letters: of a group, or of any filter."""
    meant, place = query_of(wanted), read_place(before)
    of_group = LetterQuery(fingerprint=wanted.group)
    async with parts.reading(caller) as conn:
        groups = []
        if wanted.group:
            groups = await list_groups(conn, caller.workspace_id, of_group, limit=1)
        letters = await list_letters(conn, caller.workspace_id, meant, limit=ROWS, before=place)
    if groups:
        wanted = replace(wanted, queue=groups[0].queue)  # a group is of one queue
    last = letters[-1] if len(letters) == ROWS else None
    return render(
        request,
        "dead-letters/letters.html",
        wanted=wanted,
        home=HOME,
        queues=QUEUE_CHOICES,
        **describe_newer(letters, before, wanted),
        group=describe_group(groups[0]) if groups else None,
        letters=[describe_letter(letter) for letter in letters],
        older=last and write_cursor(last.died_at, f"{last.queue}:{last.msg_id}"),
        is_first=before is None,
        span_of=span_of,
    )


@router.get(f"{HOME}/letters/newer")
async def get_newer(
    request: Request, caller: Reader, parts: WithParts, wanted: WithWanted
) -> Response:
    """Show how many letters died since the page was loaded: rows with ticks do not move."""

    async def make() -> Response:
        async with parts.reading(caller) as conn:
            found = await list_letters(conn, caller.workspace_id, query_of(wanted), limit=NEWER)
        address = replace(wanted, since=None).address("letters")
        return render(request, "dead-letters/_newer.html", newer=len(found), address=address)

    return await share(request, caller, ["dead_letters", "queues"], make)


@router.get(f"{HOME}/letters.{{kind}}")
async def get_export(
    kind: Literal["csv", "json"], caller: Reader, parts: WithParts, wanted: WithWanted
) -> Response:
    """Return the newest letters that match as a file, without secrets."""
    async with parts.reading(caller) as conn:
        found = await list_letters(conn, caller.workspace_id, query_of(wanted), limit=EXPORTED)
    page = LetterPage(letters=[describe_letter(letter) for letter in found], next=None)
    text = write_csv(page.letters) if kind == "csv" else page.model_dump_json(by_alias=True)
    headers = {"Content-Disposition": f'attachment; filename="dead-letters.{kind}"'}
    media_type = "text/csv" if kind == "csv" else "application/json"
    return Response(text, media_type=media_type, headers=headers)


@router.get(f"{HOME}/letters/{{queue}}/{{letter_id}}")
async def get_letter(
    queue: QueueName, letter_id: MsgId, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show one letter: its error, where it comes from, what it holds."""
    async with parts.reading(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id)
    shown = await asyncio.to_thread(describe_whole_letter, letter)
    one = Wanted(queue=queue, ids=(letter_id,))
    return render(request, "dead-letters/letter.html", home=HOME, wanted=one, **show_letter(shown))


async def read_groups(
    caller: ApiKey, parts: ApiParts, queue: str, before: str | None
) -> dict[str, Any]:
    """Return what the page of groups shows."""
    place = read_cursor(before, str)
    of_queue = LetterQuery(queue=queue or None)
    async with parts.reading(caller) as conn:
        groups = await list_groups(
            conn, caller.workspace_id, of_queue, limit=ROWS, before=place and GroupPlace(*place)
        )
        recent = await list_operations(conn, caller.workspace_id, limit=RECENT)
    last = groups[-1] if len(groups) == ROWS else None
    return {
        "groups": [describe_group(group) for group in groups],
        "operations": [describe_progress(describe_operation(one)) for one in recent],
        "older": last and write_cursor(last.last_at, last.fingerprint),
        "before": before or "",
        "home": HOME,
        "rows_url": f"{HOME}/rows?{query(queue=queue, before=before)}",
        "queue": queue,
        "queues": QUEUE_CHOICES,
        "cap": GROUPED_AT_MOST,
        "span_of": span_of,
    }


def describe_newer(
    letters: Sequence[LetterRow], before: str | None, wanted: Wanted
) -> dict[str, Any]:
    """Return where a page of the newest letters hears of newer ones."""
    is_live = before is None and letters and wanted.until is None
    since = letters[0].died_at + timedelta(microseconds=1) if is_live else None
    address = replace(wanted, since=since).address("letters/newer") if is_live else None
    return {"newer_url": address, "newer": 0, "address": ""}


router.include_router(letter_operations.router)
router.include_router(raw_letters.router)
