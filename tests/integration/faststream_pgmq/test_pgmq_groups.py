"""Reading by groups: in turn, at most so many at a time, one after the other; in both queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from faststream_pgmq import (
    QueueNotFoundError,
    QueueWithoutGroupsError,
    create_queue,
    group_queries,
    queries,
)
from faststream_pgmq.delivery import Delivery, Outgoing, Settlement
from faststream_pgmq.grouping import Grouping, last_visited
from faststream_pgmq.memory import MemoryQueues
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.storage import Queues
from faststream_pgmq.subscriber.reading import GroupReader
from faststream_pgmq.subscriber.verdict import bury, give_back, retry
from tests.integration.faststream_pgmq.conftest import BrokerFactory

HOUR = 3600.0
FAIR = Grouping()
TWO_AT_A_TIME = Grouping(most=2)
ORDERED = Grouping(most=1, in_order=True)


@pytest.fixture
async def grouped(sql: AsyncConnection[Any]) -> None:
    """Let the queue `jobs` be read by groups."""
    await create_queue(sql, "jobs", groups="fair")
    await create_queue(sql, "jobs", groups="ordered")


@pytest.fixture(params=["postgres", "memory"])
async def queues(request: pytest.FixtureRequest, dsn: str, grouped: None) -> AsyncIterator[Queues]:
    """The queues, real or in memory."""
    if request.param == "memory":
        yield MemoryQueues()
        return
    real = PostgresQueues(dsn, dsn, 4)
    await real.open()
    yield real
    await real.close()


async def send(queues: Queues, groups: Sequence[str | None], *, delay: float = 0.0) -> None:
    """Send one message for each group, its body the group's name."""
    for group in groups:
        headers = {} if group is None else {"group": group}
        await queues.send("jobs", [Outgoing("jobs", f'"{group}"', headers, delay)])


async def claim(reader: GroupReader, queues: Queues, limit: int = 10) -> list[Delivery]:
    return (await reader.read(queues, limit)).deliveries


def groups_of(deliveries: Sequence[Delivery]) -> Counter[str]:
    return Counter(one.text.strip('"') for one in deliveries)


def ids(deliveries: Sequence[Delivery]) -> list[int]:
    return [one.msg_id for one in deliveries]


async def end(queues: Queues, settlement: Settlement) -> None:
    assert await queues.settle("jobs", settlement, archive=True) == set()


async def test_every_group_gets_the_same_share_of_a_read(queues: Queues) -> None:
    await send(queues, ["big"] * 30 + ["small"] * 2 + ["other"] * 5)
    some = await claim(GroupReader("jobs", HOUR, FAIR), queues, 9)
    assert groups_of(some) == {"big": 4, "small": 2, "other": 3}
    assert ids(some) == sorted(ids(some))


async def test_what_a_group_does_not_take_goes_to_the_others(queues: Queues) -> None:
    await send(queues, ["big"] * 30 + ["small"])
    reader = GroupReader("jobs", HOUR, FAIR)
    assert groups_of(await claim(reader, queues)) == {"big": 9, "small": 1}
    assert groups_of(await claim(reader, queues)) == {"big": 10}


async def test_more_groups_than_a_read_takes_are_read_in_turn(queues: Queues) -> None:
    names = [f"g{n:02}" for n in range(7)]
    await send(queues, [name for name in names for _ in range(5)])
    reader = GroupReader("jobs", HOUR, FAIR)
    reads = [groups_of(await claim(reader, queues, 3)) for _ in range(7)]
    assert all(set(read.values()) == {1} for read in reads)
    assert set().union(*reads[:3]) == set(names), "three reads of three reach seven groups"
    assert sum(reads, Counter[str]()) == dict.fromkeys(names, 3)


async def test_messages_without_a_group_are_a_group_of_their_own(queues: Queues) -> None:
    await send(queues, ["big"] * 20 + [None] * 20)
    assert groups_of(await claim(GroupReader("jobs", HOUR, FAIR), queues)) == {"big": 5, "None": 5}


