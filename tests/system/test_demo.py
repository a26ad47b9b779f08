"""`supastate demo` from an empty folder to stopped processes, as `make demo` runs it."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from time import monotonic

import httpx
import pytest

from cli.local_stack import LocalStack
from tests.system.running import PROGRAM

pytestmark = pytest.mark.system

PATIENCE_SECONDS = 420
WARM_UP_SECONDS = 120
WHY = re.compile(r"\d+ memories of .*20\d\d-\d\d-\d\d", re.DOTALL)
SEARCH = "/dashboard/search?q=why+does+the+test+fail"
OWN = "SUPASTATE_"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("demo") / "home"
    yield home
    LocalStack(home).delete_data()  # root's data lie elsewhere, and pytest would leave them


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit and one source file."""
    folder = tmp_path_factory.mktemp("repository") / "shop"
    folder.mkdir()
    (folder / "basket.py").write_text("def total(prices): return sum(prices)\n")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        (*author, "commit", "--quiet", "-m", "Fix a basket that crashed without prices"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def told(home: Path, repository: Path, samples: Path) -> str:
    """What one run of the demo prints."""
    command = [sys.executable, "-c", PROGRAM, "demo", "--stop"]
    command += ["--home", str(home), "--repository", str(repository)]
    command += ["--input", str(samples / "claude-code")]
    done = subprocess.run(
        command,
        env={name: value for name, value in os.environ.items() if not name.startswith(OWN)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_imports_commits_files_and_sessions(told: str) -> None:
    assert "Git history: 1 memory, 1 project → 1 queued" in told
    assert "Source files: 1 file, 1 project → 1 queued" in told
    assert "14 sessions, 50 prompts" in told


@pytest.mark.parametrize(
    "reason",
    [
        "carry the debugging signal",
        "was solved after 46 minutes",
        "was followed by an implementation after 57 minutes",
    ],
)
def test_the_demo_shows_patterns_with_their_reasons(told: str, home: Path, reason: str) -> None:
    patterns = told.partition("Patterns ─")[2].partition("A project summary ─")[0]

    seen = (home / "logs" / "patterns.log").read_text()  # which detector saw what, and when
    assert reason in " ".join(patterns.split()), f"{patterns}\n{seen}"


def test_the_demo_shows_a_summary_and_finds_a_memory(told: str) -> None:
    summary, found = told.partition("A project summary ─")[2].split("Search: ")[:2]

    assert "memories up to" in summary
    assert "claude-code" in found


def test_the_demo_follows_one_message_from_the_request_to_its_pattern(told: str) -> None:
    trace = told.partition("One message, from the request to its pattern")[2]
    steps = ["POST", "queue memory_ingestion", "process memory_ingestion", "embed"]
    steps += ["neo4j write memories", "process pattern_detection", "neo4j write patterns"]

    places = [trace.find(step) for step in steps]

    assert -1 not in places
    assert places == sorted(places)


def test_nothing_runs_after_a_demo_that_stops(told: str, home: Path) -> None:
    assert told.endswith("Everything is stopped.\n")
    assert {status.state for status in LocalStack(home).status()} == {"stopped"}


@pytest.fixture(scope="module")
def pages(told: str, home: Path) -> Iterator[httpx.Client]:
    """Somebody at the dashboard of what the demo left, without its workers."""
    stack = LocalStack(home)
    stack.start_servers()
    stack.start_service("api")
    names = stack.settings()
    url, headers = names["SUPASTATE_API_URL"], {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
        key = {"key": names["SUPASTATE_API_KEY"]}
        assert http.post("/dashboard/login", data=key).status_code == HTTPStatus.SEE_OTHER
        search_until_answered(http)
        yield http
    stack.stop()


def search_until_answered(http: httpx.Client) -> None:
    """Neo4j that has just started makes its plans with the first search: beside other load that may
    take longer than a page waits, which says then to try again."""
    until = monotonic() + WARM_UP_SECONDS
    while (answer := http.get(SEARCH)).status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        assert monotonic() < until, answer.text
        assert "this took too long" in answer.text


def test_the_pages_lead_from_a_memory_of_the_demo_to_its_trace_and_to_a_pattern(
    pages: httpx.Client,
) -> None:
    found = look(pages, SEARCH)
    memories = (look(pages, path) for path in links(found, "/dashboard/search/memory/"))
    stories = (
        (memory, look(pages, path))
        for memory in memories
        for path in links(memory, "/dashboard/patterns/")
    )
    # A memory may be in patterns of several kinds, whichever was found first.
    memory, pattern = next(story for story in stories if WHY.search(story[1]))
    trace = look(pages, links(memory, "/dashboard/traces/")[0])

    assert "POST /api/ingest/memory" in trace
    assert "neo4j write memories" in trace
    assert links(pattern, "/dashboard/search/memory/")


def look(pages: httpx.Client, path: str) -> str:
    answer = pages.get(path)
    assert answer.status_code == HTTPStatus.OK, (path, answer.text)
    return answer.text


def links(page: str, prefix: str) -> list[str]:
    """Return where the links of the main part lead."""
    main = page.partition("<main")[2]
    return [html.unescape(path) for path in re.findall(rf'href="({prefix}[^"]+)"', main)]
