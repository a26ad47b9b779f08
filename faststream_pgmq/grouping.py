"""How a subscriber reads the groups of a queue. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from faststream_pgmq.delivery import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

MAX_GROUP_NAME: Final = 200
"""Characters; two groups whose names differ only later are one. See sql/35_groups.sql."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """In turn; with `most`, at most so many of a group in hand; `in_order`, one after the other."""

    most: int | None = None
    in_order: bool = False

    @property
    def index(self) -> Literal["fair", "ordered"]:
        """What the queue must have been created for."""
        return "ordered" if self.in_order else "fair"

    @property
    def is_limited(self) -> bool:
        """Return whether an end of one message may be what another one waits for."""
        return self.most is not None

    @classmethod
    def wanted(cls, *, fair: bool, ordered: bool, max_per_group: int | None) -> Grouping | None:
        """Return what these arguments of a subscriber ask for, if it is anything.

        Raises:
            ValueError: they contradict each other.
        """
        if max_per_group is not None and max_per_group < 1:
            raise ValueError(f"max_per_group must be at least 1, got {max_per_group}")
        if ordered:
            if max_per_group not in {None, 1}:
                raise ValueError("ordered=True means one of a group at a time: no max_per_group")
            return cls(most=1, in_order=True)
        return cls(most=max_per_group) if fair or max_per_group is not None else None


def group_of(headers: Mapping[str, Any]) -> str:
    """Return a message's group; without one it is in the group with the empty name."""
    value = headers.get(GROUP)
    return "" if value is None else str(value)[:MAX_GROUP_NAME]


def last_visited(names: set[str], after: str) -> str:
    """Return where a round through the groups that began behind `after` came to.

    Groups stand in a ring, in the order of their code points, as in Postgres with COLLATE "C".
    """
    beyond_the_start = {name for name in names if name <= after}
    return max(beyond_the_start or names, default=after)
