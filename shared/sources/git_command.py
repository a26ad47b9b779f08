"""Runs git for reading only: no pager, no prompt, no network, nothing that a repository configures.

A repository's own settings can name programs to run; every one that reading could reach is off.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from shared.errors import InvalidInputError

_HARDENED: Final = (
    "--no-pager",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "log.showSignature=false",
    "-c", "i18n.logOutputEncoding=UTF-8",
    "-c", "core.quotePath=false",
)  # fmt: skip
_ERROR_LENGTH: Final = 300


def run_git(folder: Path, *arguments: str) -> bytes:
    """Return git's output.

    Raises:
        InvalidInputError: git is missing or failed; carries what git said.
    """
    try:
        done = subprocess.run(
            _command(folder, arguments), capture_output=True, env=_environment(), check=True
        )
    except subprocess.CalledProcessError as error:
        raise _failure(folder, error.stderr) from error
    except OSError as error:
        raise InvalidInputError(str(folder), f"cannot run git: {error.strerror}") from error
    return done.stdout


@contextmanager
def stream_git(folder: Path, *arguments: str) -> Generator[IO[bytes]]:
    """Yield git's output while it is written.

    Raises:
        InvalidInputError: on leaving, when git failed.
    """
    # A file, not a pipe: nobody reads what git says while its output is being read.
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            _command(folder, arguments), stdout=subprocess.PIPE, stderr=said, env=_environment()
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            raise _failure(folder, said.read())


def _command(folder: Path, arguments: tuple[str, ...]) -> list[str]:
    return ["git", *_HARDENED, "-C", str(folder), *arguments]


def _environment() -> dict[str, str]:
    # A git hook sets GIT_DIR and friends: inherited, they would answer for another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    return kept | quiet | {"LC_ALL": "C"}


def _failure(folder: Path, said: bytes) -> InvalidInputError:
    reason = said.decode(errors="replace").strip()[:_ERROR_LENGTH] or "git failed"
    return InvalidInputError(str(folder), reason)
