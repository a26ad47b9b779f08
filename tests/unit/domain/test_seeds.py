"""Seeds are the newest carriers of every group that is large enough."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.seeds import MOST, MOST_OF_GROUP, choose_seeds
from tests.unit.domain.domain_builders import MONDAY, summary


def test_the_newest_carriers_are_the_seeds() -> None:
    carriers = [summary(str(number), hours=number) for number in range(MOST_OF_GROUP + 2)]
    chosen = choose_seeds(carriers, "week", minimum=3)
    assert [seed.summary.id for seed in chosen] == [str(n) for n in range(MOST_OF_GROUP + 1, 1, -1)]


def test_a_group_that_is_too_small_has_no_seed() -> None:
    carriers = [summary("a"), summary("b"), summary("c", hours=24 * 7), summary("d", user="ben")]
    assert choose_seeds(carriers, "week", minimum=3) == []
    assert len(choose_seeds(carriers, "week", minimum=2)) == 2


def test_a_busy_project_does_not_hide_a_quiet_one() -> None:
    projects = [f"p{number}" for number in range(MOST)]
    busy = [summary(f"{p}/{n}", hours=n, project=p) for p in projects for n in range(2)]
    quiet = [summary(f"quiet/{n}", project="quiet") for n in range(2)]
    chosen = choose_seeds([*quiet, *busy], "week", minimum=2)
    assert len(chosen) == MOST
    assert len({seed.summary.project_name for seed in chosen}) == MOST


def test_neighbours_are_looked_for_in_the_period_of_the_seed() -> None:
    (seed,) = choose_seeds([summary("a")], "week", minimum=1)
    monday = MONDAY.replace(hour=0)
    assert (seed.since, seed.until) == (monday, monday + timedelta(days=7))


def test_without_carriers_there_are_no_seeds() -> None:
    assert choose_seeds([], "week", minimum=3) == []
