"""Fetching Neo4j's jars from a mirror, which is how machines without the open network start."""

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jgo.constants import default_maven_repo

from cli.local_stack.jars import NEO4J_VERSION, JarCache, find_user_cache, get_jars
from cli.local_stack.parts import SilentReporter
from cli.local_stack.ports import LOOPBACK

ENDPOINT = f"org.neo4j:neo4j-io:{NEO4J_VERSION}"  # a small part of Neo4j: seconds, not a minute
FETCH = """
import sys
from pathlib import Path
from cli.local_stack.jar_resolver import fetch_jars
endpoint, repository, marker = sys.argv[1:]
report = lambda file, count: print(count, flush=True)
print(len(fetch_jars(endpoint, repository, Path(marker), report)))
"""
KILL_AFTER = 27
"""Files; there are 37, and the last 12 are jars."""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        del format, args


@pytest.fixture
def mirror() -> Iterator[str]:
    """A Maven repository on this machine with what an earlier start fetched."""
    get_jars(JarCache(find_user_cache()), SilentReporter().file_fetched)
    handler = partial(QuietHandler, directory=str(default_maven_repo()))
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


def test_a_killed_fetch_goes_on_where_it_stopped(mirror: str, tmp_path: Path) -> None:
    environment = dict(os.environ) | {
        "M2_REPO": str(tmp_path / "m2"),
        "JGO_CACHE_DIR": str(tmp_path / "jgo"),
    }
    command = [sys.executable, "-c", FETCH, ENDPOINT, mirror, str(tmp_path / "marker")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        next(line for line in first.stdout if line == f"{KILL_AFTER}\n")
        first.send_signal(signal.SIGKILL)

    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    *fetched_anew, jars_found = map(int, again.stdout.split())
    jars = list((tmp_path / "m2").rglob("*.jar"))
    descriptions = list((tmp_path / "m2").rglob("*.pom"))
    assert jars_found == len(jars) > 0
    assert 0 < len(fetched_anew) <= len(jars) + len(descriptions) - KILL_AFTER
    assert all(zipfile.is_zipfile(jar) for jar in jars)
