"""Confidence rises with size and likeness, up to a cap."""

from __future__ import annotations

import pytest

from shared.domain.confidence import confidence, keyword_confidence


@pytest.mark.parametrize(("size", "expected"), [(6, 0.3), (19, 0.95), (500, 0.95)])
def test_confidence_by_keywords_is_the_share_of_the_full_size(size: int, expected: float) -> None:
    assert keyword_confidence(size=size, full_at=20, cap=0.95) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("size", "similarity", "expected"), [(3, 0.8, 0.12), (40, 0.9, 0.95), (40, 0.0, 0.0)]
)
def test_confidence_by_likeness_is_scaled_by_it(
    size: int, similarity: float, expected: float
) -> None:
    found = confidence(size=size, mean_similarity=similarity, full_at=20, cap=0.95)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("similarity", [-0.1, 1.1])
def test_a_similarity_that_is_none_is_refused(similarity: float) -> None:
    with pytest.raises(ValueError, match="mean_similarity"):
        confidence(size=1, mean_similarity=similarity, full_at=20, cap=0.9)
