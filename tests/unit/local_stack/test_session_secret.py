"""The local stack keeps what signs the dashboard's sessions."""

from __future__ import annotations

from pathlib import Path

from cli.local_stack.home import StackHome
from cli.local_stack.service_process import ServiceProcess

NAME = "SUPASTATE_SESSION_SECRET"


def test_a_restart_ends_no_session_and_no_other_service_knows_the_secret(tmp_path: Path) -> None:
    home = StackHome(tmp_path)
    secrets = {ServiceProcess("api", home, dict).launch(1).env[NAME] for _ in range(2)}

    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert home.session_secret.stat().st_mode & 0o077 == 0
    assert NAME not in ServiceProcess("ingest", home, dict).launch(1).env
