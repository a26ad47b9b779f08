"""Sends batches to the API; what it refuses becomes a problem of that record alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from cli.api_client import ApiClient, ApiRefusedError, Detail
from cli.importing.batches import Batch, Item, Locate, Record, batch_records, describe_place
from cli.importing.tally import Tally
from shared.sources.records import ImportProblem

ABOUT_THE_CONTENT: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""A smaller request may do better; every other refusal is about the key or the address."""
_PLACE_IN_REQUEST: Final = re.compile(r"^\w+\[(\d+)\]\.?")


class ItemAnswer(BaseModel):
    """What the API did with one record; the answers stand in the order of the request."""

    status: Literal["queued", "unchanged", "failed"]
    error: Detail | None = None


class IngestAnswer(BaseModel):
    """The API's answer to one request."""

    model_config = ConfigDict(alias_generator=to_camel)

    job_id: str
    results: list[ItemAnswer]


def send_records(
    client: ApiClient,
    records: Iterable[Record | ImportProblem],
    tally: Tally,
    *,
    on_progress: Callable[[], None],
    locate: Locate = describe_place,
) -> None:
    """Send all records while they are read, and count.

    Raises:
        ApiUnreachableError: the API stayed away; what was sent until then counts.
        ApiRefusedError: it refuses the key, or everything.
    """
    for batch in batch_records(tally.watch(records), locate):
        if isinstance(batch, Batch):
            _send(client, batch, tally)
        on_progress()


def _send(client: ApiClient, batch: Batch, tally: Tally) -> None:
    """Send one request; a refused one is halved until each record at fault is known."""
    try:
        answer = IngestAnswer.model_validate(client.post(batch.path, batch.body))
    except ApiRefusedError as error:
        if error.status not in ABOUT_THE_CONTENT:
            raise
        _take_apart(client, batch, error, tally)
    else:
        _count(batch, answer, tally)


def _take_apart(client: ApiClient, batch: Batch, error: ApiRefusedError, tally: Tally) -> None:
    if len(batch.items) == 1:
        reason = error.details[0] if error.details else Detail(field="", reason=error.reason)
        _note_failure(batch.items[0], reason, tally)
    elif _explains_each(error.details, len(batch.items)):
        for item, reason in zip(batch.items, error.details, strict=True):
            _note_failure(item, reason, tally)
    else:
        for half in batch.halves():
            _send(client, half, tally)


def _explains_each(details: Sequence[Detail], items: int) -> bool:
    """Return whether the API gave one reason for each item, in order."""
    places = [_PLACE_IN_REQUEST.match(detail.field) for detail in details]
    return [int(place[1]) for place in places if place] == list(range(items))


def _count(batch: Batch, answer: IngestAnswer, tally: Tally) -> None:
    results = answer.results
    queued = sum(result.status == "queued" for result in results)
    tally.queued += queued
    tally.unchanged += sum(result.status == "unchanged" for result in results)
    if queued:
        tally.job_ids.append(answer.job_id)
    for item, result in zip(batch.items, results, strict=True):
        if result.status == "failed":
            _note_failure(item, result.error or Detail(field="", reason="no reason given"), tally)


def _note_failure(item: Item, detail: Detail, tally: Tally) -> None:
    # The place in the request says nothing to a person; the file does.
    field = _PLACE_IN_REQUEST.sub("", detail.field)
    tally.failed += 1
    tally.problems.append(ImportProblem(item.where, None, field or None, detail.reason))
