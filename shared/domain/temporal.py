"""Finds when work was done: five patterns of time. Pure.

Each rule reads one user's timeline in one project and returns all it finds there; what could not
have changed is left as it is stored. A session, burst or sequence belongs to the day in which it
starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from shared.domain import bursts, rhythm
from shared.domain.evidence import merge_users
from shared.domain.findings import Finding, Look, PatternKey
from shared.domain.periods import bounds_of, period_of
from shared.domain.places import Place
from shared.domain.temporal_evidence import (
    describe_bursts,
    describe_hour,
    describe_rhythm,
    describe_sequences,
    describe_sessions,
)
from shared.domain.work_sessions import Moment, Session, Timeline, split_at_gaps

MINIMUM_IN_HOUR: Final = 5
MINIMUM_IN_SESSION: Final = 5
SHORTEST_SESSION: Final = timedelta(minutes=5)
"""Memories written down at one moment are an import, not a session."""
MINIMUM_IN_SEQUENCE: Final = 3
"""Different moments: what happened at once has no order."""
LONGEST_STEP: Final = timedelta(minutes=30)

_Parts: TypeAlias = list[tuple[Moment, ...]]


@dataclass(frozen=True, slots=True)
class TemporalReading:
    """What the graph holds of some weeks, and of the days before and after each of them."""

    places: Sequence[Place]
    timelines: Sequence[Timeline]
    checked: frozenset[PatternKey]
    """The patterns that may have changed in these weeks."""


def find_temporal(reading: TemporalReading) -> Look:
    """Return those of the patterns that may have changed which are there."""
    every = (finding for rule in _RULES for line in reading.timelines for finding in rule(line))
    found = [finding for finding in every if finding.key in reading.checked]
    return Look(merge_users(found), reading.checked)


def sessions_in(reading: TemporalReading) -> list[Session]:
    """Return the sessions that start in the weeks that are looked at."""
    places = set(reading.places)
    return [
        session
        for line in reading.timelines
        for session in line.sessions
        if _place_of(session) in places
    ]


def find_intensive_sessions(timeline: Timeline) -> list[Finding]:
    """Return the clock hours with at least five memories."""
    hours: defaultdict[str, list[Moment]] = defaultdict(list)
    for moment in timeline.moments:
        hours[period_of(moment.occurred_at, "hour")].append(moment)
    return [describe_hour(members) for members in hours.values() if len(members) >= MINIMUM_IN_HOUR]


def find_activity_bursts(timeline: Timeline) -> list[Finding]:
    """Return the days with half hours of at least five memories."""
    found = [burst for one in timeline.sessions for burst in bursts.find_bursts(one.members)]
    return [describe_bursts(own) for own in _by_day(found)]


def find_work_sessions(timeline: Timeline) -> list[Finding]:
    """Return the days with work sessions of at least five memories and five minutes."""
    every = _by_day([session.members for session in timeline.sessions])
    days = [[Session(members) for members in own] for own in every]
    return [describe_sessions(long, own) for own in days if (long := list(filter(_is_long, own)))]


def find_work_sequences(timeline: Timeline) -> list[Finding]:
    """Return the days with chains of at least three memories, each soon after the one before."""
    found = [
        part
        for session in timeline.sessions
        for part in split_at_gaps(session.members, LONGEST_STEP)
        if _has_order(part)
    ]
    return [describe_sequences(own) for own in _by_day(found)]


def find_daily_rhythms(timeline: Timeline) -> list[Finding]:
    """Return the weeks whose days are alike in their hours."""
    weeks: defaultdict[str, list[Moment]] = defaultdict(list)
    for moment in timeline.moments:
        weeks[period_of(moment.occurred_at, "week")].append(moment)
    found = ((members, rhythm.find_rhythm(members)) for members in weeks.values())
    return [describe_rhythm(members, one) for members, one in found if one]


_RULES: Final[tuple[Callable[[Timeline], list[Finding]], ...]] = (
    find_intensive_sessions,
    find_activity_bursts,
    find_work_sessions,
    find_work_sequences,
    find_daily_rhythms,
)


def _place_of(session: Session) -> Place:
    since, _ = bounds_of(session.started_at, "week")
    return Place(session.members[0].project_name, since)


def _by_day(parts: Iterable[tuple[Moment, ...]]) -> list[_Parts]:
    days: defaultdict[str, _Parts] = defaultdict(list)
    for part in parts:
        days[period_of(part[0].occurred_at, "day")].append(part)
    return list(days.values())


def _is_long(session: Session) -> bool:
    return len(session.members) >= MINIMUM_IN_SESSION and session.length >= SHORTEST_SESSION


def _has_order(part: Sequence[Moment]) -> bool:
    return len({moment.occurred_at for moment in part}) >= MINIMUM_IN_SEQUENCE
