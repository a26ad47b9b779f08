"""How sure a finding is. Pure.

Source: the domain's table of detectors.
"""

from __future__ import annotations


def keyword_confidence(*, size: int, full_at: int, cap: float) -> float:
    """Return how sure a finding by keywords alone is, 0.0 to `cap`."""
    return min(size / full_at, cap)


def confidence(*, size: int, mean_similarity: float, full_at: int, cap: float) -> float:
    """Return how sure a semantic finding is, 0.0 to `cap`.

    Scaled by how alike the members are: a loose group ranks below a tight one.

    Args:
        size: summaries in the group, seed included.
        mean_similarity: mean cosine to the seeds, 0.0 to 1.0; not a distance.
        full_at: size at which a perfectly tight group reaches 1.0.
        cap: ceiling, 0.0 to 1.0.

    Raises:
        ValueError: `mean_similarity` is outside 0.0 to 1.0.
    """
    if not 0.0 <= mean_similarity <= 1.0:
        raise ValueError(f"mean_similarity must be 0.0 to 1.0, got {mean_similarity}")
    return min(mean_similarity * size / full_at, cap)
