"""The keys of a system whose database only its containers reach."""

from __future__ import annotations

import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest


@pytest.fixture
def keys(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPASTATE_POSTGRES_DSN", database)
    monkeypatch.setenv("SUPASTATE_NEO4J_URI", "bolt://127.0.0.1:1")
    monkeypatch.setenv("SUPASTATE_NEO4J_PASSWORD", "unused")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.api.keys", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("keys")
def test_a_key_is_made_listed_and_revoked(database: str) -> None:
    workspace = f"team:{uuid4()}"
    key = run("create", "--workspace", workspace, "--name", "ci").stdout.strip()
    key_id, prefix, state, name = run("list", "--workspace", workspace).stdout.split()
    assert key.startswith("sst_")
    assert (key.startswith(prefix.rstrip("…")), state, name) == (True, "valid", "ci")
    assert run("revoke", "--workspace", workspace, key_id).stdout == "revoked\n"
    assert run("list", "--workspace", workspace).stdout.split()[2] == "revoked"
    with psycopg.connect(database) as conn:
        noted = conn.execute("SELECT action FROM audit_log ORDER BY id").fetchall()
    assert noted == [("key.create",), ("key.revoke",)]


@pytest.mark.usefixtures("keys")
def test_a_workspace_that_is_none_is_refused() -> None:
    refused = run("create", "--workspace", "everybody")
    assert refused.returncode == 2
    assert "team:<uuid>" in refused.stderr
