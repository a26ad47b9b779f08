"""A trace as the API tells of it: only with the spans of the key's workspace."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter
from pydantic.alias_generators import to_snake

from cli.api_client import ApiClient
from cli.errors import CommandError
from cli.views.traces import Page, Trace, find_traces
from shared.postgres.traces import Span

PAGE_SIZE: Final = 100
MOST_PAGES: Final = 10
"""Every request has a trace; among the newest thousand is one that went further."""
_SPAN: Final = TypeAdapter(Span)
KEPT: Final = "Spans are kept for three days; Jaeger may have more."


class Found(BaseModel):
    """The part of the API's answer that is drawn."""

    steps: list[dict[str, Any]]


def find_newest(client: ApiClient, message: str | None) -> str:
    """Return the newest trace that went on from one service to another, with this message.

    Raises:
        CommandError: there is none among the newest thousand.
    """
    before: str | None = None
    for _ in range(MOST_PAGES):
        asked = {"limit": PAGE_SIZE, "message": message, "before": before}
        page = Page.model_validate(find_traces(client, asked))
        if found := next(filter(_went_on, page.traces), None):
            return found.trace_id
        if message and page.traces:
            return page.traces[0].trace_id  # it still waits, or its worker's spans are to come
        if (before := page.next) is None:
            break
    what = f"of message {message} " if message else ""
    raise CommandError(
        f"no trace {what}has gone from one service to another yet",
        next_step="`supastate traces` lists those of the last three days; name one of them.",
    )


def find_steps(client: ApiClient, trace_id: str, *, whole: bool) -> list[Span]:
    """Return the spans of a trace, oldest first; whole ones say all of themselves.

    Raises:
        ApiUnreachableError, ApiRefusedError, CommandError: they were deleted meanwhile.
    """
    wanted = {"attributes": "true" if whole else None}
    answer = client.get(f"/api/traces/{quote(trace_id, safe='')}", wanted)
    if steps := Found.model_validate(answer).steps:
        return [read_span(step) for step in steps]
    raise CommandError(f"nothing is left of trace {trace_id}", next_step=KEPT)


def read_span(step: dict[str, Any]) -> Span:
    """Return a span from its names in the API; those of its attributes are its own.

    Raises:
        ValidationError: it is none.
    """
    links = step.get("links")
    named = {**_own_names(step), "links": links and [_own_names(link) for link in links]}
    return _SPAN.validate_python(named)


def _own_names(answer: dict[str, Any]) -> dict[str, Any]:
    return {to_snake(name): value for name, value in answer.items()}


def _went_on(trace: Trace) -> bool:
    return len(trace.services) > 1
