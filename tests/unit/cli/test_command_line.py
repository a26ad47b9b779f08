"""The command as its users run it: a process with arguments, an environment and pipes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import KEY, FakeApi

SUPASTATE = Path(sys.executable).with_name("supastate")
COMMANDS = (
    "", "import", "import git", "local", "keys", "graph", "search", "demo", "trace", "jobs",
    "queues", "queues pause", "dlq", "doctor",
)  # fmt: skip


class CommandLine:
    """Runs `supastate` with nothing of this machine's own settings."""

    def __init__(self, home: Path) -> None:
        own = {name: os.environ[name] for name in os.environ if not name.startswith("SUPASTATE_")}
        self.environment = own | {"SUPASTATE_HOME": str(home), "HOME": str(home)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [SUPASTATE, *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


@pytest.fixture
def connected(command: CommandLine, api: FakeApi) -> CommandLine:
    command.environment |= {"SUPASTATE_API_URL": api.url, "SUPASTATE_API_KEY": KEY}
    return command


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """Two prompts in one session, and a line that is broken."""
    folder = tmp_path / "projects"
    folder.mkdir()
    records = [
        {
            "type": "user",
            "uuid": f"00000000-0000-4000-8000-00000000000{number}",
            "sessionId": "5e55104e-0000-4000-8000-000000000000",
            "timestamp": f"2026-01-05T12:0{number}:00.000Z",
            "cwd": "/somewhere/shop",
            "message": {"role": "user", "content": f"Why does test {number} fail?"},
        }
        for number in (1, 2)
    ]
    lines = [json.dumps(records[0]), "{broken", json.dumps(records[1])]
    (folder / "5e55104e-0000-4000-8000-000000000000.jsonl").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("names", COMMANDS)
def test_every_command_explains_itself(command: CommandLine, names: str) -> None:
    shown = command.run(*names.split(), "--help")

    assert shown.returncode == 0
    assert "Usage: supastate" in shown.stdout


def test_help_comes_at_once(command: CommandLine) -> None:
    command.run("--help")  # compiles what has never run
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command.run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    # Processor time: the other half of the tests keeps the machine busy.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.7


def test_without_a_stack_it_says_how_to_start_one(command: CommandLine) -> None:
    shown = command.run("search", "anything")

    assert shown.returncode == 1
    assert "supastate local up --detach" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""


def test_debug_keeps_the_traceback(command: CommandLine) -> None:
    assert "Traceback" in command.run("--debug", "search", "anything").stderr


def test_an_api_address_is_never_given_the_key_of_another(command: CommandLine) -> None:
    command.environment["SUPASTATE_API_URL"] = "http://127.0.0.1:9"

    shown = command.run("search", "anything")

    assert shown.returncode == 2
    assert "SUPASTATE_API_KEY" in shown.stderr


def test_an_unknown_key_is_explained(connected: CommandLine) -> None:
    connected.environment["SUPASTATE_API_KEY"] = "sst_other"

    shown = connected.run("jobs")

    assert shown.returncode == 1
    assert "401" in shown.stderr
    assert "supastate keys create" in shown.stderr


@pytest.mark.parametrize("arguments", ["", "show", "--limit 5 --state dead"])
def test_jobs_are_shown_with_and_without_saying_so(connected: CommandLine, arguments: str) -> None:
    shown = connected.run("jobs", *arguments.split())

    assert shown.returncode == 0, shown.stderr
    assert "No" in shown.stdout


def test_an_import_reports_every_prompt_and_each_broken_line(
    connected: CommandLine, api: FakeApi, sessions: Path
) -> None:
    shown = connected.run("import", "claude-code", str(sessions), "--json")
    (report,) = json.loads(shown.stdout)["sources"]

    assert shown.returncode == 0
    assert (report["prompts"], report["queued"], report["sessions"]) == (2, 2, 1)
    assert len(api.chunks) == 2
    assert [(problem["file"], problem["line"]) for problem in report["problems"]] == [
        ("5e55104e-0000-4000-8000-000000000000.jsonl", 2)
    ]


def test_a_second_import_queues_nothing(connected: CommandLine, sessions: Path) -> None:
    connected.run("import", "claude-code", str(sessions))

    shown = connected.run("import", "claude-code", str(sessions))

    assert "0 queued, 2 unchanged" in shown.stdout


def test_output_in_a_pipe_has_no_colours(connected: CommandLine, sessions: Path) -> None:
    shown = connected.run("import", "claude-code", str(sessions), "--wait")

    assert "\x1b" not in shown.stdout + shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 120


def test_a_record_that_the_api_refuses_is_named_by_its_file(
    connected: CommandLine, api: FakeApi, sessions: Path
) -> None:
    api.refused = "Why does test 1 fail?"

    shown = connected.run("import", "claude-code", str(sessions), "--json")
    (report,) = json.loads(shown.stdout)["sources"]

    assert (report["queued"], report["failed"]) == (1, 1)
    assert report["problems"][-1]["file"] == "5e55104e-0000-4000-8000-000000000000.jsonl"


def test_an_import_of_which_nothing_is_taken_fails(
    connected: CommandLine, api: FakeApi, sessions: Path
) -> None:
    api.failures = [400] * 10

    assert connected.run("import", "claude-code", str(sessions)).returncode == 1


def test_a_folder_without_sessions_is_no_import(connected: CommandLine, tmp_path: Path) -> None:
    shown = connected.run("import", "claude-code", str(tmp_path))

    assert shown.returncode == 2
    assert "no Claude Code sessions" in shown.stderr


def test_waiting_ends_with_what_is_left_when_time_is_up(
    connected: CommandLine, api: FakeApi, sessions: Path
) -> None:
    api.queues = [7]

    shown = connected.run("import", "claude-code", str(sessions), "--wait", "--timeout", "1")

    assert shown.returncode == 1
    assert "7 in memory_ingestion" in shown.stderr


def test_dead_letters_are_shown_while_waiting(
    connected: CommandLine, api: FakeApi, sessions: Path
) -> None:
    api.queues = [0, 3, 0]
    api.dead_after_sending = 2

    shown = connected.run("import", "claude-code", str(sessions), "--wait")

    assert "2 messages were given up" in shown.stderr.replace("\n", " ")


def test_commits_and_source_files_of_a_repository_are_imported(
    connected: CommandLine, tmp_path: Path
) -> None:
    repository = tmp_path / "shop"
    repository.mkdir()
    (repository / "basket.py").write_text("def total(): ...\n")
    for arguments in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Add a basket"],
    ):
        subprocess.run(["git", *arguments], cwd=repository, check=True, env=os.environ)

    shown = connected.run("import", "git", str(repository), "--json")
    history, files = json.loads(shown.stdout)["sources"]

    assert (history["memories"], files["source_files"]) == (1, 1)
    assert history["queued"] == files["queued"] == 1


def test_a_folder_that_is_no_repository_is_explained(
    connected: CommandLine, tmp_path: Path
) -> None:
    shown = connected.run("import", "git", str(tmp_path))

    assert shown.returncode == 1
    assert "not a git repository" in shown.stderr


def test_queues_are_listed_paused_and_resumed(connected: CommandLine, api: FakeApi) -> None:
    api.queues = [5]
    listed = connected.run("queues")
    paused = connected.run("queues", "pause", "memory_ingestion", "--reason", "Neo4j is moved")
    resumed = connected.run("queues", "resume", "memory_ingestion")

    assert "memory_ingestion" in listed.stdout
    assert "is paused" in paused.stdout
    assert "goes on" in resumed.stdout
    assert api.requests == [
        {"queue": "memory_ingestion", "action": "pause", "reason": "Neo4j is moved"},
        {"queue": "memory_ingestion", "action": "resume"},
    ]
