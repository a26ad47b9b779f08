"""Runs a search for the API and for pages: ranks, cuts a page out, and says why each is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from neo4j import AsyncManagedTransaction

from services.api.parts import ApiParts
from services.api.search_answers import (
    ByGraph,
    ByMeaning,
    ByWords,
    Hit,
    SearchPage,
    SnippetFound,
    TieFound,
    WhyFound,
)
from shared.domain.accepting import check_text
from shared.domain.search_query import SearchQuery, read_query
from shared.domain.search_words import find_words
from shared.domain.snippets import READ_CHARACTERS, cut_snippet
from shared.errors import InvalidInputError
from shared.graph.driver import read
from shared.graph.entity_heads import Head, read_heads
from shared.graph.entity_words import Filters
from shared.graph.hybrid_search import Ranked, search
from shared.graph.search_candidates import Key
from shared.postgres.api_keys import ApiKey

SEPARATOR: Final = "_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to search for, and which page of it."""

    text: str
    filters: Filters
    limit: int = 20
    after: str | None = None


async def run_search(api: ApiParts, caller: ApiKey, wanted: Wanted) -> SearchPage:
    """Return one page of what fits, and count the search.

    Raises:
        InvalidInputError: the query is empty or cannot be text, or filters exclude each other.
        DependencyDownError: Neo4j or the embedder does not answer.
        TooSlowError: Neo4j was not done in time.
    """
    query = read_query(check_query(wanted.text))
    check_filters(wanted.filters)
    after = wanted.after and read_cursor(wanted.after)
    api.searches.note(caller)
    parts, workspace_id = api.shared, caller.workspace_id
    (vector,) = await parts.embedder.embed([query.plain_text])

    async def work(
        tx: AsyncManagedTransaction,
    ) -> tuple[list[Ranked], Sequence[Ranked], dict[Key, Head]]:
        ranked = await search(tx, workspace_id, query, vector, wanted.filters)
        rest = _after(ranked, after) if after else ranked
        keys = _shown(rest[: wanted.limit])
        return ranked, rest, await read_heads(tx, workspace_id, keys, characters=READ_CHARACTERS)

    ranked, rest, heads = await read(parts.driver, work)
    page = rest[: wanted.limit]
    asked = _spellings(query)
    hits = [_describe(one, heads, asked) for one in page if one.key in heads]
    return SearchPage(
        query=wanted.text,
        results=hits,
        count=len(hits),
        ranked=len(ranked),
        next=write_cursor(page[-1]) if len(rest) > wanted.limit else None,
    )


def _shown(page: Sequence[Ranked]) -> list[Key]:
    """Return the results of a page, and what they are tied to."""
    return [*(one.key for one in page), *(tie.seed for one in page for tie in one.ties)]


def check_query(text: str) -> str:
    """Return the query.

    Raises:
        InvalidInputError
    """
    if not text.strip():
        raise InvalidInputError("q", "is empty; name what to look for")
    return check_text(text, "q")


def check_filters(filters: Filters) -> None:
    """Return when something may pass the filters.

    Raises:
        InvalidInputError: names the filter to leave out.
    """
    for name in ("project_name", "session_id", "language", "user_id"):
        check_text(getattr(filters, name) or "", name.removesuffix("_name").removesuffix("_id"))
    if filters.language and (filters.kind == "memory" or filters.session_id):
        raise InvalidInputError("language", "only code has one; leave it out to find memories")
    if filters.session_id and filters.kind == "code":
        raise InvalidInputError("session", "only memories have one; leave it out to find code")
    if filters.since and filters.until and filters.until <= filters.since:
        raise InvalidInputError("until", "must be later than since")


def write_cursor(last: Ranked) -> str:
    """Return where the next page starts: after this result."""
    return SEPARATOR.join([last.score.hex(), *last.key])


def read_cursor(cursor: str) -> tuple[float, Key]:
    """Return what `write_cursor` wrote.

    Raises:
        InvalidInputError: it did not write this.
    """
    try:
        score, kind, key = cursor.split(SEPARATOR, 2)
        if kind not in ("memory", "code"):
            raise ValueError
        return float.fromhex(score), (kind, key)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError("after", "is not the `next` of a page") from error


def _after(ranked: Sequence[Ranked], place: tuple[float, Key]) -> Sequence[Ranked]:
    """Return what follows a result; where it is gone, what is ranked below it."""
    score, key = place
    places = [number for number, one in enumerate(ranked) if one.key == key]
    if places:
        return ranked[places[0] + 1 :]
    return [one for one in ranked if one.score < score]


def _spellings(query: SearchQuery) -> dict[str, str]:
    """Return the words that are searched for, each with how the query spells it."""
    found = {word.text: query.text[word.start : word.end] for word in find_words(query.text)}
    return {word: found[word] for word in query.words}


def _describe(one: Ranked, heads: dict[Key, Head], asked: Mapping[str, str]) -> Hit:
    head = heads[one.key]
    shown = f"{head.path}\n{head.text}" if head.path else head.text
    snippet = cut_snippet(head.text, asked, is_whole=head.is_whole)
    return Hit(
        kind=head.kind,
        id=head.id,
        title=head.title,
        project_name=head.project_name or None,
        session_id=head.session_id,
        path=head.path,
        language=head.language,
        user_id=head.user_id,
        source=head.source,
        occurred_at=head.occurred_at,
        snippet=SnippetFound(
            text=snippet.text,
            highlights=list(snippet.highlights),
            is_cut_before=snippet.is_cut_before,
            is_cut_after=snippet.is_cut_after,
        ),
        score=one.score,
        fused=one.fused,
        similarity=one.similarity,
        why=_explain(one, heads, _words_in(shown, asked) if one.words_rank else []),
        permalink=permalink(one.key),
    )


def permalink(key: Key) -> str:
    """Return the page of a memory or file."""
    return f"/dashboard/search/{key[0]}/{key[1]}"


def _words_in(text: str, asked: Mapping[str, str]) -> list[str]:
    """Return the query's words that a text has, as the query spells them."""
    had = {word.text for word in find_words(text)}
    return [spelling for word, spelling in asked.items() if word in had]


def _explain(one: Ranked, heads: dict[Key, Head], words: Collection[str]) -> WhyFound:
    return WhyFound(
        meaning=_by_meaning(one),
        words=_by_words(one, words),
        graph=_by_graph(one, heads),
    )


def _by_meaning(one: Ranked) -> ByMeaning | None:
    if one.vector_rank is None:
        return None
    return ByMeaning(rank=one.vector_rank)


def _by_words(one: Ranked, words: Collection[str]) -> ByWords | None:
    if one.words_rank is None:
        return None
    return ByWords(rank=one.words_rank, score=one.words_score or 0.0, words=list(words))


def _by_graph(one: Ranked, heads: dict[Key, Head]) -> ByGraph | None:
    if one.graph_rank is None:
        return None
    return ByGraph(rank=one.graph_rank, ties=list(_ties(one, heads)))


def _ties(one: Ranked, heads: dict[Key, Head]) -> Iterable[TieFound]:
    for tie in one.ties:
        if seed := heads.get(tie.seed):
            yield TieFound.model_validate(
                {
                    "tie": tie.name,
                    "kind": seed.kind,
                    "id": seed.id,
                    "title": seed.title,
                    "pattern_id": tie.through,
                }
            )
