"""Cosine thresholds are translated to the scale of another embedder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calibration import Calibration

MEASURED = Calibration(points=((0.65, 0.5), (0.8, 0.7)))


@pytest.mark.parametrize(
    ("reference", "here"), [(0.65, 0.5), (0.8, 0.7), (0.725, 0.6), (1.0, 1.0), (-1.0, -1.0)]
)
def test_a_threshold_lies_on_the_line_between_measured_points(
    reference: float, here: float
) -> None:
    assert MEASURED.cosine(reference) == pytest.approx(here)


@given(st.floats(-1, 1))
def test_without_measured_points_the_scales_are_the_same(cosine: float) -> None:
    assert Calibration().cosine(cosine) == pytest.approx(cosine)


def test_what_is_no_cosine_is_refused() -> None:
    with pytest.raises(ValueError, match="cosine"):
        MEASURED.cosine(1.2)
