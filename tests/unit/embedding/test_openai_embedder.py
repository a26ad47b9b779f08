"""Embeddings from an OpenAI-compatible endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from shared.embedding import OpenAIEmbedder
from shared.errors import DependencyDownError, InvalidInputError
from tests.unit.embedding.http_endpoint import serve


def embed_all(body: dict[str, Any]) -> tuple[int, object]:
    """Answer in reverse order, as an endpoint may."""
    data = [
        {"index": index, "embedding": [float(len(text)), 0.0]}
        for index, text in enumerate(body["input"])
    ]
    return 200, {"data": data[::-1]}


def embedder(url: str, *, dimensions: int = 2) -> OpenAIEmbedder:
    return OpenAIEmbedder(url=url, model="small", dimensions=dimensions, api_key="secret")


async def test_each_text_gets_its_own_vector_in_batches() -> None:
    with serve(embed_all) as endpoint:
        vectors = await embedder(endpoint.url).embed(["x" * size for size in range(1, 251)])
    assert [vector[0] for vector in vectors] == list(range(1, 251))
    assert [len(body["input"]) for body in endpoint.bodies] == [100, 100, 50]
    assert endpoint.bodies[0]["model"] == "small"
    assert (endpoint.paths[0], endpoint.keys[0]) == ("/v1/embeddings", "Bearer secret")


async def test_empty_and_broken_texts_are_sent_as_something_valid() -> None:
    with serve(embed_all) as endpoint:
        await embedder(endpoint.url).embed(["", " \n", "a\ud800b"])
    assert endpoint.bodies[0]["input"] == ["(empty)", "(empty)", "a?b"]


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500, 503])
async def test_a_busy_broken_or_closed_endpoint_is_down(status: int) -> None:
    with (
        serve(lambda _: (status, {})) as endpoint,
        pytest.raises(DependencyDownError, match=f"HTTP {status}"),
    ):
        await embedder(endpoint.url).embed(["text"])


async def test_an_endpoint_that_nobody_serves_is_down() -> None:
    with pytest.raises(DependencyDownError, match="ConnectError"):
        await embedder("http://127.0.0.1:9/v1").embed(["text"])


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_text_is_invalid_input(status: int) -> None:
    with (
        serve(lambda _: (status, {})) as endpoint,
        pytest.raises(InvalidInputError, match=f"HTTP {status}"),
    ):
        await embedder(endpoint.url).embed(["text"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"data": "none"}, "no embedding list"),
        ({"data": []}, "0 vectors for 1 texts"),
        ({"data": [{"index": 0, "embedding": [1.0]}]}, "1 dimensions, not 2"),
    ],
)
async def test_an_answer_that_cannot_be_used_stops_the_work(answer: object, reason: str) -> None:
    with (
        serve(lambda _: (200, answer)) as endpoint,
        pytest.raises(DependencyDownError, match=reason),
    ):
        await embedder(endpoint.url).embed(["text"])
