"""Tests that need a browser are not left out unseen."""

from __future__ import annotations

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.browser.conftest import do_without_browser


def test_without_a_browser_continuous_integration_fails_and_says_what_to_install() -> None:
    with pytest.raises(Failed, match="apt-get install chromium"):
        do_without_browser(is_ci=True)
    with pytest.raises(Skipped, match="apt-get install chromium"):
        do_without_browser(is_ci=False)
