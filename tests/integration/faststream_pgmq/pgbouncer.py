"""A real PgBouncer in front of the tests' Postgres, on a loopback port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ACCOUNT = "nobody"
"""PgBouncer refuses to run as root."""
PATIENCE_SECONDS = 10.0
INI = """\
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 5
"""


def find_program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class PgBouncer:
    """One process in one pool mode."""

    def __init__(self, program: str, dsn: str, mode: str, folder: Path) -> None:
        self._dsn, self._folder = dsn, folder
        self._port = _free_port()
        target = conninfo_to_dict(dsn)
        ini = INI.format(**target, mode=mode, own_port=self._port)
        (folder / "pgbouncer.ini").write_text(ini)
        self._process = self._launch(program)

    @property
    def dsn(self) -> str:
        """The same database as before, through PgBouncer."""
        return make_conninfo(self._dsn, host="127.0.0.1", port=self._port, sslmode="disable")

    def wait(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, self._log.read_text()
                assert self._process.poll() is None, self._log.read_text()
            else:
                return

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def _log(self) -> Path:
        return self._folder / "pgbouncer.log"

    def _launch(self, program: str) -> subprocess.Popen[bytes]:
        account = ACCOUNT if os.geteuid() == 0 else None
        ini = (self._folder / "pgbouncer.ini").open("rb")
        with ini, self._log.open("wb") as log:
            # Through its standard input: the account may not be able to enter our folder.
            return subprocess.Popen(
                [program, "-q", "/dev/stdin"],
                stdin=ini,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=account,
                extra_groups=[] if account else None,
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
