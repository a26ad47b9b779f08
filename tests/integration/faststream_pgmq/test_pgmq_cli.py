"""The command `faststream-pgmq` against a real database."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner, Result

from faststream_pgmq.cli.app import app
from tests.integration.faststream_pgmq.support import fetch_all

CLI = [sys.executable, "-m", "faststream_pgmq.cli"]


class Answer:
    """What a command printed, and how it ended."""

    def __init__(self, result: Result) -> None:
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr
        self.text = result.output

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """Runs a command, in a thread: it has an event loop of its own."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def __call__(self, *arguments: str, answer: str = "", **environment: str) -> Answer:
        def invoke() -> Result:
            env = {"DATABASE_URL": self._dsn, **environment}
            return CliRunner().invoke(app, arguments, input=answer, env=env)

        with ThreadPoolExecutor(1) as thread:
            return Answer(thread.submit(invoke).result())


@pytest.fixture
def command(dsn: str) -> Command:
    return Command(dsn)


@pytest.fixture
async def letters(sql: AsyncConnection[Any]) -> list[int]:
    """Ten dead letters; those with an even number failed with a KeyError."""
    await sql.execute("""
        INSERT INTO pgmq.q_jobs_dlq (vt, message, headers)
        SELECT now(), jsonb_build_object('n', n), jsonb_build_object(
            'group', 'g', 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
            'dead_letter', jsonb_build_object(
                'error', CASE n % 2 WHEN 0 THEN 'KeyError' ELSE 'ValueError' END, 'attempts', 3,
                'message', E'no \\x1b[2Jluck\\nat all', 'traceback', 'Traceback: line 7'))
        FROM generate_series(1, 10) AS n
    """)
    return list(range(1, 11))


async def count(sql: AsyncConnection[Any], table: str) -> int:
    query: Any = f"SELECT count(*) FROM pgmq.{table}"
    return (await fetch_all(sql, query))[0]


async def test_queues_shows_what_each_holds(
    command: Command, sql: AsyncConnection[Any], letters: list[int]
) -> None:
    await sql.execute("""
        SELECT pgmq.send_batch('jobs', array_fill('1'::jsonb, ARRAY[3]));
        SELECT pgmq.send('jobs', '1', 600);
        SELECT pgmq.read('jobs', 600, 1);
        INSERT INTO pgmq.q_jobs (vt, message, read_ct, headers)
        VALUES (now() + '1 hour', '1', 2, '{"attempts": 1, "released": 1}');
        SELECT faststream_pgmq.pause('results', 'until Monday')
    """)
    done = command("queues", "--json")
    assert done.code == 0
    jobs, results = done.json["queues"]
    counts = {name: jobs[name] for name in ("ready", "delayed", "in_flight", "dead")}
    assert counts == {"ready": 2, "delayed": 2, "in_flight": 1, "dead": 10}
    assert 0 <= jobs["oldest_seconds"] < 60
    assert (results["queue"], results["ready"], results["reason"]) == ("results", 0, "until Monday")
    assert re.search(r"^results +0 +0 +0 +0 +until Monday$", command("queues").out, re.MULTILINE)


async def test_queues_stops_counting_long_queues(
    command: Command, sql: AsyncConnection[Any]
) -> None:
    await sql.execute("""
        INSERT INTO pgmq.q_jobs (vt, message) SELECT now(), '1' FROM generate_series(1, 10020)
    """)
    assert ">10,000" in command("queues").out
    assert command("queues", "--json").json["queues"][0]["ready"] == 10_001


async def test_pause_and_resume(command: Command, sql: AsyncConnection[Any]) -> None:
    assert command("pause", "jobs", "--reason", "deploy").code == 0
    query = "SELECT queue, reason FROM faststream_pgmq.paused_queues()"
    assert await fetch_all(sql, query) == [("jobs", "deploy")]
    assert "as it was before" in command("pause", "jobs").out
    assert command("resume", "jobs").out == "jobs goes on\n"
    assert "was not paused" in command("resume", "jobs").out
    assert await fetch_all(sql, query) == []


async def test_create_and_install_are_safe_to_repeat(
    command: Command, sql: AsyncConnection[Any]
) -> None:
    await sql.execute("DROP SCHEMA faststream_pgmq CASCADE")
    failed = command("create", "new")
    assert failed.code == 1
    assert "faststream-pgmq install" in failed.err
    for _ in range(2):
        assert command("install").code == 0
        assert command("create", "new").code == 0
    assert await count(sql, "q_new_dlq") == 0
    assert command("create", "a b").code == 2


def test_an_unknown_queue_is_answered_with_near_names(command: Command) -> None:
    for arguments in (["pause", "jbos"], ["dlq", "list", "jbos"], ["dlq", "show", "jbos", "1"]):
        done = command(*arguments)
        assert done.code == 3
        assert "no queue 'jbos'; near: jobs" in done.err


