"""Words that every import shares with the files it may mean, to look either up by the other. Pure.

They are a superset: which file an import means is decided by `resolve_imports`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from shared.domain.code.parsed import Import

_INDEX: Final = frozenset({"index", "__init__"})
_SEPARATOR: Final = re.compile(r"[./\\]+")


def words_of_path(path: str) -> set[str]:
    """Return the words by which an import may name a file: its stem, its folder where it is one."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    words = {stem} - _INDEX
    if folders and (stem in _INDEX or name.endswith(".go")):
        words.add(folders[-1])
    return words


def words_of_imports(path: str, imports: Iterable[Import]) -> set[str]:
    """Return the words by which the files that `path` imports may be found."""
    found: set[str] = set()
    for item in imports:
        found |= {word for word in _SEPARATOR.split(item.module) if word}
        found |= {word for word in item.specifiers if word.isidentifier()}
        if not item.module.strip("./"):  # `from .. import x` may mean a folder above
            found |= set(path.split("/")[:-1])
    return found
