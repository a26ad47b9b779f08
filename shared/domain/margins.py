"""Which parts of which weeks are read, so that what crosses a week's edge is seen whole. Pure.

Every part belongs to one week, and of a week always the same newest memories count: two looks that
meet at an edge agree on what lies there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.places import Place


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """What is wanted of a week."""

    week: Place
    since: datetime
    until: datetime


def with_margins(places: Iterable[Place], margin: timedelta) -> list[Part]:
    """Return the weeks, and of those before and after them what lies within the margin.

    Args:
        places: the weeks to look at.
        margin: at most a week.
    """
    found: dict[Place, Part] = {}
    for part in (part for place in places for part in _around(place, margin)):
        known = found.get(part.week, part)
        since, until = min(part.since, known.since), max(part.until, known.until)
        found[part.week] = Part(part.week, since, until)
    return sorted(found.values())


def _around(place: Place, margin: timedelta) -> tuple[Part, Part, Part]:
    length = place.until - place.since
    before = Place(place.project_name, place.since - length)
    after = Place(place.project_name, place.until)
    return (
        Part(before, place.since - margin, place.since),
        Part(place, place.since, place.until),
        Part(after, place.until, place.until + margin),
    )
