"""Memories by their time alone, and a store that is looked at as the graph is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from shared.domain.findings import Finding, Look, News, PatternKey
from shared.domain.margins import with_margins
from shared.domain.places import Place, places_of
from shared.domain.temporal import TemporalReading, find_temporal, sessions_in
from shared.domain.temporal_keys import keys_of_weeks, keys_to_check
from shared.domain.work_sessions import REACH, Moment, Session, timelines_of

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVERY_WEEK = [
    Place("shop", datetime(2025, 12, 1, tzinfo=UTC) + timedelta(weeks=n)) for n in range(20)
]


def moment(
    minutes: float = 0, name: str = "", *, user: str = "anna", start: datetime = MONDAY
) -> Moment:
    """Return a memory of so many minutes after Monday, 09:00 UTC."""
    at = start + timedelta(minutes=minutes)
    return Moment(name or f"m{minutes:012.3f}", user, "shop", at)


def moments(*minutes: float, start: datetime = MONDAY) -> list[Moment]:
    """Return memories of one user."""
    return [moment(each, start=start) for each in minutes]


def whole(places: Sequence[Place], found: Iterable[Moment]) -> TemporalReading:
    """Return a reading of weeks in which everything may have changed."""
    return TemporalReading(places, timelines_of(found), keys_of_weeks(places))


def look(found: Iterable[Moment]) -> list[Finding]:
    """Return the patterns of all memories at once."""
    return list(find_temporal(whole(EVERY_WEEK, found)).findings)


def named(name: str, found: Iterable[Moment]) -> list[Finding]:
    """Return the patterns of one name."""
    return [finding for finding in look(found) if finding.name == name]


class Store:
    """Keeps memories and what was found in them, week by week, as the graph does."""

    def __init__(self) -> None:
        self.memories: dict[str, Moment] = {}
        self.patterns: dict[PatternKey, Finding] = {}
        self.sessions: dict[str, Session] = {}

    def add(self, arrived: Iterable[Moment]) -> None:
        """Take memories and look at what they may have changed."""
        fresh = list(arrived)
        self.memories |= {each.id: each for each in fresh}
        self._look(fresh)

    def remove(self, gone: Iterable[Moment]) -> None:
        """Drop memories and look at what that may have changed."""
        lost = list(gone)
        for each in lost:
            del self.memories[each.id]
        self._look(lost)

    def _look(self, changed: Iterable[Moment]) -> None:
        news = [
            News(each.id, "memory", each.user_id, each.project_name, each.occurred_at)
            for each in changed
        ]
        places = places_of(news, now=NOW, spill=REACH)
        seen = [
            each
            for part in with_margins(places, REACH)
            for each in self.memories.values()
            if part.since <= each.occurred_at < part.until
        ]
        checked = keys_to_check(news, places, seen, most=10_000)
        reading = TemporalReading(places, timelines_of(seen), checked)
        self._save(find_temporal(reading))
        self._save_sessions(places, sessions_in(reading))

    def _save(self, result: Look) -> None:
        for key in result.checked:
            self.patterns.pop(key, None)
        self.patterns |= {finding.key: finding for finding in result.findings}

    def _save_sessions(self, places: list[Place], found: list[Session]) -> None:
        kept = {
            key: each
            for key, each in self.sessions.items()
            if not any(place.since <= each.started_at < place.until for place in places)
        }
        self.sessions = kept | {each.members[0].id: each for each in found}
