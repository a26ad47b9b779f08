"""A Postgres that has pg_partman: Debian's, started here for some tests."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")
AVAILABLE = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_partman'"
NONE = "no pg_partman on this machine; on Debian: apt-get install postgresql-15-partman"


def has_partman(dsn: str) -> bool:
    """Return whether `CREATE EXTENSION pg_partman` can work there."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(AVAILABLE).fetchone() is not None


def find_debian_server() -> Path | None:
    """Return the programs of an installed Postgres with pg_partman, the newest one."""
    versions = [one.parts[-3] for one in EXTENSIONS.glob("*/extension/pg_partman.control")]
    servers = [DEBIAN / version / "bin" for version in sorted(versions, key=int, reverse=True)]
    return next((one for one in servers if (one / "initdb").exists()), None)


@contextmanager
def running(programs: Path) -> Generator[str]:
    """Run a server of its own for as long as the context lasts; give its connection string."""
    folder = Path(tempfile.mkdtemp(prefix="partman-"))
    owner = _owner()
    data, port = folder / "data", _free_port()
    if owner:
        shutil.chown(folder, owner)
    try:
        _run(programs, owner, "initdb", "--pgdata", data, "--username=postgres", "--auth=trust")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = ("pg_ctl", "--pgdata", data, "--wait")
        _run(programs, owner, *control, "--log", folder / "log", "--options", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(programs, owner, *control, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    # Postgres refuses to run as root; Debian's package brings this user.
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("postgres").pw_name


def _run(programs: Path, owner: str | None, program: str, *arguments: Any) -> None:
    done = subprocess.run(
        [programs / program, *map(str, arguments)],
        user=owner,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
