"""The broker's log: queue and message in columns, the level that was asked for, no content."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from faststream._internal.constants import EMPTY
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from faststream_pgmq import RetryPolicy
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, dead_letters, eventually, is_drained


@pytest.fixture
def access() -> Iterator[logging.Logger]:
    """FastStream's access logger of this broker, as before any broker made it."""
    logger = logging.getLogger("faststream.access.pgmq")
    kept = logger.handlers, logger.filters, logger.level
    logger.handlers, logger.filters = [], []
    yield logger
    logger.handlers, logger.filters, logger.level = kept


async def run_one(
    make: BrokerFactory, sql: AsyncConnection[Any], body: Any, **options: Any
) -> None:
    """Have one message of `jobs` handled, and everything stopped."""
    broker = make(**options)
    broker.publisher("a_longer_queue")

    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    async def take(job: Job) -> None: ...

    await broker.start()
    await broker.publish(body, "jobs", headers={"key": "a secret too"})
    await eventually(lambda: is_drained(sql))
    await broker.stop()


@pytest.mark.usefixtures("access")
async def test_lines_have_queue_and_message_in_columns(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    await run_one(make_broker, sql, {"n": 1}, logger=EMPTY)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("- jobs | 1          - Received") for line in lines), lines
    assert any(line.endswith("- jobs | 1          - Processed") for line in lines), lines
    assert any("connected to " in line for line in lines)


@pytest.mark.usefixtures("access")
async def test_a_lower_level_silences_what_is_routine(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    await run_one(make_broker, sql, {"n": 1}, logger=EMPTY, log_level=logging.DEBUG)
    assert capsys.readouterr().out == ""


async def test_no_line_holds_content_or_a_password(
    make_broker: BrokerFactory,
    sql: AsyncConnection[Any],
    caplog: pytest.LogCaptureFixture,
    dsn: str,
) -> None:
    logger = logging.getLogger("jobs.content")
    caplog.set_level(logging.DEBUG, logger.name)
    await run_one(make_broker, sql, {"n": "a secret"}, logger=logger)
    assert await dead_letters(sql)
    assert "dead-lettered" in caplog.text
    assert "secret" not in caplog.text
    assert str(conninfo_to_dict(dsn)["password"]) not in caplog.text


async def test_no_logger_means_no_log(
    make_broker: BrokerFactory,
    sql: AsyncConnection[Any],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await run_one(make_broker, sql, {"n": "a secret"}, logger=None)
    assert await dead_letters(sql)
    assert capsys.readouterr().out == ""
    assert [one.message for one in caplog.records if one.name.startswith("faststream")] == []
