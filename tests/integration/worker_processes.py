"""The workers as real processes over a test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Servers

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_SECONDS = 30


@contextmanager
def running(
    service: str, database: str, servers: Servers, **more: str
) -> Generator[subprocess.Popen[bytes]]:
    """Run one service until the end of the block; `more` are settings by their short names."""
    settings = {
        "SUPASTATE_POSTGRES_DSN": database,
        "SUPASTATE_NEO4J_URI": servers.neo4j_uri,
        "SUPASTATE_NEO4J_USER": servers.neo4j_user,
        "SUPASTATE_NEO4J_PASSWORD": servers.neo4j_password,
        "SUPASTATE_HTTP_PORT": "0",
        "SUPASTATE_SPAN_STORE": "false",
        "SUPASTATE_LOG_LEVEL": "WARNING",
    }
    settings |= {f"SUPASTATE_{name.upper()}": value for name, value in more.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{service}"],
        cwd=REPOSITORY,
        env=dict(os.environ) | settings,
    )
    try:
        yield process
        assert process.poll() is None, f"{service} ended by itself"
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
