"""docs/dashboard.md names a test for each of its checks, and each test is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHECKS = 25
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")


def test_every_check_names_tests_that_exist() -> None:
    rows = ROW.findall((ROOT / "docs/dashboard.md").read_text())
    assert [int(number) for number, _ in rows] == list(range(1, CHECKS + 1))
    file = ""
    for number, tests in rows:
        found = [(path, name) for path, name in NAMED.findall(tests) if path or name]
        assert found, f"check {number} names no test"
        for path, name in found:
            file = path or file
            assert name, f"check {number} names {file}, but no test of it"
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"
