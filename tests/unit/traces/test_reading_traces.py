"""What a trace is cut to, and where its time went."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from services.api.traces import drawing, rows
from services.api.traces.rows import Cut, Entry, Hidden, Row
from shared.postgres.traces import Span
from shared.traces.critical_path import BETWEEN, WAITING, add_up, mark_critical_path
from shared.traces.tree import Tree, build_tree

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def span(
    name: str, start: float, took: float, parent: str | None = None, *, status: str = "unset"
) -> Span:
    operation = "queue" if name.startswith("queue") else None
    return Span(
        span_id=f"{name}@{start:g}",
        parent_span_id=parent,
        service="supastate-ingest",
        name=name,
        kind="internal",
        status=status,
        started_at=BEGAN + timedelta(milliseconds=start),
        duration_ms=took,
        operation=operation,
        message_id=None,
        database=None,
        error=None,
    )


def spent(tree: Tree) -> dict[str, float]:
    return {
        one.name: round(one.milliseconds) for one in add_up(mark_critical_path(tree), tree.duration)
    }


def names(entries: list[Entry]) -> list[str]:
    return [one.branch.span.name for one in entries if isinstance(one, Row)]


def test_time_is_counted_where_nothing_below_was_at_work() -> None:
    tree = build_tree([span("post", 0, 100), span("insert", 20, 50, "post@0")])

    assert spent(tree) == {"insert": 50, "post": 50}


def test_what_a_request_caused_may_outlive_it() -> None:
    tree = build_tree(
        [
            span("post", 0, 10),
            span("queue q", 10, 70, "post@0"),
            span("process", 80, 20, "post@0"),
        ]
    )

    assert tree.duration == 100
    assert spent(tree) == {WAITING: 70, "process": 20, "post": 10}


def test_a_time_in_which_nothing_ran_is_shown_as_such() -> None:
    tree = build_tree([span("post", 0, 10), span("process", 60, 40, "post@0")])

    assert spent(tree) == {"post": 10, BETWEEN: 50, "process": 40}


def test_of_two_at_work_the_one_that_ended_last_held_all_up() -> None:
    tree = build_tree([span("a", 0, 100), span("fast", 0, 30, "a@0"), span("slow", 10, 90, "a@0")])

    mark_critical_path(tree)

    assert tree.by_id["slow@10"].is_critical
    assert spent(tree) == {"slow": 90, "fast": 10}


def test_all_shares_together_are_the_whole() -> None:
    spans = [span("a", 0, 100), *(span(f"b{n}", n * 10, 10, "a@0") for n in range(10))]
    tree = build_tree(spans)

    shares = [one.share for one in add_up(mark_critical_path(tree), tree.duration)]
    assert abs(sum(shares) - 1) < 1e-6


def test_a_span_whose_parent_is_not_there_is_a_root() -> None:
    tree = build_tree([span("a", 0, 1, "elsewhere")])

    assert [root.span.name for root in tree.roots] == ["a"]


def test_spans_that_name_each_other_as_parent_are_shown_once() -> None:
    tree = build_tree([span("a", 0, 1, "b@0"), span("b", 0, 1, "a@0"), span("c", 0, 1, "c@0")])

    assert sorted(root.span.name for root in tree.roots) == ["a", "c"]
    assert {one.span.name for root in tree.roots for one in [root, *root.children]} == set("abc")


def test_more_than_five_like_named_siblings_are_one_and_the_rest_on_demand() -> None:
    spans = [span("a", 0, 100), *(span("b", n, 1, "a@0") for n in range(1, 101))]
    tree = build_tree(spans)

    [root] = rows.draw(tree, Cut())
    assert isinstance(root, Row)
    assert root.below is not None
    shown, hidden = root.below
    assert isinstance(shown, Row)
    assert isinstance(hidden, Hidden)
    assert (hidden.count, hidden.reveal) == (99, rows.FIRST_REVEAL)

    first = rows.reveal(tree, shown.branch, Cut(), skip=0, count=20)
    assert isinstance(first[-1], Hidden)
    assert (len(first), first[-1].count, first[-1].reveal) == (21, 79, rows.NEXT_REVEAL)


def test_every_like_named_sibling_is_revealed_once() -> None:
    spans = [span("a", 0, 100), *(span("b", n, 1, "a@0") for n in range(1, 101))]
    tree = build_tree(spans)
    like = tree.by_id["b@50"]

    seen, skip, count = {like.span.span_id}, 0, 20
    while True:
        entries = rows.reveal(tree, like, Cut(), skip=skip, count=count)
        seen |= {one.branch.span.span_id for one in entries if isinstance(one, Row)}
        if not isinstance(last := entries[-1], Hidden):
            break
        skip, count = last.skip, last.reveal
    assert len(seen) == 100


def test_a_filter_of_errors_keeps_the_way_to_each() -> None:
    spans = [
        span("a", 0, 10),
        span("fine", 1, 1, "a@0"),
        span("b", 2, 5, "a@0"),
        span("broken", 3, 1, "b@2", status="error"),
    ]
    tree = build_tree(spans)

    [root] = rows.draw(tree, Cut(errors_only=True))
    assert isinstance(root, Row)
    assert root.below is not None
    assert names(root.below) == ["b"]


def test_the_way_to_the_chosen_span_is_open() -> None:
    wide = [span(f"w{n}", n, 1, "s0@0") for n in range(1, 180)]
    tree = build_tree([*chain(20), *wide])

    assert depth_of(rows.draw(tree, Cut())) == 0
    assert depth_of(rows.draw(tree, Cut(opened=frozenset(["s19@19"])))) == 19


def test_a_chain_of_any_length_is_opened_to_a_depth() -> None:
    tree = build_tree(chain(3_000))

    assert depth_of(rows.draw(tree, Cut(opened=frozenset(["s2999@2999"])))) == rows.DEEPEST


def chain(length: int) -> list[Span]:
    below = [span(f"s{n}", n, 1, f"s{n - 1}@{n - 1}") for n in range(1, length)]
    return [span("s0", 0, 5_000), *below]


def depth_of(entries: list[Entry]) -> int:
    depth = 0
    while entries and isinstance(entries[0], Row) and entries[0].below:
        entries, depth = entries[0].below, depth + 1
    return depth


def test_an_answer_has_two_hundred_rows_at_most() -> None:
    spans = [span("a", 0, 1000), *(span(f"b{n}", n, 1, "a@0") for n in range(1, 1001))]
    tree = build_tree(spans)

    first = rows.open_branch(tree, tree.by_id["a@0"], Cut())
    last = rows.open_branch(tree, tree.by_id["a@0"], Cut(), skip=800)

    assert len(names(first)) == rows.MOST_ROWS
    assert isinstance(first[-1], Hidden)
    assert first[-1].count == 800
    assert len(names(last)) == rows.MOST_ROWS
    assert not isinstance(last[-1], Hidden)


def test_ten_thousand_spans_are_read_in_half_a_second_of_processor_time() -> None:
    spans = [span("a", 0, 20_000)]
    for number in range(1, 10_000):
        parent = "a@0" if number % 10 == 1 else spans[-1].span_id
        spans.append(span(f"b{number % 10}", number, 20, parent))

    began = time.thread_time()
    tree = build_tree(spans)
    add_up(mark_critical_path(tree), tree.duration)
    drawing.lanes(tree)
    rows.draw(tree, Cut())
    assert time.thread_time() - began < 0.5


def test_every_bar_can_be_seen_and_stays_in_the_picture() -> None:
    tree = build_tree([span("a", 0, 10_000), span("tiny", 9_999.999, 0.001, "a@0")])

    bar = drawing.place(tree.by_id["tiny@10000"], tree)
    assert bar.width >= drawing.NARROWEST
    assert bar.x + bar.width <= drawing.WIDTH
