"""Summaries by an OpenAI-compatible endpoint."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.summarising import Episode
from shared.errors import DependencyDownError, InvalidInputError
from shared.llm import EmptyAnswerError, ExtractiveSummariser, OpenAISummariser
from tests.unit.embedding.http_endpoint import serve

EPISODES = [Episode("The cart holds tea.", {}, datetime(2026, 1, 5, tzinfo=UTC))]
WITHOUT_TEXT: list[object] = [
    {"choices": []}, {"choices": [{"message": {}}]}, {"choices": [{"message": {"content": None}}]},
    {"choices": [{"message": {"content": ""}}]}, {"choices": [{"message": {"content": " \n"}}]},
]  # fmt: skip


def summariser(url: str) -> OpenAISummariser:
    return OpenAISummariser(url=url, model="writer", api_key="secret")


async def test_the_paragraph_of_the_model_is_returned_in_one_line() -> None:
    answer = {"choices": [{"message": {"content": "A shop\nfor tea. "}}]}
    with serve(lambda _: (200, answer)) as endpoint:
        assert await summariser(endpoint.url).summarise("shop", EPISODES) == "A shop for tea."
    (body,) = endpoint.bodies
    assert body["model"] == "writer"
    assert "The cart holds tea." in body["messages"][1]["content"]
    assert (endpoint.paths, endpoint.keys) == (["/v1/chat/completions"], ["Bearer secret"])


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_busy_or_closed_endpoint_is_down(status: int) -> None:
    with (
        serve(lambda _: (status, {})) as endpoint,
        pytest.raises(DependencyDownError, match=f"HTTP {status}"),
    ):
        await summariser(endpoint.url).summarise("shop", EPISODES)


async def test_a_refused_request_is_invalid_input() -> None:
    with serve(lambda _: (400, {})) as endpoint, pytest.raises(InvalidInputError, match="HTTP 400"):
        await summariser(endpoint.url).summarise("shop", EPISODES)


@pytest.mark.parametrize("answer", WITHOUT_TEXT)
async def test_an_answer_without_text_fails_its_project_alone(answer: object) -> None:
    with (
        serve(lambda _: (200, answer)) as endpoint,
        pytest.raises(EmptyAnswerError, match="no text"),
    ):
        await summariser(endpoint.url).summarise("shop", EPISODES)


@pytest.mark.parametrize("answer", [{}, [], {"error": "no such route"}])
async def test_what_is_no_chat_completion_stops_the_work(answer: object) -> None:
    with (
        serve(lambda _: (200, answer)) as endpoint,
        pytest.raises(DependencyDownError, match="no chat completion"),
    ):
        await summariser(endpoint.url).summarise("shop", EPISODES)


async def test_without_a_model_the_summary_is_made_of_the_projects_own_sentences() -> None:
    episodes = [Episode("The retry of payments works.", {}, EPISODES[0].occurred_at)]
    assert "The retry of payments works" in await ExtractiveSummariser().summarise("shop", episodes)
