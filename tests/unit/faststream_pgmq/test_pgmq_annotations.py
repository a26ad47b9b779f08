"""What a handler asks for by annotation, and what stands between a message and its handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from faststream import Context, Depends
from faststream._internal.parser import DefaultCodec

from faststream_pgmq import PgmqBroker, TestPgmqBroker
from faststream_pgmq.annotations import (
    ContextRepo,
    Logger,
    NoCast,
    PgmqBatchMessage,
    PgmqMessage,
)
from faststream_pgmq.annotations import PgmqBroker as Broker


def headers_of(message: PgmqMessage) -> dict[str, Any]:
    """Return the headers, as a dependency that needs the message itself."""
    return message.headers


async def test_a_handler_gets_message_broker_logger_context_and_dependencies() -> None:
    broker, seen = PgmqBroker(), list[Any]()

    @broker.subscriber("jobs")
    async def look(
        body: NoCast[Any],
        message: PgmqMessage,
        own: Broker,
        logger: Logger,
        context: ContextRepo,
        color: Annotated[str, Context("message.headers.color")],
        headers: Annotated[dict[str, Any], Depends(headers_of)],
    ) -> None:
        same = own is broker and context is broker.context and callable(logger.info)
        seen.append((body, message.msg_id, message.attempts, same, color, headers["color"]))

    async with TestPgmqBroker(broker):
        await broker.publish({"n": "1"}, "jobs", headers={"color": "red"})
    assert seen == [({"n": "1"}, 1, 0, True, "red", "red")]


async def test_a_batch_handler_gets_ids_and_headers_of_all() -> None:
    broker, seen = PgmqBroker(), list[Any]()

    @broker.subscriber("jobs", batch=True)
    async def look(bodies: list[int], message: PgmqBatchMessage) -> None:
        colors = [headers["color"] for headers in message.batch_headers]
        seen.append((bodies, message.msg_ids, colors))

    async with TestPgmqBroker(broker):
        headers = [{"color": "red"}, {"color": "blue"}]
        await broker.publish_batch(1, 2, queue="jobs", headers=headers)
    assert seen == [([1, 2], [1, 2], ["red", "blue"])]


class Reversing(DefaultCodec):
    """A codec of the user's own: bodies are no JSON on their way."""

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        body, _ = await super().encode(msg, serializer)
        return body[::-1], "application/reversed"

    async def decode(self, msg: Any) -> Any:
        return msg.body[::-1].decode()


class ReversingBatches(Reversing):
    async def encode_batch(
        self, msgs: Sequence[Any], serializer: Any = None
    ) -> list[tuple[bytes, str | None]]:
        return [await self.encode(msg, serializer) for msg in msgs]

    async def decode_batch(self, msg: Any) -> list[Any]:
        return [body[::-1].decode() for body in msg.body]


async def test_a_codec_of_the_brokers_own_encodes_and_decodes() -> None:
    broker, seen = PgmqBroker(codec=Reversing()), list[Any]()

    @broker.subscriber("jobs")
    async def take(body: str, message: PgmqMessage) -> str:
        seen.append((body, message.content_type))
        return body.upper()

    test = TestPgmqBroker(broker)
    async with test:
        answer = await broker.request("abc", "jobs")
        assert (answer.body, answer.content_type) == (b"CBA", "application/reversed")
        assert b"abc" not in test.archived("jobs")[0].text.encode()
    assert seen == [("abc", "application/reversed")]


async def test_a_codec_for_batches_decodes_them() -> None:
    broker, seen = PgmqBroker(codec=ReversingBatches()), list[Any]()

    @broker.subscriber("jobs", batch=True)
    async def take(bodies: list[str]) -> None:
        seen.append(bodies)

    async with TestPgmqBroker(broker):
        await broker.publish_batch("ab", "cd", queue="jobs")
    assert seen == [["ab", "cd"]]


async def test_a_batch_subscriber_refuses_a_codec_for_single_messages() -> None:
    broker = PgmqBroker(codec=Reversing())

    @broker.subscriber("jobs", batch=True)
    async def take(bodies: list[str]) -> None: ...

    with pytest.raises(ValueError, match="BatchCodecProto"):
        async with TestPgmqBroker(broker):
            pass
