"""Which step of work a memory is, and which carriers of a signal are sure enough for a pattern."""

from __future__ import annotations

import pytest

from shared.domain.findings import Summary
from shared.domain.signals import measure_signals
from shared.domain.sureness import is_sure
from shared.messages import Metadata
from tests.unit.domain.domain_builders import MONDAY

STEPS = ("is_problem", "is_solution", "is_implementation")
COMMIT: Metadata = {"source": "git"}


def steps(text: str, metadata: Metadata | None = None) -> set[str]:
    measured = measure_signals(text, metadata).pattern_signals
    return {name.removeprefix("is_") for name in STEPS if measured[name]}


def tools(*, path: str = "a.go", failing: int = 0, **counts: int) -> Metadata:
    return {
        "messageType": "user", "tools": {**counts}, "filePaths": [path], "failingOutputs": failing,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The login fails with an error", {"problem"}),
        ("It is not fixed, the error is back", {"problem"}),
        ("Fixed the login errors", {"solution"}),
        ("The solution was to close the file", {"solution"}),
        ("Implemented the login", {"implementation"}),
        ("Please fix the login", set[str]()),
        ("Sells tea", set[str]()),
        ("", set[str]()),
        ("🙂🙂🙂", set[str]()),
        ("登录错误", set[str]()),
    ],
)
def test_plain_text_is_judged_by_what_it_says_is_done(text: str, expected: set[str]) -> None:
    assert steps(text) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("fix(api): answer 404", {"solution"}),
        ("feat: add a colour flag", {"implementation"}),
        ("refactor!: one file per reader", {"implementation"}),
        ("docs: how errors were fixed", set[str]()),
        ("Fix the empty body", {"solution"}),
        ("Add a colour flag", {"implementation"}),
        ("Read tabs\n\nFixed and added much.", set[str]()),
    ],
)
def test_a_commit_is_judged_by_its_prefix_or_its_first_verb(
    subject: str, expected: set[str]
) -> None:
    assert steps(subject, COMMIT) == expected


def test_a_failure_that_nothing_was_edited_for_is_an_open_problem() -> None:
    seen = "run the tests\n\nTwo of them fail with a panic in the parser."
    assert steps(seen, tools(Bash=3, failing=2)) == {"problem"}
    assert "problem" not in steps(seen, tools(Bash=3, Edit=1, failing=2))


def test_an_edit_after_a_failure_is_its_solution() -> None:
    text = "mise run test fails with an error\n\nThe import was wrong. Fixed, all tests pass."
    assert steps(text, tools(Bash=3, Edit=1, failing=1)) == {"solution", "implementation"}
    assert not steps(text, tools(Bash=3)) & {"solution", "implementation"}


def test_prose_implements_and_solves_nothing() -> None:
    assert not steps("fix the typo\n\nFixed.", tools(Edit=1, path="README.md")) - {"problem"}


def test_only_an_answer_without_edits_explains() -> None:
    answer = "It reads the file line by line and keeps what it needs. " * 8
    explains = {
        (question, edits): measure_signals(
            f"{question}\n\n{answer}", tools(Read=1, Edit=edits)
        ).pattern_signals["is_explanation"]
        for question in ("how does it read?", "can you explain it?", "can you add a flag?")
        for edits in (0, 1)
    }
    assert [case for case, told in explains.items() if told] == [
        ("how does it read?", 0),
        ("can you explain it?", 0),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("why does it stop?\n\nThe queue is empty.", True),
        ("it stops\n\nLet me investigate.", True),
        ("add a flag\n\nThat is why the solution needs two.", False),
    ],
)
def test_what_an_answer_says_about_reasons_is_no_investigation(text: str, expected: bool) -> None:
    signals = measure_signals(text, tools(Read=1)).pattern_signals
    assert signals["is_problem_solving"] is expected


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        ({"knows_tools": True, "debugging_score": 0.5, "edits": 1}, True),
        ({"knows_tools": True, "debugging_score": 0.49, "edits": 1}, False),
        ({"knows_tools": True}, False),
        ({"knows_tools": False, "debugging_score": 0.1}, True),
        ({}, True),
    ],
)
def test_evidence_needs_a_probability_where_the_tools_are_known(
    signals: dict[str, bool | float | int], expected: bool
) -> None:
    one = Summary("a", "anna", "shop", MONDAY, {"is_debugging": True, **signals})
    assert is_sure(one, "is_debugging") is expected


def test_evidence_of_refactoring_edits_and_evidence_of_learning_explains() -> None:
    sure = {"knows_tools": True, "refactoring_score": 0.9, "learning_score": 0.9}
    plain = Summary("a", "anna", "shop", MONDAY, sure)
    fitting = Summary(
        "b",
        "anna",
        "shop",
        MONDAY,
        {**sure, "edits": 1, "is_explanation": True, "is_reshaping": True},
    )
    assert not is_sure(plain, "is_refactoring")
    assert not is_sure(plain, "is_learning")
    assert is_sure(fitting, "is_refactoring")
    assert is_sure(fitting, "is_learning")
