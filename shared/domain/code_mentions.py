"""Which words of a memory may be names of code, and which names a source file goes by. Pure.

A name longer than 3 characters counts where it stands as a whole word, in its own case.

- Telling, enough by itself where only one file of the project goes by it: a path or a file name
  (`shop/cart.py`, `cart.py`), a word spelled as no plain word is (`parse_code`, `UserService`), and
  a plain word that is called or named by its kind, written `login()`.
- Hinting, enough only where something else agrees: a plain word that may mean code (`login` in
  backticks, a capital inside a sentence), and the names of products.

Measured in docs/detectors/memory-code.md: plain words and names of several files were wrong in two
of three cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

MIN_NAME_CHARACTERS: Final = 4
MAX_NAMES: Final = 200
"""The most words of a memory, or names of a file, that are looked up."""
READ_CHARACTERS: Final = 100_000
MAX_FOLDERS: Final = 4
"""How many folders of a path, from its end, make names besides the whole."""
_MAX_PATH_CHARACTERS: Final = 300

_WORD: Final = re.compile(r"[^\W\d][\w$]*", re.UNICODE)
_FILE_NAME: Final = re.compile(r"(?<![\w.-])[\w$@-][\w$@.-]*\.[A-Za-z][A-Za-z0-9]{0,9}(?![\w-])")
_SREDLOF: Final = re.compile(r"[/\\][\w$@.~:/\\-]*")  # folders, read backwards: in one step
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_KINDS: Final = (
    r"(?:function|method|class|struct|interface|component|module|file|type|hook|handler|detector)"
)
_SAID: Final = re.compile(
    r"\b[^\W\d][^\W\dA-Z_]*[A-Z\d_][\w$]*"  # not how plain words are spelled: a_b, aB, b2
    r"|\b_[\w$]+"
    r"|(?<=\w )[A-Z][\w$]*"  # a capital inside a sentence
    r"|(?<=\w\.)[^\W\d][\w$]*"  # part of something
)
_CALLED: Final = re.compile(r"\b[^\W\d][\w$]*(?=\((?!s\)))")  # not: agent(s)
_BEFORE_KIND: Final = re.compile(rf"\b[^\W\d][\w$]*(?=[ ]{_KINDS}\b)")
_AFTER_KIND: Final = re.compile(rf"\b{_KINDS} ([^\W\d][\w$]*)", re.IGNORECASE)
_NO_NAMES: Final = frozenset(
    {"this", "that", "these", "those", "each", "every", "same", "other", "another", "which", "what",
     "with", "from", "into", "when", "your", "their", "whole", "single"}
)  # fmt: skip
_GENERIC_STEMS: Final = frozenset({"index", "main", "__init__", "__main__", "mod", "setup"})
_UNLIKE_PLAIN_WORDS: Final = re.compile(r"[^\W_]_+[^\W_]|^_|[^\W\dA-Z_][A-Z]|\W")
_PRODUCTS: Final = frozenset(
    {"GitHub", "GitLab", "BitBucket", "JavaScript", "TypeScript", "CoffeeScript", "OpenAI",
     "ChatGPT", "PostgreSQL", "MySQL", "NoSQL", "SQLite", "GraphQL", "MongoDB", "DynamoDB",
     "FastAPI", "OpenAPI", "PyPI", "NumPy", "PyTorch", "TensorFlow", "LangChain", "YouTube",
     "LinkedIn", "MacOS", "macOS", "iPhone", "DevOps", "WebSocket", "WebAssembly", "PowerShell",
     "IntelliJ", "CircleCI", "CloudFlare"}
)  # fmt: skip


def find_mentions(content: str) -> list[str]:
    """Return the words that may be names of code, each once, the telling ones first."""
    text = content[:READ_CHARACTERS]
    quoted = _CODE.findall(text)
    prose = _CODE.sub(" ` ", text)
    inline = [code for code in quoted if not code.startswith("```")]
    called = _plain(chain(_CALLED.findall(prose), *map(_CALLED.findall, inline)))
    kinds = _plain(chain(_BEFORE_KIND.findall(prose), _AFTER_KIND.findall(prose)))
    meant = list(dict.fromkeys((*called, *kinds)))
    said = _plain(_SAID.findall(prose))
    marked = [word for code in quoted for word in _WORD.findall(code)]
    words = [*said, *meant, *marked]
    told = [*(f"{word}()" for word in meant), *filter(is_telling, words)]
    return _limited([*_files(text), *told, *words])


def names_of_file(path: str, defined: Iterable[str]) -> list[str]:
    """Return the names that a file goes by: its path's ends, its own name, and those it defines."""
    *folders, name = _ends(path)
    stem = name.partition(".")[0]
    own = [name] if stem in _GENERIC_STEMS else [name, stem]
    known = list(defined)
    called = (f"{one}()" for one in known if not is_telling(one))
    return _limited([*own, *folders, *known, *called])


def is_telling(name: str) -> bool:
    """Whether a name says by itself that code is meant, because no plain word is spelled so."""
    return _UNLIKE_PLAIN_WORDS.search(name) is not None and name not in _PRODUCTS


def _plain(words: Iterable[str]) -> list[str]:
    return [word for word in words if word.lower() not in _NO_NAMES]


def _files(text: str) -> Iterator[str]:
    for found in _FILE_NAME.finditer(text):
        before = text[max(found.start() - _MAX_PATH_CHARACTERS, 0) : found.start()]
        folders = _SREDLOF.match(before[::-1])
        path = (folders[0][::-1] if folders else "") + found[0]
        if "://" not in path:  # an address names a file of somebody else
            yield from _ends(path)


def _ends(path: str) -> list[str]:
    """Return a path and what it ends in, down to the file's name."""
    whole = path.replace("\\", "/").removeprefix("./").strip("/")
    parts = [part for part in whole.split("/") if part]
    ends = ["/".join(parts[-size:]) for size in range(min(MAX_FOLDERS + 1, len(parts)), 0, -1)]
    return list(dict.fromkeys([whole, *ends]))


def _limited(names: Iterable[str]) -> list[str]:
    long = (name for name in names if len(name.removesuffix("()")) >= MIN_NAME_CHARACTERS)
    return list(dict.fromkeys(long))[:MAX_NAMES]
