"""A crew works until it is told to end; then it ends, whatever its tasks lost or forgot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from faststream_pgmq import crew
from faststream_pgmq.crew import Crew, cancellations, forget_cancellations

SECONDS = 10.0


class Told:
    def __init__(self) -> None:
        self.ends: list[tuple[str, BaseException | None]] = []

    def __call__(self, what: str, error: BaseException | None) -> None:
        self.ends.append((what.rpartition(".")[2], error))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "AGAIN", 0.05)
    monkeypatch.setattr(crew, "REPLACE_AFTER", 0.001)


async def ended(one: Crew) -> bool:
    ending = asyncio.create_task(one.end())
    done, _ = await asyncio.wait([ending], timeout=SECONDS)
    return bool(done)


async def test_what_loses_a_cancellation_is_cancelled_again(told: Told) -> None:
    async def lose() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    one = Crew(told)
    one.employ(lose)
    await asyncio.sleep(0)
    assert await ended(one)
    assert told.ends == []


def dying(error: BaseException, begun: list[int]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def die() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise error
        await asyncio.sleep(3600)

    return die


@pytest.mark.parametrize("error", [LookupError("x"), asyncio.CancelledError()])
async def test_what_dies_is_told_and_begun_anew(told: Told, error: BaseException) -> None:
    begun: list[int] = []
    one = Crew(told)
    one.employ(dying(error, begun))
    async with asyncio.timeout(SECONDS):
        while len(begun) < 2:  # noqa: ASYNC110 - the crew tells nobody
            await asyncio.sleep(0.001)
    [(what, reason)] = told.ends
    assert (what, reason) == ("die", error if isinstance(error, LookupError) else None)
    assert await ended(one)
    assert len(begun) == 2


async def test_what_is_done_is_not_begun_anew(told: Told) -> None:
    begun: list[int] = []

    async def finish() -> None:
        begun.append(1)

    one = Crew(told)
    one.employ(finish)
    await asyncio.sleep(0.05)
    assert (begun, told.ends) == ([1], [])
    assert await ended(one)
    one.employ(finish)
    await asyncio.sleep(0)
    assert begun == [1]


async def test_surplus_cancellations_are_forgotten() -> None:
    async def cancel_itself() -> int:
        task = asyncio.current_task()
        assert task
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        assert cancellations() == 1
        forget_cancellations()
        return cancellations()

    assert await asyncio.create_task(cancel_itself()) == 0


def test_a_loop_that_ends_is_not_kept(told: Told) -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        await asyncio.sleep(3600)

    async def main() -> None:
        Crew(told).employ(work)
        await asyncio.sleep(0)

    asyncio.run(main())  # it cancels all tasks, and nothing may begin then
    assert begun == [1]
