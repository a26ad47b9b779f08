"""A dead letter as it is stored, secrets included: for administrators, and noted each time."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import JsonValue

from services.api.auth import Admin
from services.api.dashboard.letters_wanted import HOME
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dead_letters import view_raw
from services.api.letter_answers import MsgId, QueueName, RawLetter
from services.api.parts import WithParts

router = APIRouter(route_class=PageRoute)
CHARACTERS_SHOWN: Final = 50_000
"""Of each part: a page is to be read. The file has all of it."""


@router.post(f"{HOME}/letters/{{queue}}/{{letter_id}}/raw")
async def post_raw_view(
    queue: QueueName, letter_id: MsgId, request: Request, caller: Admin, parts: WithParts
) -> Response:
    """Show a letter as it is stored. A form asks for it: a link would be followed by accident."""
    letter = await view_raw(queue, letter_id, caller, parts)
    return render(request, "dead-letters/raw.html", home=HOME, letter=letter, **show_raw(letter))


@router.post(f"{HOME}/letters/{{queue}}/{{letter_id}}/raw.json")
async def post_raw_file(
    queue: QueueName, letter_id: MsgId, caller: Admin, parts: WithParts
) -> Response:
    """Return what the API answers, as a file."""
    letter = await view_raw(queue, letter_id, caller, parts)
    name = f"{queue}-{letter_id}-raw.json"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    text = letter.model_dump_json(by_alias=True, indent=2)
    return Response(text, media_type="application/json", headers=headers)


def show_raw(letter: RawLetter) -> dict[str, Any]:
    """Return the beginnings of what a letter holds, and the end of its traceback."""
    parts = [("Payload", _as_text(letter.payload)), ("Headers", _as_text(letter.headers))]
    shown = [(name, text[:CHARACTERS_SHOWN], len(text)) for name, text in parts]
    traceback = letter.traceback
    if traceback:
        shown.append(("Traceback", traceback[-CHARACTERS_SHOWN:], len(traceback)))
    return {"shown": shown, "most": CHARACTERS_SHOWN}


def _as_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
