"""Cuts the memories of one user and project into work sessions. Pure.

Where a session starts depends on no more than the two days before it, so a week that is read with
a margin has the sessions that the whole history has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

from shared.domain.periods import bounds_of

LONGEST_GAP: Final = timedelta(minutes=120)
"""Memories that lie further apart belong to two sessions."""
RAPID: Final = timedelta(minutes=5)
CONTINUOUS: Final = timedelta(minutes=30)
REACH: Final = timedelta(days=3)
"""How far from a memory the sessions may lie that it changes, and all that is found in them."""

SessionKind: TypeAlias = Literal["rapid", "continuous", "with breaks"]
_NAMESPACE: Final = UUID("b1c7d0f4-6f0e-5d1a-8d39-0d5e8f1f7c52")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a memory was made, and whose it is."""

    id: str
    """Of its summary."""
    user_id: str
    project_name: str
    occurred_at: datetime
    change: int = 0
    """The number of its newest version."""


@dataclass(frozen=True, slots=True)
class Session:
    """Memories of one user and project with no long gap between them, oldest first."""

    members: tuple[Moment, ...]

    @property
    def started_at(self) -> datetime:
        """When its first memory was made."""
        return self.members[0].occurred_at

    @property
    def ended_at(self) -> datetime:
        """When its last memory was made."""
        return self.members[-1].occurred_at

    @property
    def length(self) -> timedelta:
        """From its first memory to its last."""
        return self.ended_at - self.started_at

    @property
    def kind(self) -> SessionKind:
        """How closely its memories follow each other, by the longest gap."""
        longest = max(gaps_of(self.members), default=timedelta(0))
        if longest < RAPID:
            return "rapid"
        return "continuous" if longest < CONTINUOUS else "with breaks"


@dataclass(frozen=True, slots=True)
class Timeline:
    """What one user did in one project, oldest first, by UTC."""

    moments: tuple[Moment, ...]
    sessions: tuple[Session, ...]


def timelines_of(moments: Iterable[Moment]) -> list[Timeline]:
    """Return one timeline for each user and project; the order of the moments does not matter."""
    owners: defaultdict[tuple[str, str], set[Moment]] = defaultdict(set)
    for moment in moments:
        owners[moment.user_id, moment.project_name].add(_by_utc(moment))
    return [_timeline(own) for _, own in sorted(owners.items())]


def gaps_of(moments: Sequence[Moment]) -> list[timedelta]:
    """Return the time between each of the moments and the next."""
    return [after.occurred_at - before.occurred_at for before, after in pairwise(moments)]


def split_at_gaps(moments: Sequence[Moment], longest: timedelta) -> list[tuple[Moment, ...]]:
    """Return the chains of moments in which no gap is longer."""
    cuts = [place for place, gap in enumerate(gaps_of(moments), start=1) if gap > longest]
    edges = [0, *cuts, len(moments)]
    return [tuple(moments[start:end]) for start, end in pairwise(edges) if end > start]


def session_id(workspace_id: str, session: Session) -> str:
    """Return the stable id of a session: it stays while its first memory does."""
    first = session.members[0]
    return str(
        uuid5(_NAMESPACE, "\x1f".join((workspace_id, first.user_id, first.project_name, first.id)))
    )


def _by_utc(moment: Moment) -> Moment:
    """Return the moment by UTC: in one time zone, Python subtracts what clocks on the wall show."""
    if moment.occurred_at.tzinfo is UTC:
        return moment
    return replace(moment, occurred_at=moment.occurred_at.astimezone(UTC))


def _timeline(own: Iterable[Moment]) -> Timeline:
    ordered = tuple(sorted(own, key=lambda moment: (moment.occurred_at, moment.id)))
    chains = split_at_gaps(ordered, LONGEST_GAP)
    return Timeline(ordered, tuple(part for chain in chains for part in _cut_endless(chain)))


def _cut_endless(chain: tuple[Moment, ...]) -> list[Session]:
    """Cut a chain at each midnight before which it went on for a whole day: nobody works so.

    Without it one session could last for months, and each of its memories would change it all.
    """
    cuts = [
        place
        for place, (before, after) in enumerate(pairwise(chain), start=1)
        if before.occurred_at.date() != after.occurred_at.date()
        and bounds_of(after.occurred_at, "day")[0] - chain[0].occurred_at >= _DAY
    ]
    return [Session(chain[start:end]) for start, end in pairwise([0, *cuts, len(chain)])]
