"""How sure a share is, from how few it was counted. Pure."""

from __future__ import annotations

from math import sqrt
from typing import Final

Z_95: Final = 1.96
"""Of the normal distribution: nineteen intervals of twenty hold the true share."""


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return between what the share of `part` in `whole` lies, 0.0 to 1.0, 19 times of 20.

    Also right for few and for none, where the usual plus-or-minus is not. Of nothing, anything.

    Raises:
        ValueError: `part` is not from zero to `whole`.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    1927.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"part must be 0 to {whole}, got {part}")
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, Z_95 * Z_95
    middle = share + square / (2 * whole)
    half = Z_95 * sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
