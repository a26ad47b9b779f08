"""What `supastate dlq` says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.dead_letters import Chosen, read_moment
from cli.errors import UsageError
from cli.views.dead_letters import sparkline


def test_a_sparkline_shows_each_part_that_is_not_nothing() -> None:
    assert sparkline([0, 1, 500, 1000]) == " ▁▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""


def test_a_time_may_be_so_long_ago_or_a_moment() -> None:
    ago = read_moment("2h")
    assert ago is not None
    assert abs(datetime.now(UTC) - timedelta(hours=2) - datetime.fromisoformat(ago)) < timedelta(
        seconds=5
    )
    assert read_moment("2026-01-31T12:00") == "2026-01-31T12:00:00+00:00"
    assert read_moment(None) is None


@pytest.mark.parametrize("text", ["", "x", "5", "9999999999999w", "m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        read_moment(text)


def test_a_command_means_ids_or_a_filter_and_not_both() -> None:
    assert Chosen.read("q", [2, 1], False).ids == (2, 1)
    assert Chosen.read("q", None, False, group="a", error=None).filter == {"fingerprint": "a"}
    assert Chosen.read("q", None, True).filter == {}
    for wrong in ((None, False, None), ([1], False, "a"), (None, True, "a")):
        with pytest.raises(UsageError, match="say which"):
            Chosen.read("q", wrong[0], wrong[1], group=wrong[2])
