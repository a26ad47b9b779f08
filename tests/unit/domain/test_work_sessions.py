"""Memories with no long gap between them are one session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.domain.work_sessions import Moment, Session, session_id, timelines_of
from tests.unit.domain.moment_builders import MONDAY, moment, moments

JUST_LESS = 1 / 60
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def sessions_of(found: list[Moment]) -> list[Session]:
    (timeline,) = timelines_of(found)
    return list(timeline.sessions)


def sizes(found: list[Moment]) -> list[int]:
    return [len(session.members) for session in sessions_of(found)]


def hourly(hours: int, *, start: datetime = MIDNIGHT) -> list[Moment]:
    return moments(*(60 * n for n in range(hours)), start=start)


@pytest.mark.parametrize(("gap", "expected"), [(120, [2]), (120 + JUST_LESS, [1, 1])])
def test_a_gap_of_two_hours_joins_and_a_longer_one_parts(gap: float, expected: list[int]) -> None:
    assert sizes(moments(0, gap)) == expected


@pytest.mark.parametrize(
    ("gap", "kind"),
    [
        (0, "rapid"),
        (5 - JUST_LESS, "rapid"),
        (5, "continuous"),
        (30 - JUST_LESS, "continuous"),
        (30, "with breaks"),
        (120, "with breaks"),
    ],
)
def test_the_longest_gap_says_what_kind_a_session_is(gap: float, kind: str) -> None:
    (session,) = sessions_of(moments(0, 1, 1 + gap))
    assert session.kind == kind


def test_a_lone_memory_is_a_session_of_no_length() -> None:
    (session,) = sessions_of(moments(0))
    assert (session.kind, session.length) == ("rapid", timedelta(0))


def test_nothing_has_no_timeline() -> None:
    assert timelines_of([]) == []


def test_users_and_projects_have_timelines_of_their_own() -> None:
    other = Moment("x", "anna", "bank", MONDAY)
    found = timelines_of([moment(0), moment(1, user="ben"), other])
    assert [len(timeline.moments) for timeline in found] == [1, 1, 1]


def test_a_memory_that_was_read_twice_counts_once() -> None:
    assert sizes([moment(0), moment(0), moment(1)]) == [2]


def test_memories_of_one_moment_are_in_the_order_of_their_ids() -> None:
    same = [moment(0, "b"), moment(0, "a")]
    assert [member.id for member in sessions_of(same)[0].members] == ["a", "b"]


def test_a_session_may_cross_midnight() -> None:
    assert sizes(moments(0, 90, 180, start=MIDNIGHT - timedelta(hours=1))) == [3]


def test_a_session_that_goes_on_for_a_whole_day_is_cut_at_midnight() -> None:
    assert sizes(hourly(60, start=MIDNIGHT)) == [24, 24, 12]
    assert sizes(hourly(60, start=MIDNIGHT - timedelta(hours=1))) == [25, 24, 11]


def test_a_session_that_goes_on_for_less_than_a_whole_day_is_not_cut() -> None:
    start = MIDNIGHT + timedelta(hours=1)
    assert sizes(hourly(46, start=start)) == [46]
    assert sizes(hourly(48, start=start)) == [47, 1]


def test_no_session_lasts_two_days() -> None:
    for hours in range(24):
        found = sessions_of(hourly(300, start=MIDNIGHT + timedelta(hours=hours)))
        assert max(session.length for session in found) < timedelta(days=2)


def test_the_hour_that_the_clock_skips_in_spring_is_no_gap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 3, 29, 1, 30, tzinfo=berlin)
    after = datetime(2026, 3, 29, 4, 15, tzinfo=berlin)  # by the wall 165 minutes later, really 105
    assert sizes([Moment("a", "u", "p", before), Moment("b", "u", "p", after)]) == [2]


def test_the_hour_that_the_clock_repeats_in_autumn_is_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 25, 1, 30, tzinfo=berlin)
    after = datetime(2026, 10, 25, 3, 15, tzinfo=berlin)  # by the wall 105 minutes later
    assert sizes([Moment("a", "u", "p", before), Moment("b", "u", "p", after)]) == [1, 1]


def test_odd_offsets_are_compared_by_the_moment_they_mean() -> None:
    kathmandu = MONDAY.astimezone(ZoneInfo("Asia/Kathmandu"))
    chatham = (MONDAY + timedelta(minutes=10)).astimezone(ZoneInfo("Pacific/Chatham"))
    (session,) = sessions_of([Moment("b", "u", "p", chatham), Moment("a", "u", "p", kathmandu)])
    assert [member.id for member in session.members] == ["a", "b"]
    assert session.length == timedelta(minutes=10)


def test_a_session_keeps_its_id_while_its_first_memory_stays() -> None:
    (short,), (grown,) = sessions_of(moments(0, 5)), sessions_of(moments(0, 5, 9))
    (other,) = sessions_of(moments(-1, 0, 5))
    assert session_id("w", short) == session_id("w", grown)
    assert session_id("w", short) != session_id("w", other)
    assert session_id("w", short) != session_id("v", short)
