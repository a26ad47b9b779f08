"""Gives what one connection hears to every client of this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from services.api.live.events import CONNECTED, DISCONNECTED, NO_DATA, RESYNC, Event
from services.api.live.subscription import Subscription

COALESCE_SECONDS: Final = 0.25
"""However often a topic changes, a client is told at most so often."""


class LiveHub:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._readers: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._all: set[Subscription] = set()
        self._told_at: dict[str, float] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._connections = 0
        self._last_id = 0
        self._is_ended = False
        self.is_connected = False
        """Whether this process hears of changes."""

    def subscribe(self, topics: Iterable[str]) -> Subscription:
        """Return what a client reads: first whether changes are heard, then changes of these."""
        subscription = Subscription(topics, self._forget)
        self._all.add(subscription)
        for topic in subscription.topics:
            self._readers[topic].add(subscription)
        subscription.offer(self.event(self._state))
        if self._is_ended:
            subscription.end()
        return subscription

    def readers(self, topic: str) -> int:
        """Return how many are subscribed to it."""
        return len(self._readers.get(topic, ()))

    @property
    def topics(self) -> set[str]:
        """What anybody is subscribed to."""
        return set(self._readers)

    def version(self, topics: Iterable[str]) -> tuple[int, ...]:
        """Return what differs whenever clients were told of a change of one of these.

        Also when the connection came or went: nobody knows what changed meanwhile.
        """
        return (self._connections, *(self._versions[topic] for topic in topics))

    def tell(self, topic: str) -> None:
        """Say that this changed: now, or together with what comes in the next moment."""
        if topic not in self._readers or topic in self._due:
            return
        loop = asyncio.get_running_loop()
        quiet_until = self._told_at.get(topic, -COALESCE_SECONDS) + COALESCE_SECONDS
        if loop.time() >= quiet_until:
            self._tell_now(topic)
        else:
            self._due[topic] = loop.call_at(quiet_until, self._tell_now, topic)

    def send(self, topic: str, data: str, name: str | None = None) -> None:
        """Give an event to all who are subscribed to its topic; the sender minds how often."""
        if name is None:
            self._versions[topic] += 1
        event = self.event(name or topic, data)
        for subscription in self._readers.get(topic, ()):
            subscription.offer(event)

    def tell_connection(self, *, is_up: bool) -> None:
        """Say whether changes are heard; who was not told of some is to fetch again."""
        if is_up == self.is_connected:
            return
        self.is_connected = is_up
        self._connections += 1
        names = [CONNECTED, RESYNC] if is_up else [DISCONNECTED]
        events = [self.event(name) for name in names]
        for subscription in self._all:
            for event in events:
                subscription.offer(event)

    def beat(self) -> None:
        """Show all clients that their streams live."""
        for subscription in self._all:
            subscription.beat()

    def end(self) -> None:
        """End all subscriptions, and those of requests that were on their way."""
        self._is_ended = True
        for subscription in self._all:
            subscription.end()
        for timer in self._due.values():
            timer.cancel()

    @property
    def _state(self) -> str:
        return CONNECTED if self.is_connected else DISCONNECTED

    def _tell_now(self, topic: str) -> None:
        self._due.pop(topic, None)
        self._told_at[topic] = asyncio.get_running_loop().time()
        self.send(topic, NO_DATA)

    def event(self, name: str, data: str = NO_DATA) -> Event:
        """Return an event that nobody was sent before."""
        self._last_id += 1
        return Event(name, self._last_id, data)

    def _forget(self, subscription: Subscription) -> None:
        self._all.discard(subscription)
        for topic in subscription.topics:
            self._readers[topic].discard(subscription)
            if not self._readers[topic]:
                del self._readers[topic]
