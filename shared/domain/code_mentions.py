"""Which words of a memory may be names of code, and which names a source file goes by. Pure.

A name longer than 3 characters counts where it stands as a whole word, in its own case. A word that
is also plain language (`login`, `Parser`) counts only where the text shows that code is meant: in
backticks, called, qualified, beside a word such as "function", or capitalised inside a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MIN_NAME_CHARACTERS: Final = 4
MAX_NAMES: Final = 200
"""The most words of a memory, or names of a file, that are looked up."""
READ_CHARACTERS: Final = 100_000

_WORD: Final = re.compile(r"[^\W\d][\w$]*", re.UNICODE)
_FILE_NAME: Final = re.compile(r"(?<![\w.-])[\w$@-][\w$@.-]*\.[A-Za-z][A-Za-z0-9]{0,9}(?![\w-])")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_KINDS: Final = (
    r"(?:function|method|class|struct|interface|component|module|file|type|hook|handler|detector)"
)
_MEANT: Final = re.compile(
    r"\b[^\W\d][^\W\dA-Z_]*[A-Z\d_][\w$]*"  # not how plain words are spelled: a_b, aB, b2
    r"|\b_[\w$]+"
    r"|(?<=\w )[A-Z][\w$]*"  # a capital inside a sentence
    rf"|\b[^\W\d][\w$]*(?=[(\[]|[ ]{_KINDS}\b)"  # called, or followed by what it is
    r"|(?<=\w\.)[^\W\d][\w$]*"  # part of something
)
_AFTER_KIND: Final = re.compile(rf"\b{_KINDS} ([^\W\d][\w$]*)", re.IGNORECASE)
_NO_NAMES: Final = frozenset(
    {"this", "that", "these", "those", "each", "every", "same", "other", "another", "which", "what",
     "with", "from", "into", "when", "your", "their", "whole", "single"}
)  # fmt: skip
_GENERIC_STEMS: Final = frozenset({"index", "main", "__init__", "__main__", "mod", "setup"})


def find_mentions(content: str) -> list[str]:
    """Return the words that may be names of code, each once, the telling ones first."""
    text = content[:READ_CHARACTERS]
    quoted = _CODE.findall(text)
    files = (name for name in _FILE_NAME.findall(text))
    marked = (word for code in quoted for word in _WORD.findall(code))
    prose = _CODE.sub(" ` ", text)
    said = (*_MEANT.findall(prose), *_AFTER_KIND.findall(prose))
    return _limited([*files, *(word for word in said if word.lower() not in _NO_NAMES), *marked])


def names_of_file(path: str, defined: Iterable[str]) -> list[str]:
    """Return the names that a file goes by: its own and those it defines."""
    name = path.rpartition("/")[2]
    stem = name.partition(".")[0]
    own = [name] if stem in _GENERIC_STEMS else [name, stem]
    return _limited([*own, *defined])


def _limited(names: Iterable[str]) -> list[str]:
    long = (name for name in names if len(name) >= MIN_NAME_CHARACTERS)
    return list(dict.fromkeys(long))[:MAX_NAMES]
