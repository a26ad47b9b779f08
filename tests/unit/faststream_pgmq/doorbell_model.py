"""An explicit-state model of the doorbell: every interleaving of senders and consumers. Pure.

A sender inserts, its trigger tries the bell's lock shared (refused while anybody holds it or waits
for it exclusively), and it commits or rolls back. A consumer reads; finds nothing; takes the bed;
takes the bell exclusively, or gives that up after a while; forgets old rings; reads again; sleeps.
A consumer's session may end, which it notices, or go deaf: then the server goes on with what it
was asked for last, and gives it locks, until the consumer probes and ends that session.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

MESSAGES_EACH: Final = 2


class At(Enum):
    """Where a consumer is."""

    READING = auto()
    WANTS_BED = auto()
    WANTS_BELL = auto()
    READING_AGAIN = auto()
    ASLEEP = auto()
    ALONE_IN_BED = auto()
    """Deaf: it was given the bed, or refused the bell, and does not know."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One session that sends; `open` while its transaction is."""

    left: int = MESSAGES_EACH
    open: bool = False
    holds_bell_shared: bool = False


@dataclass(frozen=True, slots=True)
class Consumer:
    """One session that listens; `rung` when a notification waits for it."""

    at: At = At.READING
    rung: bool = False
    deaf: bool = False

    @property
    def holds_bed(self) -> bool:
        return self.at in {At.WANTS_BELL, At.READING_AGAIN, At.ASLEEP, At.ALONE_IN_BED}

    @property
    def holds_bell(self) -> bool:
        return self.at in {At.READING_AGAIN, At.ASLEEP}


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the sessions share, and the sessions."""

    senders: tuple[Sender, ...]
    consumers: tuple[Consumer, ...]
    visible: int = 0
    """Committed messages that nobody has read."""
    misfortunes: int = 0
    """Sessions that may yet end or go deaf."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What consumers do; each part can be left out, to see what it is for."""

    reads_again: bool = True
    probes: bool = True


WHOLE: Final = Protocol()


def find_lost_wake_up(
    senders: int, consumers: int, protocol: Protocol = WHOLE, *, misfortunes: int = 0
) -> World | None:
    """Return a world in which a message waits and no consumer can move; None if there is none.

    Looks at every world that can be reached. It does not count as help that a sender may still
    come and ring.
    """
    start = World((Sender(),) * senders, (Consumer(),) * consumers, misfortunes=misfortunes)
    seen, waiting = {start}, [start]
    while waiting:
        world = waiting.pop()
        moves = set(_consumers_moves(world, protocol))
        if world.visible and not moves:
            return world
        following = moves | set(_senders_moves(world)) | set(_misfortunes(world))
        waiting += following - seen
        seen |= following
    return None


def _senders_moves(world: World) -> Iterator[World]:
    for n, sender in enumerate(world.senders):
        yield from _sender_steps(world, n, sender)


def _consumers_moves(world: World, protocol: Protocol) -> Iterator[World]:
    for n, consumer in enumerate(world.consumers):
        if not consumer.deaf:
            yield from _consumer_steps(world, n, consumer, protocol)
        else:
            yield from _deaf_steps(world, n, consumer, protocol)


def _misfortunes(world: World) -> Iterator[World]:
    left = replace(world, misfortunes=world.misfortunes - 1)
    for n, consumer in enumerate(world.consumers if world.misfortunes else ()):
        yield _with_consumer(left, n, Consumer())  # ended: its locks and its ring are gone
        yield _with_consumer(left, n, replace(consumer, deaf=True))


def _sender_steps(world: World, n: int, sender: Sender) -> Iterator[World]:
    if not sender.open and sender.left:
        refused = any(one.holds_bell or one.at is At.WANTS_BELL for one in world.consumers)
        yield _with_sender(world, n, Sender(sender.left, True, not refused))
    if sender.open:
        ended = _with_sender(world, n, Sender(sender.left - 1))
        yield ended  # rolled back
        committed = replace(ended, visible=ended.visible + 1)
        yield committed if sender.holds_bell_shared else _ring(committed)


def _consumer_steps(
    world: World, n: int, consumer: Consumer, protocol: Protocol
) -> Iterator[World]:
    match consumer.at:
        case At.READING:
            yield _read(world, n, consumer, otherwise=At.WANTS_BED)
        case At.WANTS_BED if not any(one.holds_bed for one in world.consumers):
            yield _with_consumer(world, n, replace(consumer, at=At.WANTS_BELL))
        case At.WANTS_BELL:
            if not any(one.holds_bell_shared for one in world.senders):
                lain = At.READING_AGAIN if protocol.reads_again else At.ASLEEP
                yield _with_consumer(world, n, Consumer(lain))  # old rings are forgotten
            else:
                yield _with_consumer(world, n, replace(consumer, at=At.READING))  # gave up
        case At.READING_AGAIN:
            yield _read(world, n, consumer, otherwise=At.ASLEEP)
        case At.ASLEEP if consumer.rung:
            yield _with_consumer(world, n, Consumer(At.READING))
        case _:
            pass


def _deaf_steps(world: World, n: int, consumer: Consumer, protocol: Protocol) -> Iterator[World]:
    if protocol.probes:
        yield _with_consumer(world, n, Consumer())
    match consumer.at:
        case At.READING:  # by another connection
            yield _read(world, n, consumer, otherwise=At.WANTS_BED)
        case At.WANTS_BED if not any(one.holds_bed for one in world.consumers):
            yield _with_consumer(world, n, replace(consumer, at=At.ALONE_IN_BED))
        case At.WANTS_BELL:
            yield _with_consumer(world, n, replace(consumer, at=At.ALONE_IN_BED))
            if not any(one.holds_bell_shared for one in world.senders):
                yield _with_consumer(world, n, replace(consumer, at=At.ASLEEP))
        case _:
            pass


def _read(world: World, n: int, consumer: Consumer, *, otherwise: At) -> World:
    if world.visible:
        read = replace(world, visible=world.visible - 1)
        return _with_consumer(read, n, replace(consumer, at=At.READING))
    return _with_consumer(world, n, replace(consumer, at=otherwise))


def _ring(world: World) -> World:
    # NOTIFY reaches every session that listens, also one that waits for a lock.
    return replace(world, consumers=tuple(replace(one, rung=True) for one in world.consumers))


def _with_sender(world: World, n: int, sender: Sender) -> World:
    return replace(world, senders=(*world.senders[:n], sender, *world.senders[n + 1 :]))


def _with_consumer(world: World, n: int, consumer: Consumer) -> World:
    return replace(world, consumers=(*world.consumers[:n], consumer, *world.consumers[n + 1 :]))
