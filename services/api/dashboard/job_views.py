"""What the pages ask and show of jobs. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, cast
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Query

from services.api.dashboard.registry import ROOT
from services.api.job_answers import JobCounts, JobState
from services.api.job_filters import KINDS_OF_QUEUE, read_filter
from services.api.job_history import JobProduct
from shared.errors import InvalidInputError
from shared.postgres.job_search import JOB_STATES, JobFilter, JobStateName

TONES: Final = {
    "waiting": "wait",
    "delayed": "wait",
    "running": "busy",
    "retrying": "warn",
    "done": "ok",
    "cancelled": "off",
    "dead": "bad",
}
EVENT_TONES: Final = {
    "asked": "wait",
    "sent": "wait",
    "taken": "busy",
    "failed": "warn",
    "retry": "warn",
    "dead": "bad",
    "cancel": "off",
    "cancelled": "off",
    "done": "ok",
}
STATES: Final = [("", "Any state"), *((state, state.capitalize()) for state in JOB_STATES)]
QUEUES: Final = [("", "Any queue"), *((queue, queue) for queue in KINDS_OF_QUEUE)]
WITHIN: Final = [
    ("", "Any time"),
    ("1", "Last hour"),
    ("24", "Last 24 hours"),
    ("168", "Last 7 days"),
]
ROWS: Final = 25
MOST_EXPORTED: Final = 500
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = ("id", "kind", "state", "percent", "submitted", "last_error", "created_at")
Text = Annotated[str, Query(max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a list as its address has them; an empty one is none."""

    state: str
    queue: str
    project: str
    search: str
    within: str

    @property
    def names(self) -> dict[str, str]:
        """What an address of the same list holds."""
        known = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in known.items() if value}

    def filter(self, until: datetime | None = None) -> JobFilter:
        """Return which jobs are meant.

        Raises:
            InvalidInputError: a field names what there is not.
        """
        if self.state and self.state not in JOB_STATES:
            raise InvalidInputError("state", f"name one of {', '.join(JOB_STATES)}")
        return read_filter(
            state=cast("JobStateName", self.state) or None,
            queue=self.queue or None,
            project=self.project or None,
            search=self.search or None,
            since=self._since(),
            until=until,
        )

    def _since(self) -> datetime | None:
        if not self.within:
            return None
        if not (self.within.isdecimal() and 1 <= int(self.within[:6]) <= 10_000):
            raise InvalidInputError("within", "name 1 to 10,000 hours")
        return datetime.now(UTC) - timedelta(hours=int(self.within))


def read_asked(
    state: Text = "", queue: Text = "", project: Text = "", search: Text = "", within: Text = ""
) -> Asked:
    """Return the filters of the address."""
    return Asked(state, queue, project, search.strip(), within)


WithAsked = Annotated[Asked, Depends(read_asked)]


def read_ids(text: str) -> list[UUID]:
    """Return the jobs that a fragment shows.

    Raises:
        InvalidInputError: these are no ids, or too many.
    """
    ids = text.split(",") if text else []
    try:
        if len(ids) > ROWS:
            raise ValueError
        return [UUID(one) for one in ids]
    except ValueError as error:
        raise InvalidInputError("ids", f"name at most {ROWS} jobs") from error


def link_to_product(product: JobProduct) -> str:
    """Return the page of what a job wrote."""
    places = {
        "memory": "search/memory",
        "code": "search/code",
        "pattern": "patterns",
        "summary": "projects",
    }
    return f"{ROOT}/{places[product.kind]}/{quote(product.id, safe='')}"


def write_csv(jobs: Sequence[JobState]) -> str:
    """Return the jobs as a table; no field of it is a formula to a spreadsheet."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([*COLUMNS, *JobCounts.model_fields])
    for job in jobs:
        fields = job.model_dump(mode="json")
        writer.writerow([*(_inert(fields[name]) for name in COLUMNS), *fields["counts"].values()])
    return table.getvalue()


def _inert(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(FORMULAS)
    return f"'{value}" if is_formula else value
