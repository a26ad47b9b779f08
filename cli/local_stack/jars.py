"""Neo4j's jars: fetched from a Maven repository once, then found again without asking anybody."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jgo
from jgo.constants import default_maven_repo
from jgo.maven import Artifact, PythonResolver

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
    repository = (os.environ.get("SUPASTATE_MAVEN_REPOSITORY") or CENTRAL).rstrip("/")
    resolver = CarefulResolver(cache.download_file, fetched)
    try:
        resolver.remove_broken_file()
        return _build(repository, resolver)
    except (OSError, RuntimeError) as error:
        kept_in = default_maven_repo()
        # A full disk has an errno of its own; requests' errors are OSErrors without one.
        if isinstance(error, OSError) and error.errno is not None:
            raise HomeError.from_os_error(error, kept_in) from error
        raise JarsUnavailableError(str(error), repository=repository, cache=kept_in) from error


def _build(repository: str, resolver: PythonResolver) -> list[Path]:
    build = partial(jgo.build, ENDPOINT, repositories={"central": repository}, resolver=resolver)
    environment = build()
    if not environment.lock_path.exists():
        # Killed halfway before: jgo takes a folder with any jar in it for a finished one.
        shutil.rmtree(environment.path)
        environment = build()
    return list(environment.all_jars)


class CarefulResolver(PythonResolver):
    """Leaves no half-fetched file behind, not even after SIGKILL.

    The resolver writes files in place and later takes any file for a whole one.
    """

    def __init__(self, download_file: Path, fetched: FileFetched) -> None:
        super().__init__()
        self._download_file = download_file
        self._fetched = fetched
        self._count = 0

    def download(self, artifact: Artifact) -> Path | None:
        self._download_file.write_text(str(artifact.cached_path))
        try:
            file = super().download(artifact)
        except BaseException:
            self.remove_broken_file()
            raise
        self._download_file.unlink()
        self._count += 1
        self._fetched(artifact.filename, self._count)
        return file

    def remove_broken_file(self) -> None:
        """Remove what an interrupted fetch left."""
        if self._download_file.exists():
            broken = self._download_file.read_text()
            if Path(broken).suffix in {".jar", ".pom"}:
                Path(broken).unlink(missing_ok=True)
            self._download_file.unlink()
