"""Neo4j's jars: fetched from a Maven repository once, then found again without asking anybody."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.local_stack.errors import HomeError, JarsUnavailableError
from cli.local_stack.home import locked_file

NEO4J_VERSION = "2026.08.1"
ENDPOINT = f"org.neo4j:neo4j:{NEO4J_VERSION}+org.neo4j.app:neo4j-server:{NEO4J_VERSION}"

FILES_EXPECTED = 589
"""Jars and descriptions that the endpoint resolves to, counted once, for the progress bar."""

CENTRAL = "https://repo.maven.apache.org/maven2"

FileFetched = Callable[[str, int], None]
"""Called with the name of each file fetched and how many there are so far."""


@dataclass(frozen=True, slots=True)
class JarCache:
    """Which jars make up Neo4j; shared by all stacks of this user."""

    folder: Path

    @property
    def list_file(self) -> Path:
        return self.folder / f"neo4j-{NEO4J_VERSION}-jars.json"

    @property
    def download_file(self) -> Path:
        """Names the file being fetched; still there after a kill, it names a broken one."""
        return self.folder / "jar-being-fetched"

    @property
    def lock_file(self) -> Path:
        return self.folder / "jars.lock"


def find_user_cache() -> Path:
    """Return this user's cache folder for Supastate."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "supastate"


def get_jars(cache: JarCache, fetched: FileFetched) -> list[Path]:
    """Return Neo4j's jars; fetch those that are not there.

    Raises:
        JarsUnavailableError: some are missing and cannot be fetched.
    """
    if known := _read_list(cache):
        return known
    with locked_file(cache.lock_file):
        # Another stack may have fetched them while we waited.
        if known := _read_list(cache):
            return known
        jars = _fetch(cache, fetched)
        content = {"endpoint": ENDPOINT, "jars": [str(jar) for jar in jars]}
        draft = cache.list_file.with_suffix(".new")
        draft.write_text(json.dumps(content))
        draft.replace(cache.list_file)
        return jars


def _read_list(cache: JarCache) -> list[Path]:
    try:
        jars = [Path(name) for name in json.loads(cache.list_file.read_bytes())["jars"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    return jars if all(jar.exists() for jar in jars) else []


def _fetch(cache: JarCache, fetched: FileFetched) -> list[Path]:
    # Late: jgo takes a third of a second to import, and only the first start needs it.
    from cli.local_stack.jar_resolver import default_maven_repo, fetch_jars

    repository = (os.environ.get("SUPASTATE_MAVEN_REPOSITORY") or CENTRAL).rstrip("/")
    try:
        return fetch_jars(ENDPOINT, repository, cache.download_file, fetched)
    except (OSError, RuntimeError) as error:
        kept_in = default_maven_repo()
        # A full disk has an errno of its own; requests' errors are OSErrors without one.
        if isinstance(error, OSError) and error.errno is not None:
            raise HomeError.from_os_error(error, kept_in) from error
        raise JarsUnavailableError(str(error), repository=repository, cache=kept_in) from error
