"""Charts of a queue: gaps where nobody sampled, dashes for what is still counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.api.dashboard.queue_charts import Chart, draw_chart
from shared.domain.histograms import BOUNDS, bucket_of
from shared.postgres.queue_figures import QueuePoint, Range

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = [0] * (len(BOUNDS) + 1)


def point(minute: int, *, done: int, seconds: float | None = None) -> QueuePoint:
    times = list(NOTHING)
    if seconds is not None:
        times[bucket_of(seconds)] = done
    return QueuePoint(
        at=NOON + minute * MINUTE,
        waiting=3,
        running=1,
        dead=0,
        oldest_seconds=60.0 * minute,
        consumers=1,
        arrived=done,
        done=done,
        failed=0,
        wait=times,
        run=times,
    )


def draw(chart: Chart, points: list[QueuePoint], *, counted: timedelta) -> dict[str, Any]:
    return draw_chart(chart, points, Range(NOON, NOON + 4 * MINUTE), NOON + counted)


def values(answer: dict[str, Any], name: str) -> list[float | None]:
    return next(one["values"] for one in answer["series"] if one["name"] == name)


def test_a_minute_that_nobody_sampled_is_a_gap() -> None:
    answer = draw("backlog", [point(0, done=1), point(2, done=1)], counted=4 * MINUTE)

    assert values(answer, "ready") == [3, None, 3, None]
    assert len(answer["times"]) == 4


def test_what_is_still_counted_is_dashed_and_joined_to_the_rest() -> None:
    points = [point(0, done=60), point(1, done=60), point(2, done=30)]

    answer = draw("throughput", points, counted=2.5 * MINUTE)

    assert values(answer, "out") == [60, 60, None, None]
    # A rate: half a minute is counted.
    assert values(answer, "out so far") == [None, 60, 60, None]
    dashed = [one["name"] for one in answer["series"] if one.get("dashed")]
    assert dashed == ["in so far", "out so far"]


def test_seconds_of_a_minute_say_nothing_of_its_rate() -> None:
    answer = draw("throughput", [point(0, done=60), point(1, done=1)], counted=1.1 * MINUTE)

    assert values(answer, "out so far") == [60, None, None, None]


def test_a_queue_that_stands_still_shows_by_its_oldest_message() -> None:
    points = [point(0, done=5, seconds=1.0), point(1, done=0), point(2, done=0)]

    answer = draw("times", points, counted=4 * MINUTE)

    assert values(answer, "wait p95")[1:] == [None, None, None]
    assert values(answer, "oldest ready") == [0, 60, 120, None]
    assert answer["log"] is True


def test_a_chart_of_nothing_says_so() -> None:
    assert draw("backlog", [], counted=MINUTE)["times"] == []
