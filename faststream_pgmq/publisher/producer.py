"""Turns publish commands into messages: to the database now, or into the handler's outbox."""

from __future__ import annotations

from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from faststream._internal.endpoint.utils import ParserComposition
from faststream._internal.parser import BatchCodecProto, DefaultCodec
from faststream._internal.producer import ProducerProto
from faststream.exceptions import IncorrectState

from faststream_pgmq.delivery import (
    STATEMENT_MESSAGES,
    Outgoing,
    in_statements,
    merge_duplicates,
)
from faststream_pgmq.installation import check_destination
from faststream_pgmq.parser import PgmqParser
from faststream_pgmq.publisher.outgoing import (
    MAX_MESSAGE_BYTES,
    check_outgoing,
    has_dedup_keys,
    make_outgoing,
    placed,
)
from faststream_pgmq.response import PgmqPublishCommand

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from fast_depends.library.serializer import SerializerProto
    from faststream._internal.parser import CodecProto
    from faststream._internal.types import CustomCallable

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.storage import Queues


EMPTY: Final[Mapping[str, Any]] = MappingProxyType[str, Any]({})


class PgmqProducer(ProducerProto[PgmqPublishCommand]):
    """Sends through whatever storage it is connected to."""

    def __init__(
        self,
        parser: CustomCallable | None = None,
        decoder: CustomCallable | None = None,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
    ) -> None:
        if max_message_bytes is not None and max_message_bytes < 1:
            raise ValueError(f"max_message_bytes must be positive, got {max_message_bytes}")
        default = PgmqParser()
        self._parser = ParserComposition(parser, default.parse_message)
        self._decoder = ParserComposition(decoder, default.decode_message)
        self.codec: CodecProto = DefaultCodec()
        self._serializer: SerializerProto | None = None
        self._queues: Queues | None = None
        self.max_message_bytes = max_message_bytes

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
        check_destination(cmd.destination)
        with placed(cmd.destination):
            encoded = await self.codec.encode(cmd.body, self._serializer)
            outgoing = self._outgoing(cmd, encoded, EMPTY)
        if cmd.outbox is not None:
            cmd.outbox.put(outgoing, cmd.caused_by)
            return None
        return (await self._connected.send(outgoing.queue, [outgoing], cmd.connection))[0]

    async def publish_batch(self, cmd: PgmqPublishCommand) -> list[int | None]:
        """Send all bodies of the command, all or none; return the ids in order."""
        check_destination(cmd.destination)
        if len(cmd.all_bodies) > STATEMENT_MESSAGES and not has_dedup_keys(cmd):
            queue, parts = cmd.destination.lower(), self._parts(cmd)
            return await self._connected.send_together(queue, parts, cmd.connection)
        # Keys are locked in one order over the whole batch, so all of them must be known first.
        messages = [message async for part in self._parts(cmd) for message in part]
        kept, positions = merge_duplicates(messages)
        answer: list[int | None] = [None] * len(messages)
        for position, msg_id in zip(positions, await self._send(cmd, kept), strict=True):
            answer[position] = msg_id
        return answer

    async def _send(
        self, cmd: PgmqPublishCommand, messages: Sequence[Outgoing]
    ) -> list[int | None]:
        queue, statements = cmd.destination.lower(), list(in_statements(messages))
        if len(statements) == 1:
            return await self._connected.send(queue, statements[0], cmd.connection)
        return await self._connected.send_together(queue, _each(statements), cmd.connection)

    async def request(self, cmd: PgmqPublishCommand) -> Delivery:
        """Send a request and return its answer.

        Raises:
            TimeoutError: nobody answered within the command's timeout.
        """

        async def send(address: str) -> None:
            cmd.reply_to = address
            await self.publish(cmd)

        answer = await self._connected.inbox.ask(send, cmd.timeout)
        if answer is None:
            raise TimeoutError(
                f"no reply from queue {cmd.destination!r} within {cmd.timeout} s (correlation id "
                f"{cmd.correlation_id}): does a subscriber that returns something run, and is "
                "the queue neither paused nor behind? The request may still be handled."
            )
        return answer

    async def _parts(self, cmd: PgmqPublishCommand) -> AsyncGenerator[list[Outgoing]]:
        """Yield the messages by thousands; those are encoded when it is their turn."""
        bodies, headers = cmd.all_bodies, cmd.per_message_headers
        for first in range(0, len(bodies), STATEMENT_MESSAGES):
            end = first + STATEMENT_MESSAGES
            encoded = await self._encode(cmd.destination, bodies[first:end], first)
            own = headers[first:end] if headers else repeat(EMPTY, len(encoded))
            part: list[Outgoing] = []
            with placed(cmd.destination) as place:
                for place.index, (one, extra) in enumerate(zip(encoded, own, strict=True), first):
                    part.append(self._outgoing(cmd, one, extra))
            yield part

    async def _encode(
        self, queue: str, bodies: Sequence[Any], first: int
    ) -> Sequence[tuple[bytes, str | None]]:
        if isinstance(self.codec, BatchCodecProto):
            with placed(queue):
                return await self.codec.encode_batch(bodies, self._serializer)
        encoded: list[tuple[bytes, str | None]] = []
        with placed(queue) as place:
            for place.index, body in enumerate(bodies, first):
                encoded.append(await self.codec.encode(body, self._serializer))
        return encoded

    def _outgoing(
        self,
        cmd: PgmqPublishCommand,
        encoded: tuple[bytes, str | None],
        own_headers: Mapping[str, Any],
    ) -> Outgoing:
        outgoing = make_outgoing(cmd, encoded, own_headers)
        check_outgoing(outgoing, self.max_message_bytes)
        return outgoing

    @property
    def _connected(self) -> Queues:
        if self._queues is None:
            raise IncorrectState("connect the broker first: `await broker.connect()`")
        return self._queues


async def _each(statements: Sequence[Sequence[Outgoing]]) -> AsyncGenerator[Sequence[Outgoing]]:
    for some in statements:
        yield some
