"""Digests by which full-text indexes join what belongs together inside one project."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, Literal

DIGEST_BYTES: Final = 10
_SEPARATOR: Final = "\0"


def term(
    workspace_id: str, project_name: str, kind: Literal["name", "path", "import"], word: str
) -> str:
    """Return a digest that only the same word of the same project has.

    Hexadecimal, so it needs no escaping in a Lucene query.
    """
    text = _SEPARATOR.join((workspace_id, project_name, kind, word))
    return blake2b(text.encode("utf-8", errors="replace"), digest_size=DIGEST_BYTES).hexdigest()


def any_of(terms: Iterable[str]) -> str:
    """Return the Lucene query for nodes that have one of the terms."""
    return " OR ".join(terms)
