"""Words by which a reader recognises a topic."""

from __future__ import annotations

import pytest

from shared.domain.telling_words import MOST_WORDS, telling_words


def test_a_word_that_the_texts_share_and_others_lack_tells_most() -> None:
    texts = ["the shop rejects a login token", "shop: new login token", "login without shop token"]
    others = ["the shop sells tea", "the shop sells cake", "tea for the shop"]
    assert telling_words(texts, others)[:2] == ["login", "token"]
    assert "shop" not in telling_words(texts, others)


def test_a_word_of_one_text_tells_nothing_of_the_others() -> None:
    assert telling_words(["login fails", "login works", "login banana"], []) == ["login"]


def test_common_words_short_words_and_hexadecimal_numbers_are_no_topic() -> None:
    assert telling_words(["you should use it with 1a2b3c4d and 42"] * 3, []) == []


def test_a_plural_is_not_said_beside_its_word() -> None:
    assert telling_words(["token tokens login"] * 3, []) == ["login", "token"]


@pytest.mark.parametrize(
    ("text", "word"),
    [("ログイン画面", "グイ"), ("Ошибка входа", "входа"), ("größenänderung", "größenänderung")],
)
def test_other_scripts_have_words_too(text: str, word: str) -> None:
    assert word in telling_words([text] * 3, [], most=9)


@pytest.mark.parametrize("texts", [[], [""], ["🚀🔥"] * 3])
def test_nothing_said_has_no_words(texts: list[str]) -> None:
    assert telling_words(texts, ["tea"]) == []


def test_there_are_few_words_in_a_fixed_order() -> None:
    texts = ["alpha beta gamma delta epsilon zeta theta iota"] * 3
    found = telling_words(texts, [])
    assert len(found) == MOST_WORDS
    assert found == telling_words(texts, []) == sorted(found)
