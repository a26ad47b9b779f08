"""How times come from Neo4j that it wrote out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.graph.entity_heads import read_moment

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T12:00Z", NOON),
        ("2026-03-02T12:00:00Z[Etc/UTC]", NOON),
        ("2026-03-02T12:00:00.123456789Z", NOON + timedelta(microseconds=123_456)),
        ("2026-03-02T13:00:00.5+01:00[Europe/Berlin]", NOON + timedelta(milliseconds=500)),
        ("1890-01-01T00:53:28+00:53:28[Europe/Berlin]", datetime(1890, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_it_was_written(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment


def test_its_offset_stays() -> None:
    read = read_moment("2026-03-02T13:00+01:00[Europe/Berlin]")
    assert read.tzinfo == timezone(timedelta(hours=1))
