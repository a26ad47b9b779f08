"""What a shell is told when somebody presses Tab: the protocol of bash and zsh, and bash itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app as supastate

SUPASTATE = Path(sys.executable).with_name("supastate")
TYPED = [
    ("supastate d", ["demo", "doctor", "dlq"]),
    ("supastate tra", ["traces", "trace", "train-signals"]),
    ("supastate traces --", ["--service", "--errors", "--json"]),
    ("supastate jobs ", ["show", "cancel"]),
    ("supastate jobs --st", ["--state"]),
    ("supastate jobs --state d", ["done", "dead"]),
    ("supastate usage --by ", ["day", "key", "project"]),
    ("supastate export m", ["memories"]),
    ("supastate dlq show mem", ["memory_ingestion"]),
    ("supastate queues pause p", ["pattern_detection"]),
]


def ask(**protocol: str) -> str:
    return CliRunner().invoke(supastate, [], env=protocol).stdout


@pytest.mark.parametrize(("line", "expected"), TYPED)
def test_bash_is_told_commands_options_choices_and_queues(line: str, expected: list[str]) -> None:
    place = str(line.count(" "))
    told = ask(_SUPASTATE_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=place)

    assert set(expected) <= set(told.splitlines())
    assert all(word.startswith(line.split(" ")[-1]) for word in told.splitlines())


@pytest.mark.parametrize(("line", "expected"), TYPED[:6:2])
def test_zsh_is_told_the_same_with_explanations(line: str, expected: list[str]) -> None:
    told = ask(_SUPASTATE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line)

    assert told.startswith("_arguments '*: :((")
    for word in expected:
        assert f'"{word}"' in told


def test_the_script_that_bash_is_given_completes_in_bash() -> None:
    script = """
        eval "$(supastate --show-completion bash)"
        complete -p supastate
        COMP_WORDS=(supastate mig) COMP_CWORD=1
        _supastate_completion supastate
        echo "${COMPREPLY[@]}"
    """
    path = f"{SUPASTATE.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=True
    )

    registered, completed = done.stdout.splitlines()
    assert registered.endswith("-F _supastate_completion supastate")
    assert completed == "migrate"
