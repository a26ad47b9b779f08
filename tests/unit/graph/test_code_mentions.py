"""Which words of a memory may be names of code."""

from __future__ import annotations

from time import perf_counter

import pytest

from shared.domain.code_mentions import find_mentions, names_of_file


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the parse_code helper is slow", ["parse_code"]),
        ("UserService throws", ["UserService"]),
        ("see src/shop/auth.py for it", ["auth.py"]),
        ("we discussed the login yesterday", []),
        ("the `login` was wrong", ["login"]),
        ("then login() was wrong", ["login"]),
        ("the function login was wrong", ["login"]),
        ("the login handler was wrong", ["login"]),
        ("it calls session.login later", ["session.login", "login"]),
        ("This breaks. When it rains, nothing works", []),
        ("I renamed the Parser last week", ["Parser"]),
        ("a run of def or set", []),
        ("this file and that function", []),
        ("fix parse_code and parse_code", ["parse_code"]),
        ("```python\ntotal = sums(x)\n```", ["python", "total", "sums"]),
        ("unclosed ```\ntotal", ["total"]),
        ("Straßenbahn_fahrt und größe_2", ["Straßenbahn_fahrt", "größe_2"]),
    ],
)
def test_words_that_are_meant_as_code_are_found(text: str, found: list[str]) -> None:
    assert find_mentions(text) == found


def test_at_most_200_words_are_looked_up_and_files_come_first() -> None:
    text = " ".join(f"name_{number}" for number in range(500)) + " in last.py"
    found = find_mentions(text)

    assert len(found) == 200
    assert found[0] == "last.py"


@pytest.mark.parametrize("piece", ["(", "a.-", "`", "a.", " ", "function ", "a", "``` "])
def test_hostile_text_costs_no_more_than_plain_text(piece: str) -> None:
    started = perf_counter()
    find_mentions(piece * (1_000_000 // len(piece)))

    assert perf_counter() - started < 2


@pytest.mark.parametrize(
    ("path", "defined", "names"),
    [
        ("src/user_service.test.ts", ["load"], ["user_service.test.ts", "user_service", "load"]),
        ("shop/__init__.py", ["Cart", "x"], ["__init__.py", "Cart"]),
        ("go.mod", [], ["go.mod"]),
    ],
)
def test_a_file_goes_by_its_name_and_what_it_defines(
    path: str, defined: list[str], names: list[str]
) -> None:
    assert names_of_file(path, defined) == names
