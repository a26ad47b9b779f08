"""Memories and code found by a search, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Group, RenderableType
from rich.text import Text

from cli.api_client import ApiClient, Params
from cli.terminal import Indented, local_time, plain

TIES: Final = {
    "same_session": "beside, in one session",
    "mentioned_in": "mentioned in",
    "mentions": "mentions",
    "same_pattern": "evidence of one pattern with",
}


class Answered(BaseModel):
    """JSON in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Snippet(Answered):
    """Part of a text, and the places of the words that were found."""

    text: str
    highlights: list[tuple[int, int]]
    is_cut_before: bool
    is_cut_after: bool


class ByMeaning(Answered):
    """Found among the nearest."""

    rank: int


class ByWords(Answered):
    """Found by its words."""

    rank: int
    words: list[str]


class Tie(Answered):
    """Tied to another result."""

    tie: str
    title: str


class ByGraph(Answered):
    """Found beside other results."""

    rank: int
    ties: list[Tie]


class Why(Answered):
    """What speaks for a result."""

    meaning: ByMeaning | None
    words: ByWords | None
    graph: ByGraph | None


class Hit(Answered):
    """One result."""

    kind: str
    id: str
    title: str
    project_name: str | None
    session_id: str | None
    language: str | None
    source: str | None = None
    occurred_at: datetime | None
    snippet: Snippet
    similarity: float
    why: Why


class Answer(Answered):
    """What the API found, best first."""

    query: str
    results: list[Hit]
    next: str | None


def find_results(client: ApiClient, query: str, params: Params) -> JsonValue:
    """Return the API's answer to a search."""
    return client.get("/api/search", {"q": query, **params})


def show_results(answer: JsonValue, *, with_why: bool = False) -> RenderableType:
    """Return the results as a list that fits any terminal."""
    found = Answer.model_validate(answer)
    if not found.results:
        return plain(f"Nothing found for “{found.query}”.")
    shown: list[RenderableType] = [_show(hit, with_why=with_why) for hit in found.results]
    if found.next:
        shown.append(plain(f"There is more: add --after {found.next}", "dim"))
    return Group(*shown)


def _show(hit: Hit, *, with_why: bool) -> RenderableType:
    headline = Text.assemble(
        (f"{hit.similarity:.2f} ", "bold green"),
        plain(f"{hit.kind} ", "cyan"),
        plain(hit.title if hit.kind == "code" else hit.project_name or "no project", "bold"),
        plain(f" · {_where(hit)}", "dim"),
    )
    lines: list[RenderableType] = [_snippet(hit.snippet)]
    if with_why:
        lines += [plain(f"{hit.kind} {hit.id}", "dim")]
        lines += [plain(f"• {reason}", "dim") for reason in reasons(hit.why)]
    return Group(headline, Indented(Group(*lines), 5), "")


def _snippet(snippet: Snippet) -> Text:
    text = plain(snippet.text)
    for start, end in snippet.highlights:
        text.stylize("bold yellow", start, end)
    before, after = "…" * snippet.is_cut_before, "…" * snippet.is_cut_after
    return Text.assemble(before, text, after)


def reasons(why: Why) -> Iterator[str]:
    """Yield what speaks for a result, in words."""
    if why.words:
        yield f"words, place {why.words.rank}: {', '.join(why.words.words)}"
    if why.meaning:
        yield f"meaning, place {why.meaning.rank}"
    for tie in why.graph.ties if why.graph else ():
        yield f"graph: {TIES.get(tie.tie, tie.tie)} “{tie.title}”"


def _where(hit: Hit) -> str:
    """Return when it happened, in which program, and in which project or session."""
    place = hit.session_id if hit.kind == "memory" else hit.project_name
    parts = [local_time(hit.occurred_at), hit.source or "", place or "", hit.language or ""]
    return " · ".join(part for part in parts if part)
