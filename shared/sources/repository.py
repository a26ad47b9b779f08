"""Finds the repository and so the project of a folder: by git where it exists, else by rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from shared.domain.project_name import (
    Repository,
    find_root,
    is_home,
    normalize_path,
    project_name,
    repository_folder,
    split_worktree,
)
from shared.errors import InvalidInputError
from shared.sources.git_command import run_git


def find_repository(folder: Path) -> Repository | None:
    """Return the repository that holds a folder of this machine; None when git knows none."""
    try:
        found = run_git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
        common_dir = found.decode(errors="replace").strip()
        top = run_git(folder, "rev-parse", "--show-cdup").decode(errors="replace").strip()
    except InvalidInputError:
        return None
    root = normalize_path(str((folder / top).resolve()))
    return Repository(project_name(root, common_dir), root)


@dataclass(slots=True)
class Repositories:
    """The repositories of one import, asked once per folder.

    Working directories that are gone are subfolders of a repository when an enclosing one was
    seen on a git branch: `…/cli` and `…/cli/cmd` are one project.
    """

    _found: dict[str, Repository | None] = field(default_factory=dict[str, Repository | None])
    _roots: set[str] = field(default_factory=set[str])

    def learn(self, working_directory: str, git_branch: str | None) -> None:
        """Remember a folder as (part of) a repository when a branch was checked out there."""
        folder = repository_folder(working_directory)
        if git_branch and not is_home(folder):
            self._roots.add(folder)

    def get(self, working_directory: str) -> Repository:
        """Return the repository of a working directory that may be gone by now."""
        folder = split_worktree(working_directory)[0]
        found = self._ask(normalize_path(working_directory)) or self._ask(folder)
        if found is not None:
            return found
        root = find_root(folder, self._roots) or repository_folder(working_directory)
        return Repository(project_name(root), root)

    def _ask(self, folder: str) -> Repository | None:
        if folder not in self._found:
            self._found[folder] = find_repository(Path(folder)) if _is_folder(folder) else None
        return self._found[folder]


def _is_folder(folder: str) -> bool:
    try:
        return Path(folder).is_absolute() and Path(folder).is_dir()
    except OSError:  # a name too long for this machine
        return False
