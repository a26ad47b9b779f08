"""What the tests of search share: a small workspace, and asking as the API does."""

from __future__ import annotations

from neo4j import AsyncDriver

from shared.domain.search_query import read_query
from shared.graph.driver import read
from shared.graph.entity_words import Filters
from shared.graph.hybrid_search import Ranked, search
from tests.integration.graph.builders import vector

ANYTHING = Filters()


async def ask(
    driver: AsyncDriver, workspace: str, text: str, filters: Filters = ANYTHING
) -> list[Ranked]:
    """Return what a search finds; its vector is the text's own."""
    query = read_query(text)
    return await read(driver, lambda tx: search(tx, workspace, query, vector(text), filters))


def ids_of(found: list[Ranked]) -> list[str]:
    """Return the ids, best first."""
    return [one.key[1] for one in found]
