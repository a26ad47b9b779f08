"""Searches in a graph that lacks an index: Neo4j's own answer to a name that it does not know.

Its one database is shared, so no test can drop an index; each asks for one that nobody makes.
"""

from __future__ import annotations

import httpx
import pytest

from shared.graph import search, search_statements
from tests.integration.api.conftest import Client
from tests.integration.api.told_problems import read_problem

NEVER_MADE = "never_made"


async def test_a_search_by_meaning_says_that_the_graph_is_not_migrated(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = search.SEARCH_WORKSPACE.replace("entity_summary_neighbours", NEVER_MADE)
    monkeypatch.setattr(search, "SEARCH_WORKSPACE", asked)

    assert_not_migrated(await client.get("/api/search/memories", q="parser"))


async def test_a_search_by_words_says_that_the_graph_is_not_migrated(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = search_statements.FIND_BY_WORDS.replace("entity_words", NEVER_MADE)
    monkeypatch.setattr(search_statements, "FIND_BY_WORDS", asked)

    assert_not_migrated(await client.get("/api/search", q="parser"))


def assert_not_migrated(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-migrated")
    error = read_problem(answer)["error"]
    assert error.startswith("the graph has no index '")  # another one where it is indeed new
    assert error.endswith("' yet; run `supastate migrate`")
