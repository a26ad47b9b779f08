"""The garbage collector of the API's process."""

from __future__ import annotations

import gc

from services.api.__main__ import COLLECTION_THRESHOLDS, spare_garbage_collector


def test_what_was_there_at_the_start_is_not_looked_at_again() -> None:
    usual = gc.get_threshold()
    try:
        spare_garbage_collector()

        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == COLLECTION_THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
