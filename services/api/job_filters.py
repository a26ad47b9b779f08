"""Which jobs a client asks for. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Query

from services.api.bodies import ProjectFilter
from services.api.parameters import OfUser
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError
from shared.messages import MEMORY_INGESTION, PATTERN_DETECTION, SUMMARY_GENERATION, Moment
from shared.postgres.job_search import JobFilter, JobStateName, Term

KINDS_OF_QUEUE: Final = {
    MEMORY_INGESTION: ("memory", "code", "removal"),
    PATTERN_DETECTION: ("patterns",),
    SUMMARY_GENERATION: ("summary",),
}
MOST_TERMS: Final = 5
_TERM: Final = re.compile(
    r'(?:args\.)?(?P<name>[\w.-]{1,100}):(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))'
)
Text = Annotated[str | None, Query(min_length=1, max_length=255)]
Search = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="`args.key:value`: a name at the top of a message or of its headers and its "
        'value, a number too; `args.key:"two words"`; several must all be met by one message',
        examples=["args.limit:1000"],
    ),
]


def read_filter(
    state: JobStateName | None = None,
    queue: Annotated[Text, Query(examples=[MEMORY_INGESTION])] = None,
    kind: Annotated[Text, Query(examples=["memory"])] = None,
    project: ProjectFilter = None,
    user: OfUser = None,
    search: Search = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> JobFilter:
    """Return which jobs the query names.

    Raises:
        InvalidInputError: a field names what there is not.
    """
    return JobFilter(
        state=state,
        kinds=_read_kinds(queue, kind),
        user_id=user,
        project=project and check_text(project, "project"),
        terms=read_terms(check_text(search, "search")) if search else (),
        since=since,
        until=until,
    )


WithFilter = Annotated[JobFilter, Depends(read_filter)]


def read_terms(text: str) -> list[Term]:
    """Return what a search names.

    Raises:
        InvalidInputError: it is not written as documented.
    """
    terms = [
        Term(found["name"], found["quoted"] if found["bare"] is None else found["bare"])
        for found in _TERM.finditer(text)
    ]
    if _TERM.sub("", text).strip() or not 1 <= len(terms) <= MOST_TERMS:
        raise InvalidInputError("search", f"write 1 to {MOST_TERMS} terms like args.limit:1000")
    return terms


def _read_kinds(queue: str | None, kind: str | None) -> list[str] | None:
    if queue is not None and queue not in KINDS_OF_QUEUE:
        raise InvalidInputError("queue", f"name one of {', '.join(KINDS_OF_QUEUE)}")
    if queue is None:
        return None if kind is None else [check_text(kind, "kind")]
    return [one for one in KINDS_OF_QUEUE[queue] if kind in (None, one)]
