"""Seeds are the newest carriers, of every project in turn."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.seeds import choose_seeds
from tests.unit.domain.domain_builders import MONDAY, summary


def test_the_newest_carriers_are_the_seeds() -> None:
    carriers = [summary(str(hour), hours=hour) for hour in range(5)]
    chosen = choose_seeds(carriers, "week", recent_days=None, limit=2)
    assert [seed.summary.id for seed in chosen.seeds] == ["4", "3"]
    assert chosen.complete_since == {"shop": MONDAY + timedelta(hours=3)}


def test_a_busy_project_does_not_hide_a_quiet_one() -> None:
    busy = [summary(f"busy{hour}", hours=1000 + hour) for hour in range(100)]
    chosen = choose_seeds(
        [*busy, summary("quiet", project="bank")], "week", recent_days=30, limit=10
    )
    assert "quiet" in {seed.summary.id for seed in chosen.seeds}
    assert "bank" not in chosen.complete_since


def test_the_last_days_count_back_from_the_newest_carrier_of_the_project() -> None:
    carriers = [summary("new", hours=24 * 40), summary("old"), summary("other", project="bank")]
    chosen = choose_seeds(carriers, "week", recent_days=30, limit=10)
    assert {seed.summary.id for seed in chosen.seeds} == {"new", "other"}


def test_neighbours_are_looked_for_in_the_period_of_the_seed() -> None:
    (seed,) = choose_seeds([summary("a")], "week", recent_days=None, limit=1).seeds
    monday = MONDAY.replace(hour=0)
    assert (seed.since, seed.until) == (monday, monday + timedelta(days=7))


def test_without_carriers_there_are_no_seeds() -> None:
    assert choose_seeds([], "week", recent_days=30, limit=10).seeds == []
