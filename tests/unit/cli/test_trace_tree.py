"""How the spans of one trace become a tree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console

from cli.tracing.tree import Hidden, Row, draw, find_largest_message, follow
from cli.tracing.view import show_trace
from shared.postgres.traces import Span
from shared.traces.critical_path import add_up, mark_critical_path
from shared.traces.tree import Branch, build_tree

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def span(
    span_id: str,
    parent: str | None,
    name: str,
    at_ms: int,
    attributes: dict[str, str] | None = None,
) -> Span:
    told = attributes or {}
    return Span(
        span_id=span_id,
        parent_span_id=parent,
        service="supastate-ingest",
        name=name,
        kind="internal",
        status="ok",
        started_at=START + timedelta(milliseconds=at_ms),
        duration_ms=10.0,
        operation=told.get("messaging.operation.name"),
        message_id=told.get("messaging.message.id"),
        database=told.get("db.system.name"),
        error=told.get("error.type"),
        queue=told.get("messaging.destination.name"),
        attributes=dict(told),
    )


def roots_of(spans: list[Span]) -> list[Branch]:
    return build_tree(spans).roots


def name_of(row: Row) -> str:
    return row.entry.name if isinstance(row.entry, Hidden) else row.entry.span.name


def names(rows: list[Row]) -> list[str]:
    return [row.guides + name_of(row) for row in rows]


def test_children_stand_below_their_parent_in_order_of_time() -> None:
    spans = [span("3", "1", "write", 20), span("2", "1", "embed", 10), span("1", None, "POST", 0)]

    assert names(list(draw(roots_of(spans)))) == ["POST", "├─ embed", "└─ write"]


def test_a_span_whose_parent_is_missing_is_a_root() -> None:
    assert [root.span.name for root in roots_of([span("2", "lost", "embed", 0)])] == ["embed"]


def test_like_named_siblings_collapse_and_the_largest_branch_is_shown() -> None:
    spans = [span("root", None, "POST", 0)]
    spans += [span(f"m{n}", "root", "process", n) for n in range(100)]
    spans += [span("pattern", "m77", "detect", 200)]

    rows = list(draw(roots_of(spans)))

    assert "detect" in [name_of(row) for row in rows]
    assert [row.entry for row in rows if isinstance(row.entry, Hidden)] == [
        Hidden("process", "supastate-ingest", 93, 930.0)
    ]


def test_the_way_of_one_message_leaves_out_the_others() -> None:
    spans = [
        span("root", None, "POST", 0),
        span("m1", "root", "process one", 1, {"messaging.message.id": "1"}),
        span("m2", "root", "process two", 2, {"messaging.message.id": "2"}),
        span("w2", "m2", "write", 3),
    ]

    rows = list(draw(follow(roots_of(spans), "2")))

    assert names(rows) == ["POST", "└─ process two", "   └─ write"]


def test_the_drawing_fits_a_narrow_terminal() -> None:
    console = Console(width=60, record=True, file=None, force_terminal=False)
    spans = [span("1", None, "POST /api/ingest/memory", 0), span("2", "1", "x" * 100, 5)]

    with console.capture() as captured:
        console.print(show_trace("abc", spans, None))

    assert all(len(line) <= 60 for line in captured.get().splitlines())
    assert "10.0 ms" in captured.get()


def test_a_trace_says_what_held_it_up() -> None:
    waits: dict[str, str] = {"messaging.operation.name": "queue"}
    spans = [
        span("post", None, "POST", 0),
        span("wait", "post", "queue memory_ingestion", 10, waits),
        span("slow", "wait", "write", 20),
        span("short", "slow", "embed", 22),
    ]
    tree = build_tree(spans)
    spent = add_up(mark_critical_path(tree), tree.duration)
    assert {one.name: round(one.share, 2) for one in spent} == {
        "POST": 0.31, "waiting in a queue": 0.31, "embed": 0.31, "write": 0.06,
    }  # fmt: skip
    console = Console(width=120, record=True)
    console.print(show_trace("t", spans, None))
    drawn = console.export_text()
    assert "What held the whole up ◂: " in drawn
    assert "waiting in a queue 10.0 ms (31%)" in drawn
    steps = drawn.partition("What held")[0].splitlines()
    assert [line.split("◂")[0].split()[-1] for line in steps if "◂" in line] == [
        "POST", "memory_ingestion", "write", "embed",
    ]  # fmt: skip


def test_the_largest_message_is_the_one_that_caused_most() -> None:
    about: dict[str, str] = {"messaging.message.id": "2", "messaging.destination.name": "memories"}
    other: dict[str, str] = {"messaging.message.id": "9", "messaging.destination.name": "memories"}
    spans = [
        span("root", None, "POST", 0),
        span("one", "root", "process", 1, other),
        span("two", "root", "process", 2, about),
        span("write", "two", "write", 3),
    ]
    assert find_largest_message(roots_of(spans)) == "memories:2"
    assert find_largest_message(roots_of(spans[:1])) is None


def test_spans_that_name_each_other_are_drawn() -> None:
    spans = [span("1", "2", "chicken", 0), span("2", "1", "egg", 5)]
    assert names(list(draw(roots_of(spans)))) == ["chicken", "└─ egg"]


def test_a_deep_trace_is_drawn_and_followed() -> None:
    about: dict[str, str] = {"messaging.message.id": "1"}
    deep = [span(str(n), str(n - 1), f"step {n}", n) for n in range(1, 3_000)]
    spans = [span("0", None, "POST", 0), *deep, span("last", "2999", "write", 3_000, about)]
    assert len(list(draw(roots_of(spans)))) == len(spans)
    assert len(list(draw(follow(roots_of(spans), "1")))) == len(spans)


def test_of_like_named_branches_the_one_stays_that_has_most_of_a_message() -> None:
    about: dict[str, str] = {"messaging.message.id": "1"}
    spans = [span("root", None, "POST", 0)]
    spans += [span("few", "root", "process", 1), span("f1", "few", "write", 2, about)]
    spans += [span("f2", "few", "other", 3), span("f3", "few", "another", 4)]
    spans += [span("more", "root", "process", 5), span("m1", "more", "write", 6, about)]
    spans += [span("m2", "more", "embed", 7, about)]
    assert "embed" in [name_of(row) for row in draw(follow(roots_of(spans), "1"))]
