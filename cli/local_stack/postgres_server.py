"""This stack's Postgres: a real server on a loopback port, with a generated password."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from cli.local_stack.addresses import DATABASE, SUPERUSER, postgres_dsn
from cli.local_stack.errors import HomeError, PartFailedError
from cli.local_stack.home import StackHome
from cli.local_stack.parts import read_or_make_password
from cli.local_stack.ports import LOOPBACK
from cli.local_stack.postgres_install import PostgresInstall, find_install
from cli.local_stack.processes import (
    Launch,
    StopPlan,
    find_processes,
    read_tail,
    stop_all,
)
from cli.local_stack.state import ProcessRecord

OPTIONS = {
    "listen_addresses": LOOPBACK,
    # A socket's path may have 107 characters at most: a deep home folder would not start.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
}
"""Not fsync: it is on by itself, and what is named here no ALTER SYSTEM of the tests changes."""


class PostgresServer:
    """The part named "postgres"."""

    name = "postgres"
    start_patience_seconds = 60.0  # crash recovery after a kill replays the log first
    stop_plan = StopPlan(
        (
            (signal.SIGINT, 30.0),  # "fast": ends sessions, writes a checkpoint
            (signal.SIGQUIT, 10.0),  # "immediate": recovers at the next start
            (signal.SIGKILL, 10.0),
        )
    )

    def __init__(self, home: StackHome) -> None:
        self._home = home
        self._install: PostgresInstall | None = None

    @property
    def install(self) -> PostgresInstall:
        if self._install is None:
            self._install = find_install(self._home)
        return self._install

    @property
    def password(self) -> str:
        file = self.install.password_file
        password = read_or_make_password(file, lambda: secrets.token_urlsafe(24))
        self.install.give_to_account(file)
        return password

    def prepare(self) -> None:
        """Make the data folder, in a draft first: one that was cut short is never used."""
        data = self.install.data
        if data.exists():
            self._end_sessions_of_a_killed_server()
            return
        draft = data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._initdb(draft)
        draft.rename(data)

    def launch(self, port: int) -> Launch:
        settings = [f"--{name}={value}" for name, value in (OPTIONS | {"port": str(port)}).items()]
        return Launch(
            argv=[str(self.install.programs / "postgres"), "-D", str(self.install.data), *settings],
            cwd=self.install.folder,
            env=self._environment(),
            user=self.install.account,
        )

    def is_ready(self, port: int) -> bool:
        """Return whether our password opens our database; make that database the first time."""
        try:
            psycopg.connect(postgres_dsn(port, self.password), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if f'database "{DATABASE}" does not exist' in str(error):
                self._create_database(port)
            return False
        return True

    def delete(self) -> None:
        """Remove the databases and their password."""
        shutil.rmtree(self.install.folder, ignore_errors=True)
        self._install = None

    def find_leftovers(self) -> list[ProcessRecord]:
        """Return the servers on our data folder: Postgres makes it the working folder."""
        postmaster = self.install.data / "postmaster.pid"
        if not postmaster.exists():
            return []
        pid = postmaster.read_text().partition("\n")[0]
        return [found for found in find_processes(cwd=self.install.data) if str(found.pid) == pid]

    def _end_sessions_of_a_killed_server(self) -> None:
        """Free the data folder after the server was killed alone.

        Called when no server of ours runs. Its sessions live on for a while and keep a new one
        from starting; and a stale `postmaster.pid` stops it when another process has that pid.
        """
        stop_all(find_processes(cwd=self.install.data), StopPlan(((signal.SIGKILL, 10.0),)))
        (self.install.data / "postmaster.pid").unlink(missing_ok=True)

    def _initdb(self, data: Path) -> None:
        _ = self.password  # its file must be there
        self._run(
            "initdb",
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            f"--pwfile={self.install.password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",  # sorts the same on every machine
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        )

    def _create_database(self, port: int) -> None:
        where = [f"--host={LOOPBACK}", f"--port={port}", f"--username={SUPERUSER}", "--no-password"]
        self._run("createdb", *where, DATABASE)

    def _run(self, program: str, *arguments: str) -> None:
        log = self._home.log(self.name)
        with log.open("ab") as output:
            ended = subprocess.run(
                [str(self.install.programs / program), *arguments],
                cwd=self.install.folder,
                env=self._environment() | {"PGPASSWORD": self.password},
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.install.account,
                group=self.install.account,
                extra_groups=[] if self.install.account else None,
                check=False,
            )
        if ended.returncode != 0:
            self._explain_failure(program, log)

    def _explain_failure(self, program: str, log: Path) -> None:
        tail = read_tail(log)
        if "No space left" in tail:
            raise HomeError.from_os_error(OSError(28, "No space left"), self.install.folder)
        raise PartFailedError(self.name, f"could not run {program}", log=log, tail=tail)

    def _environment(self) -> dict[str, str]:
        # PGDATA, PGPORT and the like in the caller's environment are about another server.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {"LC_ALL": "C"}
