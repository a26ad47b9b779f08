"""Which dead letters an address of the dashboard names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query

from services.api.dashboard.registry import ROOT
from services.api.dashboard.wording import query
from services.api.letter_answers import Fingerprint, LettersWanted, MsgId, QueueName
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError
from shared.postgres.letter_queries import LetterQuery

HOME: Final = f"{ROOT}/dead-letters"
Chosen = Annotated[QueueName | Literal[""], Query()]
Words = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters an address names: the fields of a filter, or ids."""

    queue: str | None = None
    group: str | None = None
    error: str | None = None
    contains: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[int, ...] = ()

    @property
    def conditions(self) -> dict[str, Any]:
        """What stands in an address, apart from ids."""
        return {
            "queue": self.queue,
            "group": self.group,
            "error": self.error,
            "contains": self.contains,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
        }

    @property
    def without_ids(self) -> Wanted:
        """Return the filter alone."""
        return replace(self, ids=())

    def address(self, page: str) -> str:
        """Return where these letters are shown, or asked about."""
        ids = "".join(f"&ids={one}" for one in self.ids)
        return f"{HOME}/{page}?{query(**self.conditions)}{ids}"

    def as_filter(self) -> LettersWanted:
        """Return the filter of an API's request."""
        return LettersWanted(
            fingerprint=self.group,
            error=self.error,
            contains=self.contains,
            since=self.since,
            until=self.until,
        )

    def describe(self) -> list[tuple[str, str]]:
        """Return in words what a filter says."""
        named = {"ids": ", ".join(map(str, self.ids)), **self.conditions}
        return [(name, str(value)) for name, value in named.items() if value]


def read_wanted(
    queue: Chosen = "",
    group: Annotated[Fingerprint | Literal[""], Query()] = "",
    error: Words = "",
    contains: Words = "",
    since: Words = "",
    until: Words = "",
    ids: Annotated[list[MsgId] | None, Query(max_length=1_000)] = None,
) -> Wanted:
    """Return which letters the address names; a field that a form left empty says nothing."""
    return Wanted(
        queue=queue or None,
        group=group or None,
        error=check_text(error, "error") if error else None,
        contains=check_text(contains, "contains") if contains else None,
        since=read_moment(since, "since"),
        until=read_moment(until, "until"),
        ids=tuple(sorted(set(ids or ()))),
    )


WithWanted = Annotated[Wanted, Depends(read_wanted)]


def query_of(wanted: Wanted) -> LetterQuery:
    """Return what the database is asked."""
    return LetterQuery(
        queue=wanted.queue,
        fingerprint=wanted.group,
        error=wanted.error,
        contains=wanted.contains,
        since=wanted.since,
        until=wanted.until,
        ids=wanted.ids or None,
    )


def read_moment(text: str, field: str) -> datetime | None:
    """Return a time of an address; what a form left empty is none.

    Raises:
        InvalidInputError: it is no time.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(field, "is no time like 2026-01-31T12:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
