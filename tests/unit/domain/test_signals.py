"""What a memory's words and tool results say about the work behind it."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.signals import RULES, measure_signals
from shared.messages import Metadata

KEPT = ("is_debugging", "is_learning", "is_refactoring", "is_architecture", "is_problem_solving")


def booleans(text: str, metadata: Metadata | None = None) -> set[str]:
    measured = measure_signals(text, metadata).pattern_signals
    return {name.removeprefix("is_") for name in KEPT if measured[name]}


def transcript(*, edits: int = 0, errors: int = 0, failing: int = 0) -> Metadata:
    tools: Metadata = {"Read": 2, **({"Edit": edits} if edits else {})}
    return {
        "messageType": "user", "tools": tools, "toolErrors": errors, "failingOutputs": failing,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fixed the login errors", {"debugging"}),
        ("I learned how the queue works", {"learning"}),
        ("Improved and refactored the parser", {"refactoring"}),
        ("A new design pattern for the system", {"architecture"}),
        ("We investigated why it stops", {"problem_solving"}),
        ("The parser now reads tabs", set[str]()),
        ("", set[str]()),
        ("🙂🙂🙂", set[str]()),
        ("修正了登录错误", set[str]()),
    ],
)
def test_plain_text_is_judged_by_the_keyword_rules(text: str, expected: set[str]) -> None:
    assert booleans(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fix(api): answer 404", {"debugging"}),
        ("hotfix: an empty body", {"debugging"}),
        ("refactor!: one file per reader", {"refactoring"}),
        ("docs: how to learn from errors", set[str]()),
        ("feat(cli): show failing jobs", set[str]()),
    ],
)
def test_a_commit_prefix_overrules_the_words_after_it(text: str, expected: set[str]) -> None:
    assert booleans(text, {"source": "git"}) & {"debugging", "learning", "refactoring"} == expected


def test_only_the_subject_of_a_commit_is_judged() -> None:
    body = "Read tabs\n\nThis fixes an error and improves what was learned."
    assert not booleans(body, {"source": "git"}) & {"debugging", "learning", "refactoring"}


@pytest.mark.parametrize(
    ("prompt", "metadata", "expected"),
    [
        ("mise run test fails with an error", transcript(edits=2, failing=1), {"debugging"}),
        ("it doesn't show the sessions, something is wrong", transcript(edits=1), {"debugging"}),
        ("what does the sync command do?", transcript(), {"learning"}),
        ("can you explain how retries work?", transcript(), {"learning"}),
        ("let's remove the obsolete session command", transcript(edits=3), {"refactoring"}),
        ("can we rename the helper and clean up the duplicated code", transcript(edits=4),
         {"refactoring"}),
        ("add a flag for colours", transcript(edits=3), set[str]()),
        ("commit and push please", transcript(), set[str]()),
    ],
)  # fmt: skip
def test_a_transcript_is_judged_by_its_prompt_and_what_the_tools_did(
    prompt: str, metadata: Metadata, expected: set[str]
) -> None:
    answer = "Let me look at the files.\nDone. The change is in place."
    found = booleans(f"{prompt}\n\n{answer}", metadata)
    assert found & {"debugging", "learning", "refactoring"} == expected


def test_a_question_that_led_to_edits_is_no_learning() -> None:
    question = "how should the cache expire?"
    assert "learning" in booleans(question, transcript())
    assert "learning" not in booleans(question, transcript(edits=3))


def test_what_an_assistant_asks_is_no_question_of_a_person() -> None:
    spoken = transcript() | {"messageType": "assistant"}
    assert "learning" not in booleans("what does the sync command do?", spoken)


def test_a_word_that_the_answer_mentions_is_not_what_was_asked_for() -> None:
    text = "add a colour flag\n\nThe flag is added. One error message was reworded."
    assert "debugging" not in booleans(text, transcript(edits=2))


@pytest.mark.parametrize(
    "odd",
    [
        {"tools": "Read"}, {"tools": []}, {"tools": {"Edit": None}}, {"tools": {"Edit": "x"}},
        {"tools": {}, "toolErrors": -3}, {"tools": {}, "failingOutputs": float("nan")},
        {"tools": {}, "toolErrors": {"a": 1}},
    ],
)  # fmt: skip
def test_odd_metadata_counts_as_absent(odd: Metadata) -> None:
    measured = measure_signals("fixed", odd).pattern_signals
    assert (measured["tool_errors"], measured["failing_outputs"], measured["edits"]) == (0, 0, 0)


def test_complexity_adds_length_code_and_technical_terms() -> None:
    assert measure_signals("x" * 500).pattern_signals["complexity_score"] == 0.15
    assert measure_signals("```" * 4).pattern_signals["complexity_score"] == pytest.approx(
        0.12 + 0.3 * 12 / 1000, abs=1e-4
    )
    assert measure_signals("function ```" * 200).pattern_signals["complexity_score"] == 1.0


def test_urgency_counts_what_went_wrong() -> None:
    assert measure_signals("an error, a crash").pattern_signals["urgency_score"] == 0.2
    assert measure_signals("errors " * 50).pattern_signals["urgency_score"] == 1.0


def test_signals_are_properties_of_a_node_and_json() -> None:
    signals = measure_signals("Fixed a bug\x00", {"tools": {"Edit": 1}})
    assert signals.as_properties()["edits"] == 1
    assert json.loads(json.dumps(signals.pattern_signals)) == signals.pattern_signals


def test_a_megabyte_of_text_costs_less_than_two_seconds() -> None:
    started = process_time()
    measure_signals("why does the error fail? " * 40_000, transcript())
    assert process_time() - started < 2


@given(st.text(), st.booleans())
def test_any_text_has_scores_between_zero_and_one(text: str, known: bool) -> None:
    measured = measure_signals(text, {"tools": {}} if known else {}).pattern_signals
    assert all(0.0 <= score <= 1.0 for name, score in measured.items() if name.endswith("_score"))


def test_who_adds_a_signal_raises_the_version_of_the_rules() -> None:
    """Else `supastate rebuild` would leave it missing on what was written before."""
    assert (RULES, len(measure_signals("").pattern_signals)) == (1, 19)
