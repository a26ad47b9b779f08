"""jgo, the resolver of Maven's repositories, made safe against being killed."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jgo
from jgo.constants import default_maven_repo
from jgo.maven import Artifact, PythonResolver

__all__ = ["CarefulResolver", "default_maven_repo", "fetch_jars"]


def fetch_jars(
    endpoint: str, repository: str, download_file: Path, fetched: Callable[[str, int], None]
) -> list[Path]:
    """Return the jars of `endpoint`; fetch those that are not in the user's Maven folder.

    Raises:
        OSError: no network, no space.
        RuntimeError: the repository lacks a file.
    """
    resolver = CarefulResolver(download_file, fetched)
    resolver.remove_broken_file()
    build = partial(jgo.build, endpoint, repositories={"central": repository}, resolver=resolver)
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

    def __init__(self, download_file: Path, fetched: Callable[[str, int], None]) -> None:
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
