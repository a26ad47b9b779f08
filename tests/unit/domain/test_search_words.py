"""The words of texts, queries and snippets, in any language."""

from __future__ import annotations

import pytest

from shared.domain.search_query import MOST_WORDS, read_query
from shared.domain.search_words import LONGEST_WORD, find_words, words_of
from shared.domain.snippets import SNIPPET_CHARACTERS, cut_snippet

LUCENE = set('+-&|!(){}[]^"~*?:\\/ \t\n')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("crashes", "crash"),
        ("fixed", "fixing"),
        ("caches", "caching"),
        ("debugged", "debug"),
        ("queries", "Query"),
        ("naïve CAFÉ", "naive café"),
        ("Straße", "STRASSE"),
        ("ΑΘΗΝΑ", "Αθήνα"),
        ("parseCode", "parse_code"),
        ("HTTPServer", "http server"),
        ("cafe\u0301", "café"),
    ],
)
def test_spellings_of_one_word_are_one_word(one: str, other: str) -> None:
    assert words_of(one, 10) == words_of(other, 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("日本語テスト", ["日本", "本語", "語テ", "テス", "スト"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("ship it 🚀!", ["ship", "it", "🚀"]),
        ("status of v2", ["status", "of", "v2"]),
        ("", []),
        ("?! -- \x00\ud800 ()", []),
    ],
)
def test_a_text_is_read_in_its_own_script(text: str, words: list[str]) -> None:
    assert words_of(text, 10) == words


@pytest.mark.parametrize(
    "text",
    [
        'a" OR b:c +(x) [a TO b] {c} w~2 *? \\" && || ! ^9 /re/',
        "".join(map(chr, range(0x20, 0x3000))),
        "½ ² ﬁ ™ \u202e \u2028 \u3000x \U000e0001 ªº",
    ],
)
def test_no_word_holds_what_means_something_to_the_index(text: str) -> None:
    words = words_of(text, 100_000)
    assert words
    assert not [word for word in words if set(word) & LUCENE or word != "".join(word.split())]


def test_words_know_where_they_stand() -> None:
    text = "The parseCode 日本語 crashed 🚀"
    for word in find_words(text):
        assert words_of(text[word.start : word.end], 1) == [word.text]


def test_a_word_without_end_is_cut() -> None:
    [word] = words_of("x" * 300_000, 10)
    assert len(word) == LONGEST_WORD


def test_a_query_is_words_phrases_and_names() -> None:
    query = read_query('why does parse_code fail "on empty input" “at once” "')
    assert query.phrases == (("on", "empty", "input"), ("at", "onc"))
    assert query.names == (("pars", "cod"),)
    assert query.words[:3] == ("why", "doe", "pars")
    assert read_query('"crash" now').plain_text.split() == ["crash", "now"]


def test_a_long_query_is_looked_up_by_its_first_words() -> None:
    query = read_query(" ".join(f"word{n}" for n in range(500)))
    assert len(query.words) == MOST_WORDS


def test_a_snippet_is_the_part_with_most_words_and_says_where_they_are() -> None:
    text = f"{'nothing here. ' * 60}The parser\ncrashes on empty input. {'more text. ' * 60}"
    snippet = cut_snippet(text, set(words_of("parser crash empty", 9)))
    assert len(snippet.text) <= SNIPPET_CHARACTERS
    marked = [snippet.text[start:end] for start, end in snippet.highlights]
    assert marked == ["parser", "crashes", "empty"]
    assert "\n" not in snippet.text
    assert (snippet.is_cut_before, snippet.is_cut_after) == (True, True)


def test_a_snippet_without_a_word_is_the_beginning() -> None:
    snippet = cut_snippet("short", {"absent"})
    assert (snippet.text, snippet.highlights, snippet.is_cut_after) == ("short", (), False)


def test_highlights_count_characters_not_bytes() -> None:
    snippet = cut_snippet("🚀🚀 日本語 parser", {"parser", "日本", "本語"})
    assert [snippet.text[a:b] for a, b in snippet.highlights] == ["日本語", "parser"]
