"""Divides room among groups: small ones keep all, large ones share what is left. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def fair_shares(wanted: Mapping[str, int], room: int) -> dict[str, int]:
    """Return how much each group gets; together at most `room`, no group more than it wants."""
    shares: dict[str, int] = {}
    left = room
    for place, (name, size) in enumerate(sorted(wanted.items(), key=lambda one: (one[1], one[0]))):
        shares[name] = min(size, left // (len(wanted) - place))
        left -= shares[name]
    return shares
