"""A project's summary from its own sentences."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.sentences import sentences_of
from shared.domain.summarising import Episode, summarise
from shared.messages import Metadata
from tests.unit.domain.domain_builders import MONDAY


def episode(content: str, *, hours: float = 0, metadata: Metadata | None = None) -> Episode:
    return Episode(content, metadata or {}, MONDAY + timedelta(hours=hours), "session")


TOLD = [
    episode(
        "why does it fail?\n\nThe root cause is a race in the cache. I've fixed the cache and all"
        " tests pass.",
        metadata={"messageType": "user", "editedPaths": ["shop/cache.py"]},
    ),
    episode(
        "go on\n\nThe project is a web shop for tea and coffee. The retry of payments is not yet"
        " covered by a test.",
        hours=1,
        metadata={"messageType": "user", "filePaths": ["shop/cart.py"]},
    ),
]


def test_it_says_what_the_project_does_its_status_its_challenges_and_what_is_next() -> None:
    assert summarise("shop", TOLD) == (
        "The project is a web shop for tea and coffee."
        " Work on shop from 2026-01-05 to 2026-01-05 left 2 memories in 1 session, mostly about"
        " tests, failures and fixes, and touched `shop/cache.py` and `shop/cart.py`."
        " Most recently: The assistant has fixed the cache and all tests pass."
        " Decisions and challenges: The root cause is a race in the cache."
        " Next: The retry of payments is not yet covered by a test."
    )


def test_the_order_of_the_memories_changes_nothing() -> None:
    assert summarise("shop", TOLD) == summarise("shop", TOLD[::-1])


def test_commits_are_told_by_their_subject() -> None:
    commit = episode("Sell tea by weight\n\nCloses 12.", metadata={"filesChanged": 2})
    assert "committed “Sell tea by weight”" in summarise("shop", [commit])


def test_without_an_episode_there_is_nothing_to_summarise() -> None:
    with pytest.raises(ValueError, match="nothing"):
        summarise("shop", [])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Perfect! I've added the missing index.", ["The assistant has added the missing index."]),
        ("Should the cache be removed from the shop?", []),
        ("Let me look at the cache of the shop.", []),
        ("```\nThe code is never told in a report.\n```", []),
        ("| The tables are not told | either |", []),
        ("- **The cart** holds what was chosen.", ["The cart holds what was chosen."]),
        ("See https://example.org for what it does.", []),
    ],
)
def test_only_what_reports_on_the_work_is_told(text: str, sentences: list[str]) -> None:
    assert list(sentences_of(text)) == sentences


@given(st.text(min_size=1), st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_is_one_paragraph(project: str, texts: list[str]) -> None:
    told = summarise(project, [episode(text) for text in texts])
    assert told
    assert project in told or "project" in told
