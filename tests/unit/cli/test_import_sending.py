"""What an import sends, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cli.api_client import ApiClient, ApiRefusedError, ApiUnreachableError
from cli.connection import ApiAddress
from cli.importing.batches import Record
from cli.importing.sending import send_records
from cli.importing.tally import Tally
from shared.sources.records import ImportProblem
from tests.unit.cli.conftest import QUICK, FakeApi
from tests.unit.cli.records import chunk, file


def send(client: ApiClient, records: Sequence[Record | ImportProblem]) -> Tally:
    tally = Tally("test")
    send_records(client, records, tally, on_progress=lambda: None)
    return tally


def test_everything_is_sent_and_counted(api: FakeApi, client: ApiClient) -> None:
    tally = send(client, [*(chunk(f"c{n}") for n in range(150)), file("a.py"), file("b.py")])

    assert (tally.queued, tally.memories, tally.source_files) == (152, 150, 2)
    assert len(api.chunks) == 152
    assert len(tally.job_ids) == 3


def test_a_second_import_adds_nothing(api: FakeApi, client: ApiClient) -> None:
    records = [chunk("a"), chunk("b")]
    send(client, records)

    tally = send(client, records)

    assert (tally.queued, tally.unchanged, tally.job_ids) == (0, 2, [])
    assert len(api.chunks) == 2


def test_a_record_that_is_failed_alone_becomes_a_problem_that_names_its_place(
    api: FakeApi, client: ApiClient
) -> None:
    tally = send(client, [chunk("good"), chunk("bad", content=api.refused, session="s1")])

    assert (tally.queued, tally.failed) == (1, 1)
    assert tally.problems == [ImportProblem("session s1", None, "content", "refused")]


def test_one_record_that_spoils_a_request_is_found_and_the_rest_goes_through(
    api: FakeApi, client: ApiClient
) -> None:
    records = [chunk(f"c{n}", content=api.poison if n == 37 else "") for n in range(100)]

    tally = send(client, records)

    assert (tally.queued, tally.failed) == (99, 1)
    assert tally.problems[0].reason == "a value cannot be stored"


def test_a_request_refused_item_by_item_is_not_sent_again(api: FakeApi, client: ApiClient) -> None:
    tally = send(client, [chunk(f"c{n}", content=api.refused) for n in range(8)])

    assert tally.failed == 8
    assert len(api.requests) == 1


def test_a_busy_api_is_asked_again(api: FakeApi, client: ApiClient) -> None:
    api.failures = [429, 503, 500]

    assert send(client, [chunk("a")]).queued == 1


def test_an_unknown_key_ends_the_import(api: FakeApi) -> None:
    stranger = ApiClient(ApiAddress(api.url, "sst_other"), QUICK)
    with stranger, pytest.raises(ApiRefusedError, match="401"):
        send(stranger, [chunk("a")])


def test_an_api_that_stays_away_ends_the_import_after_its_patience() -> None:
    nowhere = ApiAddress("http://127.0.0.1:9", "sst_test")
    with (
        ApiClient(nowhere, QUICK) as client,
        pytest.raises(ApiUnreachableError, match="does not answer"),
    ):
        send(client, [chunk("a")])


def test_text_that_utf8_cannot_hold_reaches_the_api_as_json(
    api: FakeApi, client: ApiClient
) -> None:
    send(client, [chunk("a", content="lone \ud800 surrogate"), chunk("b")])

    assert "b" in api.chunks
