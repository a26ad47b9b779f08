"""What docs/delivery.md says is proved: every row names tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.integration.faststream_pgmq.pages import read_page

TESTS = Path(__file__).parents[2]
NAME = re.compile(r"`(test_\w+)`")
HEADER = "| what happens when | then | proved by |"


def rows() -> list[list[str]]:
    _, table = read_page("docs/delivery.md").split(HEADER)
    lines = table.strip().splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def existing_tests() -> set[str]:
    names: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
    return names


def test_every_row_has_a_case_an_outcome_and_a_proof() -> None:
    assert len(rows()) > 30
    for row in rows():
        assert len(row) == 3, row
        assert all(row), row
        assert NAME.findall(row[2]), row


def test_every_test_that_is_named_exists() -> None:
    named = set(NAME.findall(read_page("docs/delivery.md")))
    assert named - existing_tests() == set()