async def test_a_group_without_anything_due_is_passed_over(queues: Queues) -> None:
    await send(queues, ["later"] * 20, delay=HOUR)
    await send(queues, ["now"])
    reader = GroupReader("jobs", HOUR, FAIR)
    assert groups_of(await claim(reader, queues)) == {"now": 1}
    empty = await reader.read(queues, 10)
    assert empty.deliveries == []
    assert empty.next_due == pytest.approx(HOUR, abs=60)


@pytest.mark.parametrize("grouping", [FAIR, TWO_AT_A_TIME, ORDERED])
async def test_nothing_is_claimed_by_groups_from_a_paused_queue(
    queues: Queues, grouping: Grouping
) -> None:
    await send(queues, ["a"])
    reader = GroupReader("jobs", HOUR, grouping)
    await queues.pause("jobs", "why")
    assert await reader.read(queues, 10) == type(await reader.read(queues, 10))([], None, "why")
    await queues.resume("jobs")
    assert len(await claim(reader, queues)) == 1


async def test_no_more_of_a_group_are_in_hand_than_its_limit(queues: Queues) -> None:
    await send(queues, ["a"] * 5 + ["b"])
    one, two = (GroupReader("jobs", HOUR, TWO_AT_A_TIME) for _ in range(2))
    first = await claim(one, queues)
    assert groups_of(first) == {"a": 2, "b": 1}
    assert await claim(two, queues) == []

    await end(queues, Settlement(acks=first[:1]))
    assert groups_of(await claim(two, queues)) == {"a": 1}
    await end(queues, Settlement(deferred=[retry(first[1], ValueError(), HOUR)]))
    assert groups_of(await claim(two, queues)) == {"a": 1}, "a retry that waits is not in hand"
    assert await claim(two, queues) == []


@pytest.mark.parametrize("grouping", [TWO_AT_A_TIME, ORDERED])
async def test_a_lease_that_ran_out_makes_room_in_its_group(
    queues: Queues, grouping: Grouping
) -> None:
    await send(queues, ["a"] * 2)
    lost = await claim(GroupReader("jobs", 0.0, grouping), queues)
    again = await claim(GroupReader("jobs", HOUR, grouping), queues)
    assert ids(again) == ids(lost)
    assert {one.read_ct for one in again} == {2}


async def test_a_message_waits_for_the_one_before_it_in_its_group(queues: Queues) -> None:
    await send(queues, ["a", "b", "a", "b"])
    reader = GroupReader("jobs", HOUR, ORDERED)
    first = await claim(reader, queues)
    assert ids(first) == [1, 2]
    assert await claim(reader, queues) == []

    await end(queues, Settlement(acks=first[:1]))
    assert ids(await claim(reader, queues)) == [3]


async def test_a_retry_holds_up_its_group_and_no_other(queues: Queues) -> None:
    await send(queues, ["a", "a", "b", "b"])
    reader = GroupReader("jobs", HOUR, ORDERED)
    head, other = await claim(reader, queues)
    await end(queues, Settlement([other], [retry(head, ValueError(), HOUR)]))
    assert ids(await claim(reader, queues)) == [4], "message 2 waits for message 1"


async def test_what_was_given_back_is_the_next_of_its_group(queues: Queues) -> None:
    await send(queues, ["a", "a"])
    reader = GroupReader("jobs", HOUR, ORDERED)
    (head,) = await claim(reader, queues)
    await end(queues, Settlement(deferred=[give_back(head)]))
    assert ids(await claim(reader, queues)) == [1]


async def test_a_dead_letter_lets_its_group_go_on(queues: Queues) -> None:
    await send(queues, ["a", "a"])
    reader = GroupReader("jobs", HOUR, ORDERED)
    (head,) = await claim(reader, queues)
    await end(queues, Settlement(dead=[bury(head, ValueError(), 1)]))
    assert ids(await claim(reader, queues)) == [2]


def test_a_round_ends_at_the_last_group_it_came_to() -> None:
    assert last_visited({"d", "e"}, "c") == "e"
    assert last_visited({"d", "e", "a", "b"}, "c") == "b"
    assert last_visited(set(), "c") == "c"


