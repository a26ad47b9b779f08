"""The words by which the full-text index knows memories and files, and the queries for them. Pure.

Every word bears the key of its workspace, so another workspace's texts have none of its words: they
cannot be found by it, and how rare a word is counts in the own workspace only. Words hold letters,
digits and emoji, keys hexadecimal digits: a query has no place where its author's text could be
read as Lucene's syntax.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from shared.domain.entities import CodeEntity, Memory
from shared.domain.search_query import SearchQuery
from shared.domain.search_words import words_of

MOST_WORDS: Final = 10_000
"""Words of one text that are indexed, the first."""
_DIGEST_BYTES: Final = 5
_FIRST_DAY, _LAST_DAY = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_NAMED_TOGETHER: Final = "^2"

Kind: TypeAlias = Literal["memory", "code"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a result must be; None means anything."""

    kind: Kind | None = None
    project_name: str | None = None
    session_id: str | None = None
    language: str | None = None
    user_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""


def words_of_memory(memory: Memory) -> str:
    """Return the indexed text of a memory."""
    owner = str(memory.user_id)
    marks = Filters("memory", memory.project_name, memory.session_id, None, owner)
    return index_text(memory.workspace_id, memory.content, marks, memory.occurred_at)


def words_of_code(file: CodeEntity) -> str:
    """Return the indexed text of a source file: its path, and what stands in it."""
    marks = Filters("code", file.project_name, None, file.language, str(file.user_id))
    text = f"{file.path}\n{file.content}"
    return index_text(file.workspace_id, text, marks, file.updated_at)


def index_text(workspace_id: str, text: str, own: Filters, at: datetime) -> str:
    """Return the words of a text and the marks by which filters find it."""
    key = _digest(workspace_id)
    words = [f"{key}{word}" for word in words_of(text, MOST_WORDS)]
    return " ".join([*words, *_marks(key, own), _day(key, at)])


def find_words_query(workspace_id: str, query: SearchQuery, filters: Filters) -> str | None:
    """Return the query for what has the phrases, or any of the words; None where it has neither."""
    key = _digest(workspace_id)
    phrases = [f"+{_phrase(key, phrase)}" for phrase in query.phrases]
    words = [f"{key}{word}" for word in query.words]
    if not words:
        return None
    words += [f"{_phrase(key, name)}{_NAMED_TOGETHER}" for name in query.names]
    asked = [*phrases, " ".join(words)] if phrases else [f"+({' '.join(words)})"]
    return " ".join([*asked, *_conditions(key, filters)])


def find_all_query(workspace_id: str, filters: Filters) -> str:
    """Return the query for all that the filters let through."""
    return " ".join(_conditions(_digest(workspace_id), filters))


def _digest(text: str) -> str:
    encoded = text.encode("utf-8", errors="replace")
    return blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()


def _phrase(key: str, words: Iterable[str]) -> str:
    return '"' + " ".join(f"{key}{word}" for word in words) + '"'


def _marks(key: str, filters: Filters) -> list[str]:
    """Return what stands for all but the time; no word has an underscore."""
    named = {
        "k": filters.kind,
        "p": filters.project_name,
        "s": filters.session_id,
        "l": filters.language,
        "u": filters.user_id,
    }
    return [f"{key}_{name}{_digest(value)}" for name, value in named.items() if value is not None]


def _day(key: str, moment: datetime) -> str:
    return f"{key}_d{moment.astimezone(UTC):%Y%m%d}"


def _conditions(key: str, filters: Filters) -> list[str]:
    """Return what must hold and says nothing of how good a result is."""
    conditions = [f"+{mark}^0" for mark in _marks(key, filters)]
    if filters.since or filters.until:
        first = _day(key, filters.since or _FIRST_DAY)
        last = _day(key, (filters.until or _LAST_DAY) - timedelta(microseconds=1))
        conditions.append(f"+[{first} TO {last}]^0")
    return conditions
