"""Makes findings of what was found in time, and says why in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain, pairwise
from statistics import median
from typing import Final

from shared.domain.confidence import keyword_confidence
from shared.domain.findings import MAX_EVIDENCE, Fact, Finding
from shared.domain.periods import period_of
from shared.domain.rhythm import Rhythm
from shared.domain.temporal_keys import NAMES, TYPE
from shared.domain.temporal_words import clock, counted, hours_in_words, lasting, span
from shared.domain.work_sessions import LONGEST_GAP, Moment, Session, gaps_of

IMMEDIATE: Final = timedelta(minutes=5)
QUICK: Final = timedelta(minutes=15)
CAP: Final = 0.9
_MINUTE: Final = timedelta(minutes=1)


def describe_hour(members: Sequence[Moment]) -> Finding:
    """Return the finding that a clock hour is."""
    first, last = members[0].occurred_at, members[-1].occurred_at
    reason = (
        f"{len(members)} memories of {_project(members)} stand in the hour from "
        f"{first:%Y-%m-%d %H}:00 UTC, the first at {clock(first)}, the last at {clock(last)}."
    )
    return _finding("intensive-session", members, {"reason": reason}, full_at=20)


def describe_bursts(own: Sequence[tuple[Moment, ...]]) -> Finding:
    """Return the finding that a day's bursts are."""
    members = list(chain.from_iterable(own))
    largest = max(own, key=len)
    reason = (
        f"{counted(len(own), 'burst', 'bursts')} of {_project(members)} on {_day(members)} UTC, "
        f"with at least 5 memories within 30 minutes: the largest has {len(largest)} memories, "
        f"{span(largest)}; {len(members)} memories in all."
    )
    facts: dict[str, Fact] = {
        "bursts": len(own),
        "largest": len(largest),
        "largest_at": largest[0].occurred_at.isoformat(),
        "windows": [f"{span(part)}: {len(part)} memories" for part in own],
        "reason": reason,
    }
    return _finding("activity-burst", members, facts, full_at=20)


def describe_sessions(own: Sequence[Session], every: Sequence[Session]) -> Finding:
    """Return the finding that a day's long sessions are; the breaks are those between all of it."""
    members = list(chain.from_iterable(session.members for session in own))
    breaks = [after.started_at - before.ended_at for before, after in pairwise(every)]
    longest = max(own, key=lambda session: session.length)
    reason = (
        f"{len(members)} memories of {_project(members)} form "
        f"{counted(len(own), 'work session', 'work sessions')} that started on {_day(members)} "
        f"UTC: the longest lasted {lasting(longest.length)} ({span(longest.members)}), "
        f"{longest.kind}, its longest gap {lasting(max(gaps_of(longest.members)))}; "
        f"{_breaks_in_words(breaks)}."
    )
    facts: dict[str, Fact] = {
        "sessions": [
            f"{span(one.members)}: {len(one.members)} memories, {one.kind}" for one in own
        ],
        "minutes": sum(round(one.length / _MINUTE) for one in own),
        "breaks": [lasting(one) for one in breaks],
        "reason": reason,
    }
    return _finding("work-session", members, facts, full_at=20)


def _breaks_in_words(breaks: list[timedelta]) -> str:
    minutes = LONGEST_GAP // _MINUTE
    if not breaks:
        return f"no break over {minutes} minutes parts it from another session of that day"
    said = counted(len(breaks), "break", "breaks")
    return f"{said} over {minutes} minutes between sessions, the longest of {lasting(max(breaks))}"


def describe_sequences(own: Sequence[tuple[Moment, ...]]) -> Finding:
    """Return the finding that a day's sequences are."""
    members = list(chain.from_iterable(own))
    steps = [gap for part in own for gap in gaps_of(part)]
    immediate = sum(gap < IMMEDIATE for gap in steps)
    quick = sum(gap < QUICK for gap in steps) - immediate
    delayed = len(steps) - immediate - quick
    middle = timedelta(seconds=median(gap.total_seconds() for gap in steps))
    reason = (
        f"{len(members)} memories of {_project(members)} form "
        f"{counted(len(own), 'sequence', 'sequences')} that started on {_day(members)} UTC with "
        f"gaps of at most 30 minutes: {immediate} immediate (under 5 minutes), {quick} quick "
        f"(under 15), {delayed} delayed; the median gap is {lasting(middle)}."
    )
    facts: dict[str, Fact] = {
        "sequences": len(own),
        "longest": max(map(len, own)),
        "immediate": immediate,
        "quick": quick,
        "delayed": delayed,
        "median_gap_seconds": round(middle.total_seconds(), 3),
        "reason": reason,
    }
    return _finding("work-sequence", members, facts, full_at=20)


def describe_rhythm(members: Sequence[Moment], found: Rhythm) -> Finding:
    """Return the finding that a week's rhythm is; its evidence stands in the peak hours."""
    at_peak = [moment for moment in members if moment.occurred_at.hour in found.hours]
    reason = (
        f"{len(at_peak)} of {len(members)} memories of {_project(members)} in "
        f"{period_of(members[0].occurred_at, 'week')} stand in "
        f"{counted(len(found.hours), 'hour', 'hours')} of the day, "
        f"{hours_in_words(found.hours)} UTC, each active on more than half of {found.days} days; "
        f"the days agree by {found.deviation:.1f} standard deviations more than by chance."
    )
    facts: dict[str, Fact] = {
        "peak_hours": [f"{hour:02d}" for hour in found.hours],
        "share": round(found.share, 4),
        "days": found.days,
        "deviation": round(found.deviation, 2),
        "reason": reason,
    }
    return _finding("daily-rhythm", at_peak, facts, full_at=50)


def _finding(
    name: str, members: Sequence[Moment], facts: dict[str, Fact], *, full_at: int
) -> Finding:
    first = members[0]
    return Finding(
        type=TYPE,
        name=name,
        user_id=first.user_id,
        project_name=first.project_name,
        period=period_of(first.occurred_at, NAMES[name]),
        period_type=NAMES[name],
        frequency=len(members),
        confidence=round(keyword_confidence(size=len(members), full_at=full_at, cap=CAP), 4),
        evidence=tuple(member.id for member in members[-MAX_EVIDENCE:]),
        first_at=first.occurred_at,
        last_at=members[-1].occurred_at,
        metadata={"memories": len(members), **facts},
    )


def _project(members: Sequence[Moment]) -> str:
    return members[0].project_name or "no project"


def _day(members: Sequence[Moment]) -> str:
    return period_of(members[0].occurred_at, "day")