FAIR_INDEX, ORDERED_INDEX, IN_HAND_INDEX = "q_jobs_fair", "q_jobs_ordered", "q_jobs_in_hand"
STATEMENTS: list[tuple[LiteralString, set[str]]] = [
    (group_queries.CLAIM_FAIR, {FAIR_INDEX}),
    (group_queries.LOCK_GROUPS_BY_VT, {FAIR_INDEX, IN_HAND_INDEX}),
    (group_queries.LOCK_GROUPS_BY_ID, {ORDERED_INDEX, IN_HAND_INDEX}),
    (group_queries.CLAIM_LIMITED, {FAIR_INDEX, IN_HAND_INDEX}),
    (group_queries.CLAIM_ORDERED, {ORDERED_INDEX, IN_HAND_INDEX}),
]


@pytest.mark.parametrize("rows", [2_000, 20_000])
@pytest.mark.parametrize(("template", "indexes"), STATEMENTS)
async def test_no_statement_by_groups_scans_the_queue(
    sql: AsyncConnection[Any],
    grouped: None,
    template: LiteralString,
    indexes: set[str],
    rows: int,
) -> None:
    await sql.execute(
        "INSERT INTO pgmq.q_jobs (vt, message, headers) "
        "SELECT now(), '1', jsonb_build_object('group', n %% 40) FROM generate_series(1, %s) AS n",
        (rows,),
    )
    await sql.execute("ANALYZE pgmq.q_jobs")
    names = [str(n) for n in range(40)]
    parameters = {"after": "", "limit": 100, "lease": 30.0, "most": 2, "names": names}
    explain = "EXPLAIN " + queries.statement(template, "jobs")
    plan = "\n".join(row[0] for row in await (await sql.execute(explain, parameters)).fetchall())
    assert indexes <= set(plan.split())
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("grouping", [TWO_AT_A_TIME, ORDERED])
async def test_who_finds_a_group_being_claimed_takes_another_and_waits_for_nobody(
    sql: AsyncConnection[Any], dsn: str, grouped: None, grouping: Grouping
) -> None:
    for group in "aab":
        await sql.execute("SELECT pgmq.send('jobs', '1', %s::jsonb)", (f'{{"group": "{group}"}}',))
    async with await AsyncConnection.connect(dsn) as other, other.transaction():
        first, _ = await group_queries.claim_by_groups(
            other, "jobs", grouping, after="", limit=1, lease=HOUR
        )
        second, _ = await group_queries.claim_by_groups(
            sql, "jobs", grouping, after="", limit=10, lease=HOUR
        )
    assert ids(first.deliveries) == [1]
    assert ids(second.deliveries) == [3]


async def test_a_subscriber_by_groups_says_what_its_queue_lacks(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker()
    broker.subscriber("results", ordered=True)(_ignore)
    with pytest.raises(QueueWithoutGroupsError, match="add_groups") as raised:
        await broker.start()
    hint = str(raised.value).split("in SQL, `")[1].split("`")[0]
    await sql.execute(SQL(hint))  # pyright: ignore[reportArgumentType]  # our own words
    await broker.start()


async def test_a_queue_that_is_named_like_an_index_is_missed_as_a_queue(
    make_broker: BrokerFactory,
) -> None:
    broker = make_broker()
    broker.subscriber("jobs_fair", fair=True)(_ignore)
    with pytest.raises(QueueNotFoundError):
        await broker.start()


async def _ignore(body: Any) -> None:
    """Take a message."""


async def test_a_queue_is_read_by_groups_only_in_known_ways(sql: AsyncConnection[Any]) -> None:
    with pytest.raises(Exception, match="neither 'fair' nor 'ordered'"):
        await sql.execute("SELECT faststream_pgmq.add_groups('jobs', 'random')")


async def test_a_group_with_a_long_name_can_be_sent_and_read(
    sql: AsyncConnection[Any], queues: Queues
) -> None:
    await send(queues, ["x" * 100_000])
    assert len(await claim(GroupReader("jobs", HOUR, FAIR), queues)) == 1


async def test_indexes_for_groups_belong_to_no_other_queue(sql: AsyncConnection[Any]) -> None:
    count = "SELECT count(*) FROM pg_indexes WHERE tablename = 'q_results'"
    before = await (await sql.execute(count)).fetchone()
    await create_queue(sql, "jobs", groups="fair")
    assert await (await sql.execute(count)).fetchone() == before
    await sql.execute(SQL("DROP INDEX pgmq.{}").format(Identifier("q_jobs_fair")))