def test_letters_are_listed_by_page_and_filter(command: Command, letters: list[int]) -> None:
    done = command("dlq", "list", "jobs", "--error", "KeyError", "--limit", "2", "--since", "1h")
    assert [line.split()[0] for line in done.out.splitlines()] == ["id", "2", "4"]
    assert "--after 4" in done.err
    rows = command("dlq", "list", "jobs", "--after", "8", "--json").json
    assert [(row["id"], row["error"], row["attempts"]) for row in rows] == [
        (9, "ValueError", 3),
        (10, "KeyError", 3),
    ]
    assert command("dlq", "list", "jobs", "--until", "2020-01-01", "--json").json == []


def test_one_letter_is_shown_whole_and_cannot_steer_the_terminal(
    command: Command, letters: list[int]
) -> None:
    text = command("dlq", "show", "jobs", "3").out
    assert "Traceback: line 7" in text
    assert "0af7651916cd43dd8448eb211c80319c" in text
    assert '"n": 3' in text
    assert command("dlq", "show", "jobs", "3", "--json").json["message"] == {"n": 3}
    assert "\x1b" not in text + command("dlq", "list", "jobs").out
    assert command("dlq", "show", "jobs", "99").code == 3


async def test_redrive_by_id_filter_or_all(
    command: Command, sql: AsyncConnection[Any], letters: list[int]
) -> None:
    assert command("dlq", "redrive", "jobs").code == 2
    assert command("dlq", "redrive", "jobs", "1", "--all").code == 2
    assert command("dlq", "redrive", "jobs", "1", "3").out == "redriven 2 dead letters of jobs\n"
    dry = command("dlq", "redrive", "jobs", "--error", "KeyError", "--dry-run")
    assert dry.out == "would redrive 5 dead letters of jobs.\n"
    assert await count(sql, "q_jobs") == 2
    done = command("dlq", "redrive", "jobs", "--error", "KeyError", "--limit", "4", "--json")
    assert done.json == {"redriven": 4}
    missing = command("dlq", "redrive", "jobs", "5", "99")
    assert (missing.code, "1 of 2 were not there" in missing.err) == (3, True)

    assert command("dlq", "redrive", "jobs", "--all").code != 0
    assert command("dlq", "redrive", "jobs", "--all", answer="n\n").code != 0
    assert await count(sql, "q_jobs") == 7
    assert command("dlq", "redrive", "jobs", "--all", answer="y\n").code == 0
    assert (await count(sql, "q_jobs"), await count(sql, "q_jobs_dlq")) == (10, 0)


async def test_discard_asks_unless_told_not_to(
    command: Command, sql: AsyncConnection[Any], letters: list[int]
) -> None:
    assert command("dlq", "discard", "jobs", "1").code != 0
    assert await count(sql, "q_jobs_dlq") == 10
    assert command("dlq", "discard", "jobs", "1", "2", answer="y\n").code == 0
    assert await count(sql, "a_jobs_dlq") == 2
    assert command("dlq", "discard", "jobs", "--all", "--delete", "--yes").code == 0
    assert (await count(sql, "q_jobs_dlq"), await count(sql, "a_jobs_dlq")) == (0, 2)


def test_a_time_that_is_none_is_refused(command: Command) -> None:
    done = command("dlq", "list", "jobs", "--since", "yesterday")
    assert (done.code, "90m, 2h, 7d" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/db", "cannot connect to Postgres at 127.0.0.1:1/db"),
        ("postgresql+psycopg://me:s3cret@nowhere/db", "libpq connection string"),
    ],
)
def test_no_message_shows_the_password(command: Command, dsn: str, expected: str) -> None:
    for done in (command("queues", "--dsn", dsn), command("queues", DATABASE_URL=dsn)):
        assert done.code == 1
        assert expected in done.err
        assert "s3cret" not in done.text
    assert "s3cret" not in command("queues", "--help", DATABASE_URL=dsn).text


def test_libpqs_own_variables_say_where(command: Command, dsn: str) -> None:
    parts = conninfo_to_dict(dsn)
    names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"}
    names["password"] = "PGPASSWORD"
    libpq = {names[key]: str(value) for key, value in parts.items() if key in names and value}
    assert "jobs" in command("queues", DATABASE_URL="", **libpq).out


async def test_a_role_without_the_right_is_told_which(
    command: Command, sql: AsyncConnection[Any], dsn: str
) -> None:
    role = f"nobody_{sql.info.dbname}"
    create: Any = f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA pgmq TO {role}"
    await sql.execute(create)
    try:
        done = command("pause", "jobs", "--dsn", make_conninfo(dsn, user=role, password="x"))
        assert done.code == 1
        assert "permission denied for table queue_state" in done.err
    finally:
        drop: Any = f"DROP OWNED BY {role}; DROP ROLE {role}"
        await sql.execute(drop)


def test_without_typer_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    done = subprocess.run(
        CLI, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'faststream-pgmq[cli]'" in done.stderr
    assert "Traceback" not in done.stderr
