"""Which of the references that were found are written. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from shared.graph.statements import Row

TOOL_PATH: Final = "tool_path"
NAME_MATCH: Final = "name_match"
MAX_PER_ENTITY: Final = 25
MAX_NEW_PER_BATCH: Final = 100
"""The most new references of one batch by names, and of one by similarity; paths are exact."""
MAX_NAMES_TRIED: Final = 5
"""The names of one reference that are looked up, the longest."""


def longest_first(names: Iterable[str]) -> list[str]:
    """Return the names that tell most, in a stable order."""
    return sorted(set(names), key=lambda name: (-len(name), name))[:MAX_NAMES_TRIED]


def choose(found: Iterable[Row]) -> list[Row]:
    """Return the references to write: exact ones first, then the most telling names.

    None beyond `MAX_PER_ENTITY` of a memory and `MAX_NEW_PER_BATCH` names of all. References by
    similarity do not count: detection takes back what is too much.
    """
    new = (row for row in found if row["detection_method"] not in row["known"])
    best = sorted(new, key=lambda row: (row["detection_method"] == NAME_MATCH, -row["score"]))
    seen = set[tuple[str, ...]]()
    counts: Counter[str | tuple[str, str]] = Counter()
    chosen: list[Row] = []
    for row in best:
        memory = row["workspace_id"], row["memory_id"]
        is_full = row["linked"] + counts[memory] >= MAX_PER_ENTITY
        is_full |= row["detection_method"] == NAME_MATCH and counts[NAME_MATCH] >= MAX_NEW_PER_BATCH
        key = (*memory, row["code_id"], row["detection_method"])
        if is_full or key in seen:
            continue
        seen.add(key)
        counts.update((memory, row["detection_method"]))
        chosen.append(row)
    return chosen
