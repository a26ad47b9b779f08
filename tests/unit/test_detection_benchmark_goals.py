"""A detection run that is slow, grows, scans or swells is never taken for a good one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.detection.detecting import Round, Statement
from benchmarks.detection.results import add_old_way, add_profiles, add_rounds
from benchmarks.detection.rounds import Taken
from benchmarks.detection.world import NEW, World
from benchmarks.figures import Results

WORLDS = [World(10_000), World(100_000)]
SEEK = Statement(text="MATCH", db_hits=1_000, most_rows=10, executions=1, scans=[])


def taken(*, seconds: float = 1.0, peak_kib: int = 100_000, statement: Statement = SEEK) -> Taken:
    one = Round(
        write_seconds=0.1,
        seconds=seconds,
        cpu_seconds=0.1,
        by_detector={"debugging": seconds},
        patterns=3,
        statements=[statement],
        peak_kib=peak_kib,
    )
    return Taken(one, server_cpu_seconds=1.0)


def judged(
    first: Taken, last: Taken, *, old_seconds: float = 60.0, worlds: Sequence[World] = WORLDS
) -> bool:
    results = Results()
    rounds = [[first] * 3, [last] * 3]
    add_rounds(results, worlds, rounds)
    add_profiles(results, worlds, rounds)
    add_old_way(results, worlds, rounds, [old_seconds, old_seconds])
    return results.is_good


def test_a_run_that_costs_the_same_in_every_graph_is_good() -> None:
    assert judged(taken(), taken(seconds=1.9, peak_kib=110_000))


@pytest.mark.parametrize(
    "last",
    [
        taken(seconds=2.0),
        taken(peak_kib=120_000),
        taken(statement=SEEK.model_copy(update={"db_hits": 1_600})),
        taken(statement=SEEK.model_copy(update={"scans": ["NodeByLabelScan"]})),
    ],
    ids=["slower", "larger", "more hits", "a scan"],
)
def test_one_thing_that_grows_spoils_it(last: Taken) -> None:
    assert not judged(taken(), last)


def test_five_seconds_are_too_much_also_where_nothing_grows() -> None:
    assert not judged(taken(seconds=5.0), taken(seconds=5.0), old_seconds=600.0)


def test_a_run_that_is_no_faster_than_the_old_way_is_not_good() -> None:
    assert not judged(taken(), taken(), old_seconds=1.0)


def test_a_fuller_week_may_cost_more_but_must_not_scan() -> None:
    dense = [World(size, is_dense=True) for size in (10_000, 100_000)]
    scanning = SEEK.model_copy(update={"scans": ["NodeByLabelScan"]})
    assert judged(taken(), taken(seconds=9.0), worlds=dense)
    assert not judged(taken(), taken(statement=scanning), worlds=dense)


def test_a_growing_workspace_keeps_its_rate_and_a_dense_one_its_four_weeks() -> None:
    small, large, dense = World(10_000), World(1_000_000), World(100_000, is_dense=True)
    assert small.rate == large.rate == 100
    assert (small.projects, small.weeks) == (10, 10)
    assert (large.projects, large.weeks) == (50, 200)
    assert (dense.projects, dense.weeks) == (1, 4)


def test_new_memories_are_new_and_lie_in_four_places_of_the_last_week() -> None:
    world = World(10_000)
    known = {memory.entity.id for memory in world.batch(0, world.size).memories}
    new = world.news(0).memories
    assert len(new) == NEW
    assert known.isdisjoint(memory.entity.id for memory in new)
    assert len({memory.entity.project_name for memory in new}) == 4
    assert all(memory.entity.occurred_at >= world.monday(world.weeks - 1) for memory in new)


def test_entities_are_the_same_in_whatever_pieces_they_are_made() -> None:
    world = World(1_000)
    whole = [memory.entity for memory in world.batch(0, 200).memories]
    pieces = [m.entity for start in (0, 100) for m in world.batch(start, start + 100).memories]
    assert whole == pieces
