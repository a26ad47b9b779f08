"""Any sequence of what can happen to messages ends as a model of lists says, in both queues.

Postgres and memory take the same steps; after each one, both must look like the model. To search
longer: `FASTSTREAM_PGMQ_EXAMPLES=2000 pytest …`. hypothesis prints the steps of a failure, and its
profile `ci`, which it loads by itself where `CI` is set, makes every run the same.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar, get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]
)

from faststream_pgmq import create_queue
from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Reply, Settlement
from faststream_pgmq.errors import DeadLetter
from faststream_pgmq.grouping import Grouping
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.subscriber import verdict
from tests.integration.faststream_pgmq.queue_model import Lease, Message, QueueModel, trace_of
from tests.integration.faststream_pgmq.queue_worlds import (
    QUEUE,
    MemoryWorld,
    PostgresWorld,
    View,
    World,
)

EXAMPLES = int(os.environ.get("FASTSTREAM_PGMQ_EXAMPLES", "120"))
STEPS = 30
HOUR = 3600.0
ALL = 1000
ORDERED = Grouping(most=1, in_order=True)
KEYS = st.sampled_from([None, None, "a", "b"])
T = TypeVar("T")
End = Literal["ack", "reply", "retry now", "retry later", "give back", "bury"]
ENDS: st.SearchStrategy[End] = st.sampled_from(get_args(End))


def settlement_of(ends: Sequence[tuple[Lease, End]], world: int) -> Settlement:
    """Return how these leases end, for one of the two implementations."""
    settlement = Settlement()
    for lease, end in ends:
        delivery = lease.deliveries[world]
        match end:
            case "ack":
                settlement.acks.append(delivery)
            case "reply":
                settlement.acks.append(delivery)
                outgoing = Outgoing("results", str(lease.message.n), {})
                settlement.replies.append(Reply(outgoing, frozenset({delivery.msg_id})))
            case "retry now" | "retry later":
                delay = HOUR if end == "retry later" else 0.0
                settlement.deferred.append(verdict.retry(delivery, ValueError("no"), delay))
            case "give back":
                settlement.deferred.append(verdict.give_back(delivery))
            case "bury":
                failures = delivery.attempts + 1
                settlement.dead.append(verdict.bury(delivery, DeadLetter("no"), failures))
    return settlement


class QueueMachine(RuleBasedStateMachine):
    """One queue, driven at random."""

    run: asyncio.Runner
    postgres: PostgresWorld

    @initialize(keys=st.lists(KEYS, min_size=3, max_size=5))
    def begin(self, keys: list[str | None]) -> None:
        self.model = QueueModel()
        self.leases: list[Lease] = []
        self.worlds: tuple[World, ...] = (self.postgres, MemoryWorld())
        self.everywhere(lambda world: world.empty())
        # So that there is something to do whichever rules hypothesis leaves out of an example.
        for key in keys:
            self._send([self.model.new(key, due=True)])
        self.claimed(2)

    def everywhere(self, act: Callable[[World], Awaitable[T]]) -> list[T]:
        """Return what an action gives in Postgres and in memory."""

        async def both() -> list[T]:
            return [await act(world) for world in self.worlds]

        return self.run.run(both())

    def claimed(self, limit: int, first: Message | None = None) -> None:
        """Claim some, from the first or from this message on, everywhere."""

        async def claim(world: World) -> Claimed:
            mark = 0 if first is None else await world.msg_id(first.n)
            return await world.queues.claim(QUEUE, mark=mark, limit=limit, lease=HOUR)

        self._keep(self.everywhere(claim), self.model.claim(limit, first))

    def _keep(self, claims: list[Claimed], expected: list[Message]) -> None:
        """Compare what was claimed, and keep the leases."""
        got = [claimed.deliveries for claimed in claims]
        for deliveries in got:
            assert [_counts(one) for one in deliveries] == [_expected(one) for one in expected]
        both = zip(*got, strict=True)
        self.leases += [
            Lease(one, one.read_ct, one.attempts, one.released, two)
            for one, two in zip(expected, both, strict=True)
        ]

    def some_leases(self, data: st.DataObject) -> list[Lease]:
        """Draw leases of different messages, mostly such that are still held."""
        held = [lease for lease in self.leases if self.model.holds(lease)]
        lost = [lease for lease in self.leases if not self.model.holds(lease)]
        some = [*_draw_some(data, held, least=1), *_draw_some(data, lost, least=0)]
        return list({lease.deliveries[0].msg_id: lease for lease in some}.values())

    # Steps

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4, unique_by=lambda key: key or object()))
    def send_some(self, keys: list[str | None]) -> None:
        self._send([self.model.new(key, due=True) for key in sorted(keys, key=lambda k: k or "")])

    @rule(key=KEYS)
    def send_one_for_later(self, key: str | None) -> None:
        self._send([self.model.new(key, due=False)])

    def _send(self, messages: list[Message]) -> None:
        def outgoing(message: Message) -> Outgoing:
            keyed = {} if message.key is None else {"dedup_key": message.key}
            headers = {**keyed, "traceparent": trace_of(message.n), "group": message.group}
            return Outgoing(QUEUE, str(message.n), headers, 0.0 if message.due else HOUR)

        ids = self.everywhere(
            lambda world: world.queues.send(QUEUE, [outgoing(one) for one in messages])
        )
        are_new = [self.model.put(one, hastens=True) for one in messages]
        assert [[msg_id is not None for msg_id in some] for some in ids] == [are_new, are_new]

    @precondition(lambda self: any(one.due for one in self.model.queue))
    @rule(data=st.data(), limit=st.integers(1, 3))
    def claim(self, data: st.DataObject, limit: int) -> None:
        self.claimed(limit, data.draw(st.none() | st.sampled_from(self.model.queue)))

    @rule()
    def claim_whatever_is_due(self) -> None:
        claims = self.everywhere(
            lambda world: world.queues.claim(QUEUE, mark=None, limit=ALL, lease=HOUR)
        )
        self._keep(claims, self.model.claim(ALL))

    @rule()
    def claim_in_the_order_of_each_group(self) -> None:
        async def claim(world: World) -> Claimed:
            claimed, _ = await world.queues.claim_by_groups(
                QUEUE, ORDERED, after="", limit=ALL, lease=HOUR
            )
            return claimed

        self._keep(self.everywhere(claim), self.model.claim_heads())

    @precondition(lambda self: any(not one.due for one in self.model.queue))
    @rule(data=st.data(), is_taken=st.booleans())
    def let_time_pass(self, data: st.DataObject, is_taken: bool) -> None:
        hidden = [one for one in self.model.queue if not one.due]
        message = data.draw(st.sampled_from(hidden))
        self._expire(message)
        if is_taken:
            self.claimed(1, message)

    def _expire(self, message: Message) -> None:
        self.everywhere(lambda world: world.expire(message.n))
        message.due = True

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), archive=st.booleans())
    def settle(self, data: st.DataObject, archive: bool) -> None:
        chosen = self.some_leases(data)
        ends: list[tuple[Lease, End]] = [(lease, data.draw(ENDS)) for lease in chosen]
        refused = [
            self.run.run(world.queues.settle(QUEUE, settlement_of(ends, number), archive=archive))
            for number, world in enumerate(self.worlds)
        ]
        stale = [lease for lease in chosen if not self.model.holds(lease)]
        assert refused == [
            {lease.deliveries[number].msg_id for lease in stale} for number in range(2)
        ]
        self._end_in_model([(lease, end) for lease, end in ends if lease not in stale], archive)

    def _end_in_model(self, ends: list[tuple[Lease, End]], archive: bool) -> None:
        for lease, end in ends:
            match end:
                case "ack" | "reply":
                    self.model.finish(lease.message, archive=archive)
                case "retry now" | "retry later":
                    self.model.retry(lease, due=end == "retry now")
                case "give back":
                    self.model.give_back(lease)
                case "bury":
                    pass
            if end == "reply":
                self.model.replies.append(lease.message.n)
        self.model.bury([lease for lease, end in ends if end == "bury"])

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        chosen = self.some_leases(data)
        held = [one for one in chosen if self.model.holds(one) and one.message.in_hand]
        for number, world in enumerate(self.worlds):
            deliveries = [lease.deliveries[number] for lease in chosen]
            ours = self.run.run(world.queues.extend(QUEUE, deliveries, HOUR))
            assert ours == {lease.deliveries[number].msg_id for lease in held}
        for lease in held:
            lease.message.due = False

    @precondition(lambda self: self.model.dead)
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        letters = data.draw(st.sets(st.sampled_from(self.model.dead), min_size=1))
        numbers = [letter.n for letter in letters]
        assert self.everywhere(lambda world: world.redrive(numbers)) == [len(letters)] * 2
        self.model.redrive(list(letters))

    @rule()
    def claim_while_the_queue_is_paused(self) -> None:
        async def claim(world: World) -> tuple[list[Delivery], str | None]:
            await world.queues.pause(QUEUE, "why")
            claimed = await world.queues.claim(QUEUE, mark=0, limit=3, lease=HOUR)
            await world.queues.resume(QUEUE)
            return claimed.deliveries, claimed.paused

        assert self.everywhere(claim) == [([], "why")] * 2

    # What is true after each step

    @invariant()
    def everything_is_as_promised(self) -> None:
        for view in self.everywhere(lambda world: world.look()):
            self._looks_like_the_model(view)
            self._every_message_is_in_one_place(view)
            self._what_was_merged_is_remembered(view)
            waiting = Counter(row[4] for row in view["queue"] if row[1] == 0 and row[4])
            assert set(waiting.values()) <= {1}, "a key waits twice"

    def _looks_like_the_model(self, view: View) -> None:
        assert view["queue"] == [one.seen() for one in self.model.queue]
        assert view["dead"] == [one.seen() for one in self.model.dead]
        archived = [row[:-1] for row in view["archive"]]
        assert sorted(archived) == sorted(one.seen()[:-1] for one in self.model.archive)
        assert sorted(row[0] for row in view["replies"]) == sorted(self.model.replies)

    def _every_message_is_in_one_place(self, view: View) -> None:
        places = Counter(row[0] for name in PLACES for row in view[name])
        gone = self.model.deleted | self.model.merged
        assert set(places.values()) <= {1}
        assert set(places) | gone == set(range(1, self.model.sent + 1)), "a message was lost"
        assert not set(places) & gone

    def _what_was_merged_is_remembered(self, view: View) -> None:
        links = {link for name in PLACES for row in view[name] for link in row[5]}
        merged = {trace_of(n) for n in self.model.merged}
        assert links <= merged
        assert links == merged or self.model.deleted


PLACES = ("queue", "archive", "dead")


def _draw_some(data: st.DataObject, leases: list[Lease], *, least: int) -> list[Lease]:
    return data.draw(st.permutations(leases))[: data.draw(st.integers(least, 3))]


def _counts(one: Delivery) -> tuple[int, int, int, int, int]:
    return int(one.text), one.read_ct, one.attempts, one.released, one.lost


def _expected(one: Message) -> tuple[int, int, int, int, int]:
    lost = one.read_ct - 1 - one.attempts - one.released
    return one.n, one.read_ct, one.attempts, one.released, max(0, lost)


async def _order_groups(queues: PostgresQueues) -> None:
    async with queues.pool.connection() as conn:
        await create_queue(conn, QUEUE, groups="ordered")


def test_any_sequence_of_steps_ends_as_the_model_says(dsn: str) -> None:
    with asyncio.Runner() as runner:
        queues = PostgresQueues(dsn, dsn, 1)
        runner.run(queues.open())
        runner.run(_order_groups(queues))
        QueueMachine.run, QueueMachine.postgres = runner, PostgresWorld(queues)
        try:
            run_state_machine_as_test(
                QueueMachine,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    report_multiple_bugs=False,
                ),
            )
        finally:
            runner.run(queues.close())
