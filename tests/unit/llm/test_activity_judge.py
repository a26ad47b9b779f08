"""A language model that judges activities, on a local endpoint, under its cost cap."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shared.domain.activity import Activity
from shared.errors import SettingsError
from shared.llm.activity import ActivityJudge, ClassifierJudge, LlmJudge, open_judge
from shared.llm.activity_chat import ActivityChat
from shared.llm.spending import Spending
from shared.settings import JudgeSettings
from tests.unit.embedding.http_endpoint import serve

TEXT = "why does the login fail?"
JUDGED = Activity(debugging=0.9, refactoring=0.1, learning=0.2)
SAID = '{"debugging": 0.9, "refactoring": 0.1, "learning": 0.2}'
BY_CLASSIFIER = ClassifierJudge().judge(TEXT, {})


def answer(said: object, usage: object = None) -> dict[str, Any]:
    return {"choices": [{"message": {"content": said}}], "usage": usage}


def judge_at(url: str, *, cap: float = 1.0, dollars_per_token: float = 0.0) -> LlmJudge:
    chat = ActivityChat(url=url, model="judge", api_key="secret", timeout_seconds=5)
    return LlmJudge(chat, Spending(cap, dollars_per_token, dollars_per_token))


def test_the_model_is_asked_and_its_probabilities_are_returned() -> None:
    with serve(lambda _: (200, answer(SAID))) as endpoint:
        assert judge_at(endpoint.url).judge(TEXT, {"tools": {"Edit": 2}}) == JUDGED
    (body,) = endpoint.bodies
    assert (body["model"], body["temperature"]) == ("judge", 0)
    assert TEXT in body["messages"][1]["content"]
    assert "2 edits" in body["messages"][1]["content"]
    assert (endpoint.paths, endpoint.keys) == (["/v1/chat/completions"], ["Bearer secret"])


def test_a_secret_does_not_leave_the_machine() -> None:
    secret = "ghp_" + "a1B2" * 9
    with serve(lambda _: (200, answer(SAID))) as endpoint:
        judge_at(endpoint.url).judge(f"push fails with {secret}", {})
    assert secret not in json.dumps(endpoint.bodies)


def test_an_answer_in_a_fence_is_read() -> None:
    with serve(lambda _: (200, answer(f"Sure:\n```json\n{SAID}\n```"))) as endpoint:
        assert judge_at(endpoint.url).judge(TEXT, {}) == JUDGED


@pytest.mark.parametrize(
    "said",
    [
        None, "", "no idea", "{}", '{"debugging": 2, "refactoring": 0, "learning": 0}',
        '{"debugging": NaN, "refactoring": 0, "learning": 0}', "[1, 2]", "}{",
    ],
)  # fmt: skip
def test_an_unusable_answer_leaves_its_memory_to_the_classifier(
    said: object, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(lambda _: (200, answer(said))) as endpoint:
        assert judge_at(endpoint.url).judge(TEXT, {}) == BY_CLASSIFIER
    assert "the classifier answers for this memory" in caplog.text


def test_at_the_cap_the_classifier_goes_on_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    usage = {"prompt_tokens": 400, "completion_tokens": 100}
    with serve(lambda _: (200, answer(SAID, usage))) as endpoint:
        judge = judge_at(endpoint.url, cap=2.2, dollars_per_token=0.001)
        found = [judge.judge(TEXT, {}) for _ in range(6)]
    # Each call may use about 0.8 and uses 0.5: after the third, 1.5 is spent.
    assert len(endpoint.bodies) == found.count(JUDGED) < 6
    assert found[-1] == BY_CLASSIFIER
    assert [r.message for r in caplog.records] == [
        "the cost cap of $2.2 is reached: the classifier answers from here on"
    ]


def test_no_call_is_made_that_could_cost_more_than_the_cap() -> None:
    with serve(lambda _: (200, answer(SAID))) as endpoint:
        assert judge_at(endpoint.url, cap=0.0, dollars_per_token=1e-6).judge(TEXT, {})
    assert endpoint.bodies == []


def test_an_endpoint_that_counts_nothing_is_charged_at_its_most() -> None:
    spending = Spending(10.0, 0.01, 0.01)
    assert spending.reserve(500, 100)
    spending.settle(None, None)
    assert spending.spent_dollars == pytest.approx(6.0)
    assert not spending.reserve(500, 100)


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_an_endpoint_that_keeps_failing_is_asked_no_more(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with serve(lambda _: (status, {})) as endpoint:
        judge = judge_at(endpoint.url)
        assert [judge.judge(TEXT, {}) for _ in range(9)] == [BY_CLASSIFIER] * 9
    assert len(endpoint.bodies) == 3
    assert caplog.messages[-1] == "3 failures in a row: the classifier answers from here on"


def test_a_dead_endpoint_leaves_all_to_the_classifier() -> None:
    assert judge_at("http://127.0.0.1:9/v1").judge(TEXT, {}) == BY_CLASSIFIER


def test_without_a_model_the_classifier_judges() -> None:
    judge: ActivityJudge = open_judge(JudgeSettings())
    assert isinstance(judge, ClassifierJudge)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_SIGNAL_COST_CAP_DOLLARS", "-1")
    with pytest.raises(SettingsError, match="SUPASTATE_SIGNAL_COST_CAP_DOLLARS"):
        JudgeSettings.load()
