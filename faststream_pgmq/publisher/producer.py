"""Turns publish commands into messages: to the database now, or into the handler's outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faststream._internal.endpoint.utils import ParserComposition
from faststream._internal.parser import BatchCodecProto, DefaultCodec
from faststream._internal.producer import ProducerProto
from faststream.exceptions import IncorrectState

from faststream_pgmq.delivery import Outgoing, merge_duplicates
from faststream_pgmq.encoding import to_jsonb
from faststream_pgmq.parser import PgmqParser
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fast_depends.library.serializer import SerializerProto
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import CustomCallable
    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.storage import Queues


class PgmqProducer(ProducerProto[PgmqPublishCommand]):
    """Sends through whatever storage it is connected to."""

    def __init__(
        self, parser: CustomCallable | None = None, decoder: CustomCallable | None = None
    ) -> None:
        default = PgmqParser()
        self._parser = ParserComposition(parser, default.parse_message)
        self._decoder = ParserComposition(decoder, default.decode_message)
        self.codec: CodecProto = DefaultCodec()
        self._serializer: SerializerProto | None = None
        self._queues: Queues | None = None

    def connect(
        self, queues: Queues, serializer: SerializerProto | None, codec: CodecProto | None
    ) -> None:
        self._queues = queues
        self._serializer = serializer
        self.codec = codec or DefaultCodec()

    def disconnect(self) -> None:
        self._queues = None

    async def publish(self, cmd: PgmqPublishCommand) -> int | None:
        """Send one message, or leave it in the outbox; return its id, None if it was merged."""
        encoded = await self.codec.encode(cmd.body, self._serializer)
        outgoing = _outgoing(cmd, encoded, {})
        if cmd.outbox is not None:
            cmd.outbox.put(outgoing, cmd.caused_by)
            return None
        return (await self._send(cmd.destination, [outgoing], cmd.connection))[0]

    async def publish_batch(self, cmd: PgmqPublishCommand) -> list[int | None]:
        """Send all bodies of the command with one statement; return the ids in order."""
        bodies = cmd.all_bodies
        headers = cmd.per_message_headers or [{} for _ in bodies]
        encoded = await self._encode(bodies)
        outgoing = [_outgoing(cmd, one, own) for one, own in zip(encoded, headers, strict=True)]
        return await self._send(cmd.destination, outgoing, cmd.connection)

    async def request(self, cmd: PgmqPublishCommand) -> Delivery:
        """Send a request and return its answer.

        Raises:
            TimeoutError: nobody answered within the command's timeout.
        """

        async def send(address: str) -> None:
            cmd.reply_to = address
            await self.publish(cmd)

        answer = await self._connected().inbox.ask(send, cmd.timeout)
        if answer is None:
            raise TimeoutError(
                f"no reply from queue {cmd.destination!r} within {cmd.timeout} s (correlation id "
                f"{cmd.correlation_id}): does a subscriber that returns something run, and is "
                "the queue neither paused nor behind? The request may still be handled."
            )
        return answer

    def _connected(self) -> Queues:
        if self._queues is None:
            raise IncorrectState("connect the broker first: `await broker.connect()`")
        return self._queues

    async def _encode(self, bodies: Sequence[Any]) -> list[tuple[bytes, str | None]]:
        if isinstance(self.codec, BatchCodecProto):
            return await self.codec.encode_batch(bodies, self._serializer)
        return [await self.codec.encode(body, self._serializer) for body in bodies]

    async def _send(
        self, queue: str, messages: Sequence[Outgoing], connection: AsyncConnection[Any] | None
    ) -> list[int | None]:
        queues = self._connected()
        if not messages:
            return []
        kept, positions = merge_duplicates(messages)
        ids = await queues.send(queue, kept, connection)
        answer: list[int | None] = [None] * len(messages)
        for position, msg_id in zip(positions, ids, strict=True):
            answer[position] = msg_id
        return answer


def _outgoing(
    cmd: PgmqPublishCommand, encoded: tuple[bytes, str | None], own_headers: dict[str, Any]
) -> Outgoing:
    text, encoding = to_jsonb(*encoded)
    headers = {**cmd.headers, **own_headers, **encoding}
    if cmd.correlation_id:
        headers.setdefault("correlation_id", cmd.correlation_id)
    if cmd.reply_to:
        headers["reply_to"] = cmd.reply_to
    return Outgoing(cmd.destination, text, headers, cmd.delay)
