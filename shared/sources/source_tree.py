"""Reads the source files of a folder: what git would commit, or a walk where there is no git.

Skipped with a line in the report: what is above the size limit, binary, not UTF-8, a submodule, or
unreadable. Skipped by rule and counted: links, lock files, minified and generated files, and files
in no language we know (`shared/domain/code_languages.py`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from shared.domain.clean_text import clean_text
from shared.domain.code_languages import language_of, reason_to_skip
from shared.domain.project_name import normalize_path, project_name
from shared.errors import InvalidInputError
from shared.sources.git_command import run_git
from shared.sources.records import CodeFile, ImportProblem, ImportReport
from shared.sources.repository import find_repository

Item: TypeAlias = CodeFile | ImportProblem

MAX_FILE_BYTES: Final = 512 * 1024
_BINARY_PROBE_BYTES: Final = 8 * 1024
_SKIPPED_FOLDERS: Final = frozenset(
    {"node_modules", "__pycache__", "venv", "env", "dist", "build", "target", "vendor", "coverage"}
)


def find_source_files(folder: Path) -> list[str]:
    """Return the paths of a folder's files, sorted, relative to its repository or to itself.

    Raises:
        InvalidInputError: the folder does not exist, or is a bare repository.
    """
    root = _root(folder)
    try:
        listed = run_git(root, "ls-files", "-co", "--exclude-standard", "-z")
    except InvalidInputError as error:
        if find_repository(root) is not None:
            raise InvalidInputError(str(folder), "a bare repository has no files") from error
        return sorted(_walk(root))
    names = listed.decode("utf-8", errors="surrogateescape").split("\x00")
    return sorted({name for name in names if name})


def read_source_tree(
    folder: Path, report: ImportReport | None = None, *, max_bytes: int = MAX_FILE_BYTES
) -> Iterator[Item]:
    """Yield a folder's source files, one at a time, and what could not be taken.

    The whole repository is read, also when the folder is only a part of it.

    Raises:
        InvalidInputError: the folder does not exist, or is a bare repository.
    """
    report = report or ImportReport()
    root = _root(folder)
    repository = find_repository(root)
    name = repository.name if repository else project_name(normalize_path(str(root)))
    for path in find_source_files(root):
        report.files += 1
        yield from _read_file(root, path, name, report, max_bytes)


def _root(folder: Path) -> Path:
    if not folder.is_dir():
        raise InvalidInputError(str(folder), "not a folder")
    repository = find_repository(folder)
    return Path(repository.root) if repository else folder.resolve()


def _walk(folder: Path) -> Iterator[str]:
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [
            name for name in subfolders if name not in _SKIPPED_FOLDERS and name[0] != "."
        ]
        yield from ((Path(parent) / name).relative_to(folder).as_posix() for name in names)


def _read_file(
    root: Path, path: str, project: str, report: ImportReport, max_bytes: int
) -> Iterator[Item]:
    shown = clean_text(path)
    try:
        status = (root / path).lstat()
        if kind := _reason_by_rule(path, status):
            report.dropped[kind] += 1
            return
        if problem := _problem_by_status(status, max_bytes):
            yield ImportProblem(shown, None, None, problem)
            return
        data = (root / path).read_bytes()
    except FileNotFoundError:
        report.dropped["deleted files"] += 1
        return
    except OSError as error:
        yield ImportProblem(shown, None, None, f"cannot be read: {error.strerror}")
        return
    report.bytes_read += len(data)
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    yield _to_code_file(shown, data, modified, project)


def _reason_by_rule(path: str, status: os.stat_result) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return "symbolic links"
    if not stat.S_ISREG(status.st_mode):
        return None
    return reason_to_skip(path) or (None if status.st_size else "empty files")


def _problem_by_status(status: os.stat_result, max_bytes: int) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "a repository of its own (submodule); import it separately"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > max_bytes:
        return f"above the size limit: {status.st_size} bytes, at most {max_bytes}"
    return None


def _to_code_file(path: str, data: bytes, modified: datetime, project: str) -> Item:
    if b"\x00" in data[:_BINARY_PROBE_BYTES]:
        return ImportProblem(path, None, None, "a binary file")
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return ImportProblem(path, line, None, f"not UTF-8 at byte {error.start}")
    return CodeFile(
        path=path,
        content=clean_text(content),
        language=language_of(path),
        last_modified=modified,
        project_name=project,
        metadata={"source": "files", "bytes": len(data), "lines": content.count("\n") + 1},
    )
