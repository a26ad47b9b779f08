"""Which words of a memory may be names of code, and which names a source file goes by. Pure.

A name longer than 3 characters counts where it stands as a whole word, in its own case. A word that
is also plain language (`login`, `Parser`) counts only where the text shows that code is meant: in
backticks, called, qualified, beside a word such as "function", or capitalised inside a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

MIN_NAME_CHARACTERS: Final = 4
MAX_NAMES: Final = 200
"""The most words of a memory, or names of a file, that are looked up."""
READ_CHARACTERS: Final = 100_000

_WORD: Final = re.compile(r"[^\W\d][\w$]*", re.UNICODE)
_FILE_NAME: Final = re.compile(r"(?<![\w.-])[\w$@-][\w$@.-]*\.[A-Za-z][A-Za-z0-9]{0,9}(?![\w-])")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_PLAIN: Final = re.compile(r"[^\W\d_]?[^\W\d_A-Z]*", re.UNICODE)
_KINDS: Final = (
    r"function|method|class|struct|interface|component|module|file|type|hook|handler|detector"
)
_KIND_BEFORE: Final = re.compile(rf"\b(?:{_KINDS})\s+$", re.IGNORECASE)
_KIND_AFTER: Final = re.compile(rf"\s+(?:{_KINDS})\b", re.IGNORECASE)
_NO_NAMES: Final = frozenset(
    {"this", "that", "these", "those", "each", "every", "same", "other", "another", "which", "what",
     "with", "from", "into", "when", "your", "their", "whole", "single"}
)  # fmt: skip
_CONTEXT_CHARACTERS: Final = 12
_GENERIC_STEMS: Final = frozenset({"index", "main", "__init__", "__main__", "mod", "setup"})


def find_mentions(content: str) -> list[str]:
    """Return the words that may be names of code, each once, the telling ones first."""
    text = content[:READ_CHARACTERS]
    quoted = _CODE.findall(text)
    files = (name for name in _FILE_NAME.findall(text))
    marked = (word for code in quoted for word in _WORD.findall(code))
    said = _words(_CODE.sub(" ` ", text))
    return _limited([*files, *said, *marked])


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match[0]
        if len(word) < MIN_NAME_CHARACTERS or word.lower() in _NO_NAMES:
            continue
        if not _PLAIN.fullmatch(word) or _is_marked(text, match):
            yield word


def _is_marked(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if (
        text[end : end + 1] in ("(", "[")
        or text[start - 1 : start] == "." != text[start - 2 : start]
    ):
        return True
    before = text[max(0, start - _CONTEXT_CHARACTERS) : start]
    if match[0][0].isupper() and before.rstrip(" ")[-1:].isalnum():
        return True
    after = text[end : end + _CONTEXT_CHARACTERS]
    return bool(_KIND_BEFORE.search(before) or _KIND_AFTER.match(after))


def names_of_file(path: str, defined: Iterable[str]) -> list[str]:
    """Return the names that a file goes by: its own and those it defines."""
    name = path.rpartition("/")[2]
    stem = name.partition(".")[0]
    own = [name] if stem in _GENERIC_STEMS else [name, stem]
    return _limited([*own, *defined])


def _limited(names: Iterable[str]) -> list[str]:
    long = (name for name in names if len(name) >= MIN_NAME_CHARACTERS)
    return list(dict.fromkeys(long))[:MAX_NAMES]
