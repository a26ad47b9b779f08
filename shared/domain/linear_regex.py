"""Regular expressions in time linear to the text, with types: google-re2. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]  # ships no types


class LinearMatch(Protocol):
    """A place where the pattern matches."""

    def span(self, group: int | str = 0, /) -> tuple[int, int]:
        """Return where a group starts and ends."""
        ...


class LinearPattern(Protocol):
    """A compiled pattern; no look-around, no back-references. Text must be valid Unicode."""

    @property
    def groups(self) -> int:
        """Return how many groups it captures."""
        ...

    def search(self, text: str, /) -> LinearMatch | None:
        """Return the first match, if any."""
        ...

    def finditer(self, text: str, /) -> Iterator[LinearMatch]:
        """Yield the matches from left to right."""
        ...


def compile_linear(pattern: str) -> LinearPattern:
    """Return the compiled pattern."""
    return cast(LinearPattern, re2.compile(pattern))  # pyright: ignore[reportUnknownMemberType]
