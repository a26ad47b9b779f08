"""How figures read."""

from __future__ import annotations

import pytest
from starlette.datastructures import URL

from services.api.dashboard import drawing, wording


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0, "0.0 ms"),
        (3.44, "3.4 ms"),
        (12.6, "13 ms"),
        (999.4, "999 ms"),
        (999.9, "1.0 s"),
        (12_300, "12 s"),
        (240_000, "4.0 min"),
        (7_200_000, "2.0 h"),
        (864_000_000, "10 d"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(milliseconds: float | None, text: str) -> None:
    assert wording.duration(milliseconds) == text


@pytest.mark.parametrize(("number", "text"), [(None, "–"), (1204, "1,204"), (10_001, "10k+")])
def test_a_count_says_where_counting_stopped(number: int | None, text: str) -> None:
    assert wording.count(number) == text


def test_an_address_keeps_its_filters_while_one_changes() -> None:
    url = URL("http://localhost/dashboard/jobs?state=dead&before=x")

    assert wording.with_query(url, before=None) == "/dashboard/jobs?state=dead"
    assert wording.with_query(url, before="a&b") == "/dashboard/jobs?state=dead&before=a%26b"


def test_a_gap_in_the_figures_is_a_gap_in_the_line() -> None:
    line = drawing.sparkline([1, 2, None, 4, 3])

    assert line.path.count("M") == 2
    assert (line.last, line.peak) == (3, 4)


def test_nothing_measured_is_no_line() -> None:
    assert drawing.sparkline([]).path == ""
    assert drawing.sparkline([None]).peak is None
