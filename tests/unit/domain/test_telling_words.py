"""Words by which a reader recognises a topic."""

from __future__ import annotations

import pytest

from shared.domain.telling_words import MOST_WORDS, count_words, telling_words


def told(texts: list[str], others: list[str], *, most: int = MOST_WORDS) -> list[str]:
    return telling_words(count_words(texts), count_words(others), most=most)


def test_a_word_that_the_texts_share_and_others_lack_tells_most() -> None:
    texts = ["the shop rejects a login token", "shop: new login token", "login without shop token"]
    others = ["the shop sells tea", "the shop sells cake", "tea for the shop"]
    assert told(texts, others)[:2] == ["login", "token"]
    assert "shop" not in told(texts, others)


def test_a_word_of_one_text_tells_nothing_of_the_others() -> None:
    assert told(["login fails", "login works", "login banana"], []) == ["login"]


def test_common_words_short_words_and_hexadecimal_numbers_are_no_topic() -> None:
    assert told(["you should use it with 1a2b3c4d and 42"] * 3, []) == []


def test_a_plural_is_not_said_beside_its_word() -> None:
    assert told(["token tokens login"] * 3, []) == ["login", "token"]


@pytest.mark.parametrize(
    ("text", "word"),
    [("ログイン画面", "グイ"), ("Ошибка входа", "входа"), ("größenänderung", "größenänderung")],
)
def test_other_scripts_have_words_too(text: str, word: str) -> None:
    assert word in told([text] * 3, [], most=9)


@pytest.mark.parametrize("texts", [[], [""], ["🚀🔥"] * 3])
def test_nothing_said_has_no_words(texts: list[str]) -> None:
    assert told(texts, ["tea"]) == []


def test_there_are_few_words_in_a_fixed_order() -> None:
    texts = ["alpha beta gamma delta epsilon zeta theta iota"] * 3
    found = told(texts, [])
    assert len(found) == MOST_WORDS
    assert found == told(texts, []) == sorted(found)


def test_texts_taken_away_are_no_longer_counted() -> None:
    texts = ["login token", "tea cake", "tea shop"]
    left = count_words(texts).without(count_words(texts[:1]))
    assert left == count_words(texts[1:])
    assert (left.share("tea"), left.share("login")) == (1.0, 0.0)
