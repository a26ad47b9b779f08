"""Search by words, meaning and the graph: what is found, why, and in whose workspace only."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from shared.domain.search_query import read_query
from shared.graph.driver import read
from shared.graph.entity_words import Filters
from shared.graph.missing_words import add_missing_words
from shared.graph.search_candidates import find_candidates
from tests.integration.graph.builders import NOON, USER, code, ids, memory, vector
from tests.integration.graph.conftest import Query, Save
from tests.integration.graph.searching import ANYTHING, ask, ids_of


async def worded(
    driver: AsyncDriver, workspace: str, text: str, filters: Filters = ANYTHING
) -> list[str]:
    """Return what has the words, best first."""
    query = read_query(text)
    found, _ = await read(
        driver, lambda tx: find_candidates(tx, workspace, query, vector(text), filters)
    )
    return [one.key[1] for one in found]


async def test_words_are_found_in_any_form_and_rare_ones_count_more(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    plain = [memory(workspace, f"the deploy went well {n}") for n in range(5)]
    crash = memory(workspace, "the parser crashes on empty input")
    file = code(workspace, "src/empty_input.py", "def parse_input(text): ...")
    await save(*plain, crash, file)

    found = await worded(neo4j_driver, workspace, "the crash of the parsers")
    assert found[0] == str(crash.entity.id)
    assert set(await worded(neo4j_driver, workspace, "emptyInput")) == set(ids([crash, file]))
    assert await worded(neo4j_driver, workspace, "parse_input") == ids([file, crash])


async def test_a_quoted_phrase_must_occur_as_it_is(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    right = memory(workspace, "it fails on empty input again")
    await save(right, memory(workspace, "the input was empty on Monday"), code(workspace, "a.py"))

    assert ids_of(await ask(neo4j_driver, workspace, 'fails "on empty input"')) == ids([right])
    assert ids_of(await ask(neo4j_driver, workspace, '"never said"')) == []


async def test_any_language_and_emoji_are_found(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    texts = ["日本語", "деплой", "🚀", "पार्सर", "Türkçe"]
    wanted = [memory(workspace, f"first {text}の last", minutes=n) for n, text in enumerate(texts)]
    await save(*wanted, memory(workspace, "something else"))
    for text, one in zip(texts, wanted, strict=True):
        assert await worded(neo4j_driver, workspace, text) == ids([one])


async def test_a_query_without_words_is_answered_by_meaning(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(memory(workspace, "words"))
    [one] = await ask(neo4j_driver, workspace, "?! --")
    assert (one.words_rank, one.vector_rank) == (None, 1)


INJECTIONS = (
    '" OR workspace_id:{other}',
    ") OR (secret",
    "secret* OR *:*",
    "+secret^9 -(x",
    "words:[* TO *]",
    "\\u0022 || /.*/ && secret~",
    "[a TO z] {{a TO z}} !secret",
)


async def test_no_query_reaches_another_workspaces_text(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    other, nobody = f"team:{uuid4()}", f"team:{uuid4()}"
    own = memory(workspace, "our own secret")
    try:
        await save(memory(other, "the secret words"), code(other, "secret.py", "secret = 1"), own)
        for text in INJECTIONS:
            found = await ask(neo4j_driver, workspace, text.format(other=other))
            assert ids_of(found) == ids([own]), text
            assert await ask(neo4j_driver, nobody, text.format(other=other)) == []
    finally:
        for label in ("Memory", "CodeEntity", "EntitySummary"):
            await query(f"MATCH (n:{label} {{workspace_id: $other}}) DETACH DELETE n", other=other)


async def test_another_workspaces_words_make_no_rare_word_common(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    """`deploy` is the rarer word here and the commonest there: it stays the rarer one."""
    other = f"team:{uuid4()}"
    mine = [memory(workspace, f"parser number{n}") for n in range(9)]
    await save(*mine, memory(workspace, "deploy today"))
    before = [one.key for one in await ask(neo4j_driver, workspace, "deploy parser")]
    try:
        await save(*(memory(other, f"deploy number{n} of deploy") for n in range(60)))
        after = [one.key for one in await ask(neo4j_driver, workspace, "deploy parser")]
    finally:
        for label in ("Memory", "EntitySummary"):
            await query(f"MATCH (n:{label} {{workspace_id: $other}}) DETACH DELETE n", other=other)
    # How many texts the index holds is common to all: results that differ little may change places.
    assert after[0] == before[0]
    assert set(after) == set(before)


async def test_filters_hold_in_every_kind_of_search(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    late = timedelta(hours=5)
    wanted = memory(workspace, "fix login", session="s9", project="shop", minutes=60)
    old = memory(workspace, "fix login", session="s1", project="tool", minutes=-600)
    go = code(workspace, "login.go", "fix login", language="go")
    python = code(workspace, "login.py", "fix login", project="tool")
    await save(wanted, old, go, python)

    cases = {
        Filters(kind="code"): [go, python],
        Filters(kind="memory"): [wanted, old],
        Filters(project_name="tool"): [old, python],
        Filters(session_id="s9"): [wanted],
        Filters(language="go"): [go],
        Filters(user_id=str(USER)): [wanted, old, go, python],
        Filters(user_id=str(uuid4())): [],
        Filters(since=NOON, until=NOON + late): [wanted, go, python],
        Filters(until=NOON): [old],
        Filters("memory", "shop", "s9", None, str(USER), NOON, NOON + late): [wanted],
    }
    for filters, right in cases.items():
        found = await ask(neo4j_driver, workspace, "fix login", filters)
        assert set(ids_of(found)) == set(ids(right)), filters
        assert set(await worded(neo4j_driver, workspace, "fix login", filters)) == set(ids(right))


async def test_neighbours_of_the_best_results_are_found_and_say_how(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    file = code(workspace, "shop/cart.py", "x = 1")
    said = memory(workspace, "rounding of totals", metadata={"filePaths": ["shop/cart.py"]})
    after = memory(workspace, "done", minutes=1)
    await save(file, said, after)

    found = {one.key[1]: one for one in await ask(neo4j_driver, workspace, "rounding totals")}
    ties = {
        key: [(tie.name, tie.seed[1]) for tie in one.ties if tie.seed[1] == str(said.entity.id)]
        for key, one in found.items()
    }
    assert ties[str(file.entity.id)] == [("mentioned_in", str(said.entity.id))]
    assert ties[str(after.entity.id)] == [("same_session", str(said.entity.id))]
    assert next(iter(found)) == str(said.entity.id)


async def test_memories_of_one_pattern_are_neighbours(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    one, other = memory(workspace, "slow query", session="a"), memory(workspace, "x", session="b")
    await save(one, other)
    await query(
        """MATCH (m:Memory {workspace_id: $workspace})
        MERGE (p:Pattern {workspace_id: $workspace, id: 'p1'}) MERGE (p)-[:DERIVED_FROM]->(m)"""
    )
    found = {hit.key[1]: hit for hit in await ask(neo4j_driver, workspace, "slow query")}
    ties = [(tie.name, tie.through) for tie in found[str(other.entity.id)].ties]
    assert ties == [("same_pattern", "p1")]


async def test_the_similarity_is_the_exact_cosine_however_it_was_found(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    memories = [memory(workspace, f"memory of login {n}") for n in range(20)]
    await save(*memories)
    found = await ask(neo4j_driver, workspace, "login")
    asked = vector("login")
    exact = {
        str(m.entity.id): sum(a * b for a, b in zip(asked, m.embedding, strict=True))
        for m in memories
    }
    assert len(found) == 20
    assert all(one.similarity == pytest.approx(exact[one.key[1]], abs=1e-5) for one in found)
    by_rank = sorted(found, key=lambda one: one.vector_rank or 0)
    assert ids_of(by_rank) == sorted(exact, key=lambda key: -exact[key])


async def test_what_was_written_before_search_is_found_after_the_migration(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    crash, file = memory(workspace, "parser crashes"), code(workspace, "parser.py", "x = 1")
    await save(crash, file)
    before = "MATCH (n:Memory|CodeEntity {workspace_id: $workspace}) RETURN n.words AS words"
    written = {row["words"] for row in await query(before)}
    await query("MATCH (n:Memory|CodeEntity {workspace_id: $workspace}) REMOVE n.words")
    assert await worded(neo4j_driver, workspace, "parser") == []

    await add_missing_words(neo4j_driver)
    assert set(await worded(neo4j_driver, workspace, "parser")) == set(ids([crash, file]))
    assert {row["words"] for row in await query(before)} == written
