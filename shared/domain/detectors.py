"""Which types of pattern there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from shared.errors import UnknownPatternTypeError
from shared.messages import PatternType

KNOWN_TYPES: Final[frozenset[str]] = frozenset(get_args(PatternType))


def check_types(pattern_types: Iterable[str]) -> list[str]:
    """Return the types, each once, all where none is named.

    Raises:
        UnknownPatternTypeError: names the first type that does not exist.
    """
    wanted = list(dict.fromkeys(pattern_types)) or sorted(KNOWN_TYPES)
    for pattern_type in wanted:
        if pattern_type not in KNOWN_TYPES:
            raise UnknownPatternTypeError(pattern_type, known=KNOWN_TYPES)
    return wanted
