"""A list of traces as a table."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.table import Table

from cli.api_client import ApiClient, Params
from cli.terminal import local_time, plain
from cli.tracing.view import SERVICE_PREFIX, duration


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Trace(Answered):
    """One trace, as far as its spans have come in."""

    trace_id: str
    name: str
    started_at: datetime
    duration_ms: float
    spans: int
    errors: int
    services: list[str]


class Page(Answered):
    """Traces, newest first."""

    traces: list[Trace]
    next: str | None


def find_traces(client: ApiClient, wanted: Params) -> JsonValue:
    """Return the API's answer."""
    return client.get("/api/traces", wanted)


def show_traces(answer: JsonValue) -> RenderableType:
    """Return a line for each trace."""
    page = Page.model_validate(answer)
    if not page.traces:
        return plain("No such traces. Spans are kept for three days.")
    table = Table(box=None, pad_edge=False)
    for heading in ("trace", "began", "took", "steps", "failed"):
        is_number = heading in ("took", "steps", "failed")
        table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
    table.add_column("what")
    for one in page.traces:
        services = ", ".join(name.removeprefix(SERVICE_PREFIX) for name in one.services)
        table.add_row(
            plain(one.trace_id),
            local_time(one.started_at),
            duration(one.duration_ms),
            f"{one.spans:,}",
            plain(f"{one.errors:,}", "red" if one.errors else "dim"),
            plain(one.name) + plain(f" · {services}", "dim"),
        )
    older = [plain(f"There are older ones: --before {page.next}", "dim")] if page.next else []
    return Group(table, *older)
