"""What the pages Search and Graph make of answers and addresses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.api.dashboard.search_views import graph_path, page_path, read_day, snippet_parts
from services.api.graph_answers import NodeFound
from services.api.search_answers import SnippetFound
from shared.errors import InvalidInputError


def test_a_range_of_days_holds_its_last_day() -> None:
    assert read_day("2026-01-31", "since") == datetime(2026, 1, 31, tzinfo=UTC)
    assert read_day("2026-01-31", "until", is_end=True) == datetime(2026, 2, 1, tzinfo=UTC)
    assert read_day("", "since") is None


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "9999-12-31"])
def test_what_is_no_day_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidInputError, match="until: is no day"):
        read_day(text, "until", is_end=True)


def test_a_snippet_is_cut_where_words_were_found() -> None:
    snippet = SnippetFound(
        text="<b>🚀 parser</b> crash",
        highlights=[(5, 11), (16, 21)],
        is_cut_before=False,
        is_cut_after=False,
    )
    parts = list(snippet_parts(snippet))
    assert "".join(text for text, _ in parts) == snippet.text
    assert [text for text, is_found in parts if is_found] == ["parser", "crash"]


def test_a_name_with_slashes_stays_one_part_of_an_address() -> None:
    assert graph_path("project", "a/b?c#d") == "/dashboard/graph/project/a%2Fb%3Fc%23d"
    node = NodeFound(
        kind="session",
        id="../x",
        title="",
        excerpt="",
        project_name=None,
        session_id=None,
        confidence=None,
        at=None,
    )
    assert page_path(node) == "/dashboard/graph/session/..%2Fx"
