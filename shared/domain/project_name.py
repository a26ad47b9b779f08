"""Which project a folder belongs to: one repository is one project, whatever its worktrees. Pure.

The last segment of a working directory splits one repository into as many projects as it has
worktrees and subfolders, so the rule looks for the repository instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

UNNAMED: Final = "unnamed"
MAX_NAME_LENGTH: Final = 255
_WINDOWS = re.compile(r"^([A-Za-z]:[\\/]|\\\\)")
_HOME = re.compile(
    r"^(/|/root|/tmp|/(Users|home)|/(Users|home)/[^/]+|[A-Za-z]:(/Users(/[^/]+)?)?)$"
)
_SIBLING_WORKTREES = re.compile(r"^(?P<name>.+)[._-]worktrees$")
_WORKTREE_FOLDERS: Final = frozenset({"worktrees", ".worktrees"})


@dataclass(frozen=True, slots=True)
class Repository:
    """A project's name, and the folder that its file paths are relative to."""

    name: str
    root: str


def normalize_path(path: str) -> str:
    """Return the path with forward slashes and no trailing one; Windows paths too."""
    slashed = path.replace("\\", "/") if _WINDOWS.match(path) else path
    return re.sub(r"/+", "/", slashed).rstrip("/") or ("/" if slashed.startswith("/") else "")


def is_home(path: str) -> bool:
    """Return whether the folder holds people's projects rather than being one."""
    return _HOME.match(path) is not None


def split_worktree(path: str) -> tuple[str, str | None]:
    """Return the repository's folder, and the path inside the worktree (None: no worktree)."""
    parts = normalize_path(path).split("/")
    for index, part in enumerate(parts[:-1]):
        if part in _WORKTREE_FOLDERS:
            return _worktree_in_folder(parts, index)
        if sibling := _SIBLING_WORKTREES.match(part):
            root = "/".join([*parts[:index], sibling["name"]])
            return root, "/".join(parts[index + 2 :])
    return "/".join(parts), None


def _worktree_in_folder(parts: list[str], index: int) -> tuple[str, str]:
    owner = parts[:index]
    if owner[-1:] in ([".claude"], [".git"]):
        owner = owner[:-1]
    tool_folder = bool(owner) and owner[-1].startswith(".")
    if not tool_folder and not is_home("/".join(owner) or "/"):
        return "/".join(owner), "/".join(parts[index + 2 :])
    # Tools that keep all worktrees in one place: `.codex/worktrees/<id>/<repository>`, the others
    # `worktrees/<repository>/<name>`.
    first = index + (2 if owner[-1:] == [".codex"] else 1)
    return "/".join(parts[: first + 1]), "/".join(parts[index + 3 :])


def repository_folder(path: str, git_common_dir: str | None = None) -> str:
    """Return the folder that names the repository, from git's own answer where there is one."""
    if git_common_dir is None:
        root = split_worktree(path)[0]
        return root.removesuffix("/.git") if root.endswith("/.git") else root.removesuffix(".git")
    common = normalize_path(git_common_dir)
    return re.sub(r"(/\.git|/\.bare|\.git)$", "", common)


def project_name(path: str, git_common_dir: str | None = None) -> str:
    """Return the project's name for a working directory, 1 to 255 characters."""
    name = repository_folder(path, git_common_dir).rpartition("/")[2].strip()
    return name[:MAX_NAME_LENGTH] or UNNAMED


def find_root(path: str, roots: frozenset[str] | set[str]) -> str | None:
    """Return the outermost of the known repository folders that holds the path."""
    parts = normalize_path(path).split("/")
    ancestors = ("/".join(parts[: end + 1]) for end in range(len(parts)))
    return next((folder for folder in ancestors if folder in roots), None)


def relative_to_repository(path: str, root: str) -> str:
    """Return the path inside the repository; below `~` for other places of a home folder."""
    whole, (folder, inside) = normalize_path(path), split_worktree(path)
    plain = f"{folder}/{inside}" if inside is not None else folder
    for candidate in (plain, whole):
        if candidate.startswith(f"{root}/"):
            return candidate[len(root) + 1 :]
    return re.sub(r"^(/root|/(Users|home)/[^/]+|[A-Za-z]:/Users/[^/]+)/", "~/", plain)
