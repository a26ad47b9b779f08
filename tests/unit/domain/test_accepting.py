"""What may be stored, by tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest
from pydantic import JsonValue

from shared.domain.accepting import (
    MAX_CONTENT_CHARACTERS,
    MAX_METADATA_DEPTH,
    MAX_METADATA_ELEMENTS,
    accept_content,
    accept_metadata,
    check_text,
    occurred_at,
    write_time_out,
)
from shared.errors import InvalidInputError, TooLargeError
from shared.messages import Metadata

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GITHUB_TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


def nested(levels: int) -> JsonValue:
    value: JsonValue = "inside"
    for _ in range(levels):
        value = [value]
    return value


def test_ordinary_content_is_kept_as_it_is() -> None:
    text = "Größe 😀\n\ttabs, \x1b[31mcolours\x1b[0m and \ufffd stay"

    assert accept_content(text) == text


def test_content_of_the_greatest_length_is_accepted() -> None:
    assert len(accept_content("a" * MAX_CONTENT_CHARACTERS)) == MAX_CONTENT_CHARACTERS


def test_longer_content_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="content: 262145 characters; the limit is 262144"):
        accept_content("a" * (MAX_CONTENT_CHARACTERS + 1))


@pytest.mark.parametrize("empty", ["", " ", "\n\t  \u2003"])
def test_blank_content_is_refused(empty: str) -> None:
    with pytest.raises(InvalidInputError, match="content: is empty"):
        accept_content(empty)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ab\x00c", r"contains NUL \(\\u0000\) at character 2"),
        ("\ud800", "contains a lone surrogate at character 0"),
        ("a\udfff", "contains a lone surrogate at character 1"),
    ],
)
def test_what_postgres_cannot_hold_is_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^title: {reason}$"):
        check_text(text, "title")


def test_a_secret_is_redacted_from_content() -> None:
    stored = accept_content(f"use {GITHUB_TOKEN} here")

    assert GITHUB_TOKEN not in stored
    assert stored.startswith("use ")


def test_a_secret_is_redacted_deep_inside_metadata() -> None:
    stored = accept_metadata({"calls": [{"command": f"git push https://{GITHUB_TOKEN}@host"}]})

    assert GITHUB_TOKEN not in repr(stored)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"title": "a\x00"}, "metadata.title"),
        ({"topics": ["fine", "\ud83d"]}, "metadata.topics[1]"),
        ({"a": {"b": [{"c": "\x00"}]}}, "metadata.a.b[0].c"),
        ({"bad\x00key": 1}, "metadata"),
        ({"a": {"bad\ud800key": 1}}, "metadata.a"),
        ({"ratio": float("nan")}, "metadata.ratio"),
        ({"ratio": float("inf")}, "metadata.ratio"),
    ],
)
def test_metadata_that_cannot_be_stored_is_named_by_its_path(
    metadata: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        accept_metadata(metadata)

    assert refused.value.field == field


def test_metadata_may_nest_to_the_limit() -> None:
    metadata = {"deep": nested(MAX_METADATA_DEPTH - 1)}

    assert accept_metadata(metadata) == metadata


def test_metadata_nested_deeper_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="nests deeper than 32 levels"):
        accept_metadata({"deep": nested(MAX_METADATA_DEPTH)})


def test_metadata_may_hold_as_many_values_as_the_limit() -> None:
    metadata: Metadata = {"lines": list(range(MAX_METADATA_ELEMENTS - 1))}

    assert accept_metadata(metadata) == metadata


def test_more_values_are_refused() -> None:
    metadata: Metadata = {"lines": [[n] for n in range(MAX_METADATA_ELEMENTS // 2)]}
    with pytest.raises(InvalidInputError, match=r"^metadata: holds more than 10000 values"):
        accept_metadata(metadata)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [({"n" * 513: 1}, "metadata"), ({"a": {"b": [{"n" * 513: 1}]}}, "metadata.a.b[0]")],
)
def test_a_metadata_name_that_is_too_long_is_refused(metadata: Metadata, field: str) -> None:
    with pytest.raises(InvalidInputError, match="513 characters; the limit is 512") as refused:
        accept_metadata(metadata)

    assert refused.value.field == field


def test_long_names_do_not_make_checking_slow() -> None:
    deep: JsonValue = list(range(9_000))
    for _ in range(MAX_METADATA_DEPTH - 2):
        deep = {"n" * 512: deep}
    started = process_time()
    accept_metadata({"deep": deep})

    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, NOW),
        ({"startTime": None, "timestamp": ""}, NOW),
        ({"startTime": "2026-01-31T09:30:00Z"}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ({"startTime": "2026-01-31T10:30:00+01:00"}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ({"startTime": "2026-01-31T09:30:00"}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ({"startTime": "2026-01-31"}, datetime(2026, 1, 31, tzinfo=UTC)),
        ({"startTime": 1_769_851_800}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ({"startTime": 1_769_851_800_000}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ({"timestamp": "2026-01-31T09:30:00Z"}, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (
            {"startTime": "2026-01-31T09:30:00Z", "timestamp": "2020-01-01T00:00:00Z"},
            datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        ),
    ],
)
def test_start_time_says_when_it_happened_then_timestamp_then_now(
    metadata: dict[str, Any], expected: datetime
) -> None:
    assert occurred_at(metadata, now=NOW) == expected


@pytest.mark.parametrize(
    "odd",
    ["yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31", True, [], {}, 1e30, -1, "1e400"],
)
def test_a_start_time_that_is_no_time_is_named(odd: JsonValue) -> None:
    with pytest.raises(InvalidInputError, match=r"^metadata\.startTime: is no time"):
        occurred_at({"startTime": odd}, now=NOW)


@pytest.mark.parametrize(
    ("metadata", "written"),
    [
        ({}, {}),
        ({"startTime": "", "n": 1}, {"startTime": "", "n": 1}),
        ({"startTime": 1_769_851_800}, {"startTime": "2026-01-31T09:30:00Z"}),
        ({"startTime": 1_769_851_800_250}, {"startTime": "2026-01-31T09:30:00.250000Z"}),
        ({"timestamp": "2026-01-31T09:30:00"}, {"timestamp": "2026-01-31T09:30:00Z"}),
        (
            {"startTime": "2026-01-31T09:30:00-02:00", "timestamp": "kept"},
            {"startTime": "2026-01-31T11:30:00Z", "timestamp": "kept"},
        ),
    ],
)
def test_the_time_that_counts_is_written_out_in_utc(metadata: Metadata, written: Metadata) -> None:
    assert write_time_out(metadata) == written


@pytest.mark.parametrize("edge", ["1970-01-01T00:00:00+01:00", "2199-12-31T23:30:00-01:00"])
def test_a_year_counts_in_utc(edge: str) -> None:
    with pytest.raises(InvalidInputError, match="is no time from 1970 to 2199"):
        write_time_out({"startTime": edge})
