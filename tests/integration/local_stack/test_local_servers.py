"""Real Postgres and Neo4j on this machine: started, broken, recovered, stopped."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
from neo4j import GraphDatabase
from psycopg.rows import TupleRow

from cli.local_stack import LocalStack
from cli.local_stack.ports import LOOPBACK
from cli.local_stack.postgres_server import PostgresServer
from cli.local_stack.processes import is_running, wait_until_ended
from cli.local_stack.state import ProcessRecord

SERVERS = ("postgres", "neo4j")


@pytest.fixture
def running(stack: LocalStack) -> LocalStack:
    stack.start_servers()
    return stack


def _connect(stack: LocalStack) -> psycopg.Connection[TupleRow]:
    return psycopg.connect(stack.settings()["SUPASTATE_POSTGRES_DSN"], autocommit=True)


def _count_nodes(stack: LocalStack, label: str) -> int:
    names = stack.settings()
    auth = (names["SUPASTATE_NEO4J_USER"], names["SUPASTATE_NEO4J_PASSWORD"])
    uri = names["SUPASTATE_NEO4J_URI"]
    # The driver leaves its keyword arguments untyped.
    with GraphDatabase.driver(uri, auth=auth) as driver:  # pyright: ignore[reportUnknownMemberType]
        query = "MATCH (n) WHERE $label IN labels(n) RETURN count(n) AS nodes"
        return driver.execute_query(query, label=label).records[0]["nodes"]


def _records(stack: LocalStack) -> dict[str, ProcessRecord]:
    return stack.state().processes


def _process_tree(stack: LocalStack) -> list[psutil.Process]:
    parents = [psutil.Process(record.pid) for record in _records(stack).values()]
    return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]


def test_both_servers_answer_with_the_settings(running: LocalStack) -> None:
    with _connect(running) as conn:
        assert conn.info.server_version >= 180000
    assert _count_nodes(running, "Nothing") == 0


def test_postgres_refuses_a_wrong_password(running: LocalStack) -> None:
    port = running.state().ports["postgres"]

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:guess@{LOOPBACK}:{port}/supastate")


def test_postgres_keeps_what_it_confirmed(running: LocalStack) -> None:
    with _connect(running) as conn:
        for option, value in {"fsync": "on", "max_connections": "200"}.items():
            assert conn.execute("SELECT current_setting(%s)", [option]).fetchone() == (value,)


def test_the_servers_of_other_tests_do_not_wait_for_the_disk(postgres_dsn: str) -> None:
    if "SUPASTATE_TEST_POSTGRES_DSN" in os.environ:
        pytest.skip("these are somebody else's servers")
    with psycopg.connect(postgres_dsn) as conn:
        assert conn.execute("SELECT current_setting('fsync')").fetchone() == ("off",)


def test_everything_listens_on_loopback_only(running: LocalStack) -> None:
    listening = [ip for process in _process_tree(running) for ip in _listening(process)]

    assert len(listening) >= 2
    assert {address.removeprefix("::ffff:") for address in listening} == {LOOPBACK}


def _listening(process: psutil.Process) -> list[str]:
    """Return the addresses on which a process takes connections."""
    try:
        found = process.net_connections("inet")
    except psutil.NoSuchProcess:  # a server's worker that has done its work
        return []
    return [one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN]


def test_a_second_start_changes_nothing(running: LocalStack) -> None:
    before = _records(running)

    assert running.start_servers() is False
    assert _records(running) == before


def test_another_command_sees_the_same_stack(running: LocalStack, home: Path) -> None:
    other = LocalStack(home)

    assert other.settings() == running.settings()
    assert [line.state for line in other.status() if line.name in SERVERS] == ["ready", "ready"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_comes_back_where_it_was(running: LocalStack, name: str) -> None:
    settings, before = running.settings(), _records(running)
    running.kill_service(name)
    assert wait_until_ended(before[name], 30)

    assert running.start_servers() is True

    assert running.settings() == settings
    assert is_running(_records(running)[name])
    assert all(_records(running)[other] == before[other] for other in SERVERS if other != name)


def test_what_was_committed_before_a_kill_is_still_there(running: LocalStack) -> None:
    with _connect(running) as conn:
        conn.execute("CREATE TABLE kept (word text)")
        conn.execute("INSERT INTO kept VALUES ('yes')")
    running.kill_service("postgres")

    running.start_servers()

    with _connect(running) as conn:
        assert conn.execute("TABLE kept").fetchone() == ("yes",)


def test_servers_that_no_file_remembers_are_replaced(running: LocalStack) -> None:
    settings, before = running.settings(), _records(running)
    running.home.state_file.unlink()

    running.start_servers()

    assert not any(is_running(record) for record in before.values())
    assert running.settings().keys() == settings.keys()
    with _connect(running):
        pass


def test_a_stop_leaves_no_process_and_keeps_the_data(running: LocalStack) -> None:
    processes = _process_tree(running)
    with _connect(running) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS stays ()")

    running.stop()

    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
    assert {line.state for line in running.status()} == {"stopped"}
    running.start_servers()
    with _connect(running) as conn:
        conn.execute("TABLE stays")


def test_a_second_stop_is_harmless(running: LocalStack) -> None:
    running.stop()
    running.stop()


def test_ports_that_were_taken_meanwhile_are_replaced(running: LocalStack) -> None:
    running.stop()
    before = running.state().ports
    with ExitStack() as others:
        for name in SERVERS:
            others.enter_context(socket.create_server((LOOPBACK, before[name])))
        running.start_servers()

    after = running.state().ports
    assert all(after[name] != before[name] for name in SERVERS)
    with _connect(running):
        pass


def test_a_process_that_got_a_remembered_pid_is_left_alone(running: LocalStack) -> None:
    running.stop()
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        _remember_pid_of(foreign.pid, running)
        running.start_servers()
        running.stop()

        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def _remember_pid_of(pid: int, stack: LocalStack) -> None:
    """Make every trace of the stopped servers name a process that is not theirs."""
    state = stack.state()
    for name in SERVERS:
        state.processes[name] = ProcessRecord(
            pid=pid,
            identity="earlier",
            started_at=0.0,
            port=state.ports[name],
            log=Path(os.devnull),
        )
    stack.home.state_file.write_text(state.model_dump_json())
    data = PostgresServer(stack.home).install.data
    lines = [str(pid), str(data), "1700000000", str(state.ports["postgres"]), "", LOOPBACK]
    (data / "postmaster.pid").write_text("\n".join(lines))


def test_half_a_first_start_is_begun_anew(home: Path) -> None:
    stack = LocalStack(home.with_name("cut short"))
    stack.home.create()
    draft = PostgresServer(stack.home).install.folder / "data.new"
    for half_made in (draft / "base", stack.home.neo4j / "data" / "databases"):
        half_made.mkdir(parents=True)
        (half_made / "half").write_text("half")
    try:
        stack.start_servers()

        assert [line.state for line in stack.status() if line.name in SERVERS] == ["ready"] * 2
    finally:
        stack.delete_data()
    assert not stack.home.root.exists()


def test_a_server_that_the_environment_names_is_neither_started_nor_stopped(
    running: LocalStack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = running.settings()
    for name in ("SUPASTATE_POSTGRES_DSN", "SUPASTATE_NEO4J_URI", "SUPASTATE_NEO4J_PASSWORD"):
        monkeypatch.setenv(name, own[name])
    guest = LocalStack(home.with_name("guest"))

    assert guest.start_servers() is False
    assert [line.state for line in guest.status() if line.name in SERVERS] == ["external"] * 2
    assert guest.settings()["SUPASTATE_POSTGRES_DSN"] == own["SUPASTATE_POSTGRES_DSN"]
    guest.stop()
    guest.delete_data()

    with _connect(running):
        pass
