"""Patterns of time: what each needs, what its numbers and its sentence say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.findings import MAX_EVIDENCE
from shared.domain.places import Place
from shared.domain.temporal import find_temporal, sessions_in
from shared.domain.temporal_keys import NAMES
from shared.domain.work_sessions import Moment
from tests.unit.domain.moment_builders import (
    EVERY_WEEK,
    MONDAY,
    Store,
    look,
    moment,
    moments,
    named,
    whole,
)

JUST_LESS = 1 / 60
SUNDAY_NIGHT = datetime(2026, 1, 11, 23, 30, tzinfo=UTC)


def test_four_memories_in_an_hour_are_nothing_and_five_a_session() -> None:
    assert named("intensive-session", moments(0, 10, 20, 30)) == []
    (found,) = named("intensive-session", moments(0, 10, 20, 30, 59))
    assert (found.period, found.period_type) == ("2026-01-05T09", "hour")
    assert (found.frequency, found.confidence) == (5, 0.25)
    assert found.metadata["reason"] == (
        "5 memories of shop stand in the hour from 2026-01-05 09:00 UTC, the first at 09:00, "
        "the last at 09:59."
    )


def test_the_next_hour_does_not_count() -> None:
    assert named("intensive-session", moments(0, 10, 20, 30, 60)) == []


@pytest.mark.parametrize(("count", "confidence"), [(17, 0.85), (18, 0.9), (59, 0.9)])
def test_confidence_grows_to_nine_tenths(count: int, confidence: float) -> None:
    (found,) = named("intensive-session", moments(*range(count)))
    assert found.confidence == confidence


def test_a_day_says_all_its_bursts_and_the_largest() -> None:
    (found,) = named("activity-burst", moments(*range(5), *range(300, 307)))
    assert (found.period, found.period_type, found.frequency) == ("2026-01-05", "day", 12)
    assert (found.metadata["bursts"], found.metadata["largest"]) == (2, 7)
    assert found.metadata["windows"] == [
        "09:00 to 09:04: 5 memories",
        "14:00 to 14:06: 7 memories",
    ]
    assert found.metadata["reason"] == (
        "2 bursts of shop on 2026-01-05 UTC, with at least 5 memories within 30 minutes: the "
        "largest has 7 memories, 14:00 to 14:06; 12 memories in all."
    )


def test_a_burst_across_midnight_belongs_to_the_day_in_which_it_starts() -> None:
    late = MONDAY.replace(hour=23, minute=50)
    (found,) = named("activity-burst", moments(0, 5, 11, 15, 20, start=late))
    assert (found.period, found.frequency) == ("2026-01-05", 5)
    assert found.metadata["windows"] == ["23:50 to 00:10 on 2026-01-06: 5 memories"]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [((0, 60), 0), ((0, 1, 2, 3), 0), ((0, 0, 0, 0, 5 - JUST_LESS), 0), ((0, 1, 2, 3, 5), 1)],
)
def test_a_work_session_needs_five_memories_and_five_minutes(
    minutes: tuple[float, ...], expected: int
) -> None:
    assert len(named("work-session", moments(*minutes))) == expected


def test_a_day_says_its_work_sessions_their_kinds_and_breaks() -> None:
    morning, lunch, evening = range(0, 100, 20), [240], range(600, 606)
    (found,) = named("work-session", moments(*morning, *lunch, *evening))
    assert (found.frequency, found.confidence) == (11, 0.55)
    assert found.metadata["sessions"] == [
        "09:00 to 10:20: 5 memories, continuous",
        "19:00 to 19:05: 6 memories, rapid",
    ]
    assert found.metadata["breaks"] == ["2 h 40 min", "6 h 00 min"]
    assert found.metadata["minutes"] == 85
    assert found.metadata["reason"] == (
        "11 memories of shop form 2 work sessions that started on 2026-01-05 UTC: the longest "
        "lasted 1 h 20 min (09:00 to 10:20), continuous, its longest gap 20 min 00 s; 2 breaks "
        "over 120 minutes between sessions, the longest of 6 h 00 min."
    )


def test_a_day_of_one_session_has_no_break() -> None:
    (found,) = named("work-session", moments(*range(6)))
    assert str(found.metadata["reason"]).endswith(
        "no break over 120 minutes parts it from another session of that day."
    )


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (5 - JUST_LESS, (2, 0, 0)),
        (5, (1, 1, 0)),
        (15 - JUST_LESS, (1, 1, 0)),
        (15, (1, 0, 1)),
        (30, (1, 0, 1)),
    ],
)
def test_steps_are_counted_by_class(gap: float, expected: tuple[int, int, int]) -> None:
    (found,) = named("work-sequence", moments(0, 1, 1 + gap))
    counts = (found.metadata["immediate"], found.metadata["quick"], found.metadata["delayed"])
    assert counts == expected


@pytest.mark.parametrize("minutes", [(0, 1), (0, 1, 31 + JUST_LESS), (0, 0, 0), (0, 0, 1)])
def test_fewer_than_three_moments_in_a_chain_are_no_sequence(minutes: tuple[float, ...]) -> None:
    assert named("work-sequence", moments(*minutes)) == []


def test_a_day_says_its_sequences_and_their_median_gap() -> None:
    (found,) = named("work-sequence", moments(0, 2, 10, 100, 101, 102, 122))
    assert (found.frequency, found.metadata["sequences"], found.metadata["longest"]) == (7, 2, 4)
    assert found.metadata["median_gap_seconds"] == 120
    assert found.metadata["reason"] == (
        "7 memories of shop form 2 sequences that started on 2026-01-05 UTC with gaps of at most "
        "30 minutes: 3 immediate (under 5 minutes), 1 quick (under 15), 1 delayed; the median gap "
        "is 2 min 00 s."
    )


def test_a_week_of_the_same_hours_has_a_rhythm_with_its_evidence_in_the_peak_hours() -> None:
    daily = [24 * 60 * day + minute for day in range(5) for minute in (0, 10, 70, 80)]
    (found,) = named("daily-rhythm", moments(*daily, 400))
    assert (found.period, found.period_type) == ("2026-W02", "week")
    assert (found.frequency, found.confidence) == (20, 0.4)
    assert found.metadata["peak_hours"] == ["09", "10"]
    assert str(found.metadata["reason"]).startswith(
        "20 of 21 memories of shop in 2026-W02 stand in 2 hours of the day, 09-11 UTC, each active "
        "on more than half of 5 days; the days agree by "
    )
    assert moment(400).id not in found.evidence


def test_two_users_of_a_day_are_one_pattern_that_counts_both() -> None:
    every = [*moments(*range(6)), *(moment(n, f"b{n}", user="ben") for n in range(7))]
    (found,) = named("work-session", every)
    assert (found.user_id, found.users, found.frequency) == (None, ["anna", "ben"], 13)


def test_two_users_together_do_not_make_what_none_of_them_did() -> None:
    every = [*moments(0, 1, 2, 3), *(moment(n, f"b{n}", user="ben") for n in range(4))]
    assert {finding.name for finding in look(every)} == {"work-sequence"}


def test_a_pattern_links_to_its_newest_memories_and_counts_all() -> None:
    every = moments(*(n / 10 for n in range(300)))
    (found,) = named("intensive-session", every)
    assert (found.frequency, len(found.evidence)) == (300, MAX_EVIDENCE)
    assert found.evidence == tuple(member.id for member in every[-MAX_EVIDENCE:])


def test_ten_thousand_memories_of_one_minute_are_an_hour_and_a_burst_but_no_session() -> None:
    found = {each.name: each for each in look(moments(*(n / 10_000 for n in range(10_000))))}
    assert found.keys() == {"intensive-session", "activity-burst", "work-sequence"}
    assert found["activity-burst"].metadata["largest"] == 10_000


def test_memories_of_one_moment_are_an_hour_and_a_burst_only() -> None:
    same = [moment(0, f"s{n}") for n in range(50)]
    assert {each.name for each in look(same)} == {"intensive-session", "activity-burst"}


@pytest.mark.parametrize("found", [[], moments(0), moments(0, 1), moments(0, 0.0)])
def test_no_pattern_is_made_of_nothing(found: list[Moment]) -> None:
    assert look(found) == []


def test_1970_and_year_one_have_patterns_too() -> None:
    for start in (datetime(1970, 1, 1, tzinfo=UTC), datetime(1, 2, 1, tzinfo=UTC)):
        week = Place("shop", start - timedelta(days=start.weekday()))
        reading = whole([week], moments(*range(6), start=start))
        assert {each.name for each in find_temporal(reading).findings} == {
            "intensive-session", "activity-burst", "work-session", "work-sequence"
        }  # fmt: skip


def test_what_starts_in_another_week_is_left_to_it() -> None:
    every = moments(*range(0, 60, 6), start=SUNDAY_NIGHT)
    first, second = (Place("shop", datetime(2026, 1, day, tzinfo=UTC)) for day in (5, 12))
    before = find_temporal(whole([first], every)).findings
    after = find_temporal(whole([second], every)).findings
    assert {(each.name, each.period, each.frequency) for each in before} == {
        ("intensive-session", "2026-01-11T23", 5),
        ("activity-burst", "2026-01-11", 6),
        ("work-session", "2026-01-11", 10),
        ("work-sequence", "2026-01-11", 10),
    }
    assert {(each.name, each.period) for each in after} == {("intensive-session", "2026-01-12T00")}
    assert sessions_in(whole([second], every)) == []


def test_every_key_of_a_week_is_checked() -> None:
    checked = find_temporal(whole(EVERY_WEEK[:1], [])).checked
    assert len(checked) == 7 * 24 + 3 * 7 + 1
    assert {name for _, name, _, _ in checked} == NAMES.keys()


STEPS = st.one_of(
    st.integers(0, 40), st.sampled_from([5, 15, 30, 120, 121, 24 * 60, 3 * 24 * 60]), st.just(115)
)
DENSE = st.lists(STEPS, min_size=1, max_size=120)


def walk(steps: list[int], *, user: str = "anna") -> list[Moment]:
    """Return memories that follow each other by the steps, from a Sunday on."""
    start = datetime(2026, 1, 11, 18, tzinfo=UTC)
    total = 0
    found: list[Moment] = []
    for place, step in enumerate(steps):
        total += step
        found.append(moment(total, f"{user}{place:03d}", user=user, start=start))
    return found


def once(found: list[Moment]) -> tuple[object, object]:
    """Return what one look at everything finds."""
    reading = whole(EVERY_WEEK, found)
    patterns = {each.key: each for each in find_temporal(reading).findings}
    return patterns, {each.members[0].id: each for each in sessions_in(reading)}


@settings(max_examples=150, deadline=None)
@given(DENSE, DENSE, st.data())
def test_any_order_and_pieces_of_arrival_and_removal_find_what_one_look_finds(
    steps: list[int], others: list[int], data: st.DataObject
) -> None:
    every = data.draw(st.permutations([*walk(steps), *walk(others, user="ben")]))
    gone = data.draw(st.lists(st.sampled_from(every), unique=True, max_size=10))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(every)), max_size=6)))
    store = Store()
    for start, end in zip([0, *cuts], [*cuts, len(every)], strict=True):
        store.add(every[start:end])
    store.remove(gone)
    kept = [each for each in every if each not in gone]
    assert (store.patterns, store.sessions) == once(kept)


@settings(max_examples=20, deadline=None)
@given(st.integers(60, 119), st.integers(150, 400), st.randoms(use_true_random=False))
def test_work_without_any_break_for_weeks_is_found_the_same_in_any_order(
    step: int, count: int, random: Random
) -> None:
    every = walk([step] * count)
    shuffled = random.sample(every, count)
    store = Store()
    for start in range(0, count, 40):
        store.add(shuffled[start : start + 40])
    assert (store.patterns, store.sessions) == once(every)


def test_one_memory_in_a_gap_joins_what_lies_on_both_sides_of_a_weeks_edge() -> None:
    before = moments(*range(5), start=SUNDAY_NIGHT)
    after = moments(*range(200, 205), start=SUNDAY_NIGHT)
    store = Store()
    store.add([*before, *after])
    assert {each.started_at.day for each in store.sessions.values()} == {11, 12}
    bridge = moment(100, "bridge", start=SUNDAY_NIGHT)
    store.add([bridge])
    (joined,) = store.sessions.values()
    assert len(joined.members) == 11
    store.remove([bridge])
    assert len(store.sessions) == 2


def test_a_memory_late_in_the_day_may_cut_a_session_two_days_later() -> None:
    evening = datetime(2026, 1, 6, 22, tzinfo=UTC)
    before = moment(0, start=evening)
    onwards = [moment(150 + 100 * n, start=evening) for n in range(40)]
    store = Store()
    store.add([before, *onwards])
    store.add([late := moment(90, start=evening)])
    assert (store.patterns, store.sessions) == once([before, *onwards, late])
    assert [each.started_at.day for each in store.sessions.values()] == [6, 8, 9]
