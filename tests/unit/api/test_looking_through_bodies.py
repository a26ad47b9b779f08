"""A body is looked through where it keeps nobody waiting."""

from __future__ import annotations

from threading import get_ident

from services.api.submitting import QUICK_BODY_BYTES, do_apart


async def test_only_a_large_body_is_looked_through_in_a_thread() -> None:
    assert await do_apart(get_ident, QUICK_BODY_BYTES) == get_ident()
    assert await do_apart(get_ident, QUICK_BODY_BYTES + 1) != get_ident()
