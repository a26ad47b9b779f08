"""A trace as a table: the tree, how long each step took, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.bar import Bar
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from cli.terminal import local_time, plain
from cli.tracing.tree import Hidden, Row, draw, follow, services_of
from shared.postgres.traces import Span
from shared.traces.critical_path import Spent, add_up, mark_critical_path
from shared.traces.tree import Branch, build_tree, walk

TIMELINE_WIDTH: Final = 24
WIDTH_FOR_TIMELINE: Final = 90
LONGEST_SERVICE: Final = 9
LONGEST_DURATION: Final = 8
MILLISECONDS_PER_SECOND: Final = 1000.0
SHORTEST: Final = 1e-3
SERVICE_PREFIX: Final = "supastate-"
ON_PATH: Final = " ◂"
COLOURS: Final = {"api": "cyan", "ingest": "green", "patterns": "magenta", "summaries": "yellow"}


def show_trace(trace_id: str, spans: Sequence[Span], message: str | None) -> RenderableType:
    """Return the drawing of a trace, or of one message's way through it."""
    tree = build_tree(spans)
    spent = add_up(mark_critical_path(tree), tree.duration)
    branches = follow(tree.roots, message) if message else tree.roots
    drawing = _Drawing(list(draw(branches)), _Period.of(branches))
    return Group(_headline(trace_id, spans), drawing, _summary(spent))


def duration(milliseconds: float) -> str:
    """Return a duration with a unit that suits its size."""
    if milliseconds >= MILLISECONDS_PER_SECOND:
        return f"{milliseconds / MILLISECONDS_PER_SECOND:.2f} s"
    return f"{milliseconds:.1f} ms"


def _headline(trace_id: str, spans: Sequence[Span]) -> Text:
    services = [name.removeprefix(SERVICE_PREFIX) for name in services_of(spans)]
    began = min(span.started_at for span in spans)
    return plain(
        f"Trace {trace_id} · {local_time(began)} · {len(spans)} spans · {', '.join(services)}",
        "bold",
    )


def _summary(spent: Sequence[Spent]) -> Text:
    said = [f"{one.name} {duration(one.milliseconds)} ({one.share:.0%})" for one in spent]
    return plain(f"What held the whole up{ON_PATH}: {', '.join(said)}")


@dataclass(frozen=True, slots=True)
class _Period:
    """From the first start to the last end of what is drawn, in milliseconds of the trace."""

    start: float
    length: float

    @classmethod
    def of(cls, branches: Sequence[Branch]) -> _Period:
        drawn = list(walk(branches))
        start = min(branch.start for branch in drawn)
        return cls(start, max(max(branch.end for branch in drawn) - start, SHORTEST))

    def bar(self, branch: Branch) -> Bar:
        visible = self.length / TIMELINE_WIDTH / 2
        begin = min(branch.start - self.start, self.length - visible)
        end = max(branch.end - self.start, begin + visible)
        colour = COLOURS.get(branch.span.service.removeprefix(SERVICE_PREFIX), "blue")
        return Bar(self.length, begin, end, width=TIMELINE_WIDTH, color=colour)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The lines as a table; a narrow terminal gets no timeline."""

    rows: Sequence[Row]
    period: _Period

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
            cells = _cells(row, self.period)
            table.add_row(*(cells[:-1] if is_narrow else cells))
        yield table


def _cells(row: Row, period: _Period) -> tuple[RenderableType, ...]:
    entry, guides = row.entry, Text(row.guides, style="dim")
    if isinstance(entry, Hidden):
        name = plain(f"… and {entry.count} more like “{entry.name}”", "dim")
        service = Text(entry.service.removeprefix(SERVICE_PREFIX), style="dim")
        return guides + name, service, Text(duration(entry.total_ms)), ""
    span, service = entry.span, entry.span.service.removeprefix(SERVICE_PREFIX)
    marks = " (failed)" * span.has_failed + ON_PATH * entry.is_critical
    name = plain(span.name + marks, "red" if span.has_failed else "")
    coloured = Text(service, style=COLOURS.get(service, "blue"))
    return guides + name, coloured, Text(duration(span.duration_ms)), period.bar(entry)
