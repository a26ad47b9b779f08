"""The default embedder: on this machine, for any text."""

from __future__ import annotations

import logging
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.embedding import WordLlamaEmbedder

ODD_TEXTS = [
    "",
    "   ",
    "🙂",
    "\x00",
    "a\ud800b",
    "zażółć gęślą jaźń",
    "数据库连接失败",
    "x" * 50_000,
]

embedder = WordLlamaEmbedder()


def cosine(one: list[float], other: list[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
async def test_any_text_has_a_vector_of_length_one(text: str) -> None:
    (vector,) = await embedder.embed([text])
    assert len(vector) == embedder.dimensions
    assert cosine(vector, vector) == pytest.approx(1.0, abs=1e-5)


async def test_texts_about_the_same_are_more_alike() -> None:
    login, signin, tea = await embedder.embed(
        ["the login of users fails", "users cannot log in", "green tea with lemon"]
    )
    assert cosine(login, signin) > cosine(login, tea)


async def test_a_text_has_the_same_vector_alone_and_beside_long_ones() -> None:
    text = "the cache expires too early"
    (alone,) = await embedder.embed([text])
    beside = await embedder.embed(["word " * 4_000, text, *["short"] * 100])
    assert beside[1] == pytest.approx(alone, abs=1e-6)


async def test_no_text_has_no_vector() -> None:
    assert await embedder.embed([]) == []


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(), max_size=4))
async def test_there_is_one_finite_vector_for_each_text(texts: list[str]) -> None:
    vectors = await embedder.embed(texts)
    assert len(vectors) == len(texts)
    assert all(math.isfinite(value) for vector in vectors for value in vector)


def test_loading_sets_up_no_logging_and_asks_no_network() -> None:
    code = (
        "import asyncio, logging, socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from shared.embedding import WordLlamaEmbedder\n"
        "asyncio.run(WordLlamaEmbedder().embed(['text']))\n"
        f"assert not logging.root.handlers and logging.root.level == {logging.WARNING}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
