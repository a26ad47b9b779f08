"""A trace as a table: the tree, how long each step took, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.bar import Bar
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from cli.terminal import local_time, plain
from cli.tracing.spent import WhereTimeWent, find_where_time_went
from cli.tracing.tree import Branch, Hidden, Row, Span, build_tree, count_services, draw, follow

TIMELINE_WIDTH: Final = 24
WIDTH_FOR_TIMELINE: Final = 90
LONGEST_SERVICE: Final = 9
LONGEST_DURATION: Final = 8
MILLISECONDS_PER_SECOND: Final = 1000.0
SERVICE_PREFIX: Final = "supastate-"
ON_PATH: Final = " ◂"
COLOURS: Final = {"api": "cyan", "ingest": "green", "patterns": "magenta", "summaries": "yellow"}


def show_trace(trace_id: str, spans: Sequence[Span], message: str | None) -> RenderableType:
    """Return the drawing of a trace, or of one message's way through it."""
    branches = build_tree(spans)
    if message:
        branches = follow(branches, message)
    went = find_where_time_went(spans)
    drawing = _Drawing(list(draw(branches)), _Period.of(branches), went.steps)
    return Group(_headline(trace_id, spans), drawing, _summary(went))


def duration(milliseconds: float) -> str:
    """Return a duration with a unit that suits its size."""
    if milliseconds >= MILLISECONDS_PER_SECOND:
        return f"{milliseconds / MILLISECONDS_PER_SECOND:.2f} s"
    return f"{milliseconds:.1f} ms"


def _headline(trace_id: str, spans: Sequence[Span]) -> Text:
    services = [name.removeprefix(SERVICE_PREFIX) for name in count_services(spans)]
    began = min(span.started_at for span in spans)
    return plain(
        f"Trace {trace_id} · {local_time(began)} · {len(spans)} spans · {', '.join(services)}",
        "bold",
    )


def _summary(went: WhereTimeWent) -> Text:
    said = [f"{one.name} {duration(one.milliseconds)} ({one.share:.0%})" for one in went.spent]
    return plain(f"What held the whole up{ON_PATH}: {', '.join(said)}")


class _Period:
    """From the first start to the last end of what is drawn."""

    def __init__(self, began_at: datetime, seconds: float) -> None:
        self.began_at = began_at
        self.seconds = max(seconds, 1e-6)

    @classmethod
    def of(cls, branches: Sequence[Branch]) -> _Period:
        spans = [span for branch in branches for span in _all_spans(branch)]
        began_at = min(span.started_at for span in spans)
        ends = (
            (span.started_at - began_at).total_seconds()
            + span.duration_ms / MILLISECONDS_PER_SECOND
            for span in spans
        )
        return cls(began_at, max(ends))

    def bar(self, span: Span) -> Bar:
        begin = (span.started_at - self.began_at).total_seconds()
        end = begin + span.duration_ms / MILLISECONDS_PER_SECOND
        visible = self.seconds / TIMELINE_WIDTH / 2
        begin = min(begin, self.seconds - visible)
        colour = COLOURS.get(span.service.removeprefix(SERVICE_PREFIX), "blue")
        return Bar(
            self.seconds, begin, max(end, begin + visible), width=TIMELINE_WIDTH, color=colour
        )


def _all_spans(branch: Branch) -> list[Span]:
    return [branch.span, *(span for child in branch.children for span in _all_spans(child))]


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The lines as a table; a narrow terminal gets no timeline."""

    rows: Sequence[Row]
    period: _Period
    on_path: Collection[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_narrow = options.max_width < WIDTH_FOR_TIMELINE
        gap = 2
        others = [LONGEST_SERVICE, LONGEST_DURATION] + [TIMELINE_WIDTH] * (not is_narrow)
        left = options.max_width - sum(width + gap for width in others) - gap
        table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
        table.add_column("step", no_wrap=True, overflow="ellipsis", max_width=max(left, gap))
        table.add_column("service", no_wrap=True, min_width=LONGEST_SERVICE)
        table.add_column("took", justify="right", no_wrap=True, min_width=LONGEST_DURATION)
        if not is_narrow:
            table.add_column("when", no_wrap=True, width=TIMELINE_WIDTH)
        for row in self.rows:
            cells = _cells(row, self.period, self.on_path)
            table.add_row(*(cells[:-1] if is_narrow else cells))
        yield table


def _cells(row: Row, period: _Period, on_path: Collection[str]) -> tuple[RenderableType, ...]:
    entry = row.entry
    service = entry.service.removeprefix(SERVICE_PREFIX)
    guides = Text(row.guides, style="dim")
    if isinstance(entry, Hidden):
        name = plain(f"… and {entry.count} more like “{entry.name}”", "dim")
        return guides + name, Text(service, style="dim"), Text(duration(entry.total_ms)), ""
    failed = entry.status == "error"
    marks = (" (failed)" if failed else "") + (ON_PATH if entry.span_id in on_path else "")
    name = plain(entry.name + marks, "red" if failed else "")
    coloured = Text(service, style=COLOURS.get(service, "blue"))
    return guides + name, coloured, Text(duration(entry.duration_ms)), period.bar(entry)
