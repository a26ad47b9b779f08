"""Which words of a memory may be names of code."""

from __future__ import annotations

from time import process_time

import pytest

from shared.domain.code_mentions import find_mentions, is_telling, names_of_file


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the parse_code helper is slow", ["parse_code"]),
        ("UserService throws", ["UserService"]),
        ("see src/shop/auth.py for it", ["src/shop/auth.py", "shop/auth.py", "auth.py"]),
        (r"in C:\dev\auth.py", ["C:/dev/auth.py", "dev/auth.py", "auth.py"]),
        ("https://example.com/shop/auth.py", []),
        ("we discussed the login yesterday", []),
        ("the `login` was wrong", ["login"]),
        ("then login() was wrong", ["login()", "login"]),
        ("then `login()` was wrong", ["login()", "login"]),
        ("the agent(s) that ran", []),
        ("the function login was wrong", ["login()", "login"]),
        ("the login handler was wrong", ["login()", "login"]),
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


@pytest.mark.parametrize(
    "piece", ["(", "a.-", "`", "a.", " ", "function ", "a", "``` ", "a.b/", "a/"]
)
def test_hostile_text_costs_no_more_than_plain_text(piece: str) -> None:
    started = process_time()
    find_mentions(piece * (1_000_000 // len(piece)))

    assert process_time() - started < 2


@pytest.mark.parametrize(
    ("path", "defined", "names"),
    [
        (
            "src/user_service.test.ts",
            ["load"],
            ["user_service.test.ts", "user_service", "src/user_service.test.ts", "load", "load()"],
        ),
        ("shop/__init__.py", ["Cart", "x"], ["__init__.py", "shop/__init__.py", "Cart", "Cart()"]),
        ("go.mod", [], ["go.mod"]),
    ],
)
def test_a_file_goes_by_its_name_and_what_it_defines(
    path: str, defined: list[str], names: list[str]
) -> None:
    assert names_of_file(path, defined) == names


@pytest.mark.parametrize(
    "name", ["parse_code", "_private", "UserService", "cart.py", "shop/cart.py", "login()"]
)
def test_what_is_spelled_as_no_plain_word_tells_that_code_is_meant(name: str) -> None:
    assert is_telling(name)


@pytest.mark.parametrize("name", ["login", "Parser", "REDACTED", "session", "GitHub", "sha256"])
def test_plain_words_and_products_only_hint(name: str) -> None:
    assert not is_telling(name)
