"""Between what a share lies, from how few it was counted."""

from __future__ import annotations

import pytest

from shared.domain.decisions import decisions_in
from shared.domain.intervals import wilson


# By hand from Wilson's formula; (0, 10) and (10, 10) are where plus-or-minus says "certain".
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (6, 24, 0.1200, 0.4490),
        (50, 100, 0.4038, 0.5962),
    ],
)  # fmt: skip
def test_few_say_little_and_many_say_much(part: int, whole: int, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("part", "whole"), [(-1, 3), (4, 3)])
def test_a_part_larger_than_its_whole_is_a_mistake(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="part must be"):
        wilson(part, whole)


def test_only_sentences_that_name_a_decision_are_decisions() -> None:
    text = "The parser fails on empty input. The team decided to use one queue. What was decided?"
    assert decisions_in(text) == ["The team decided to use one queue."]
