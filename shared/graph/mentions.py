"""What a memory and a file can be recognised by when the other arrives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.code_mentions import find_mentions, is_telling, names_of_file
from shared.domain.entities import CodeEntity, Memory
from shared.domain.project_name import normalize_path, split_worktree
from shared.graph.statements import Row
from shared.graph.terms import any_of, term

PATH_BOOST: Final = "^100"
"""A path that a tool call names says more than any number of shared words."""
MAX_PATHS: Final = 200
"""The most paths of a memory that are looked up; Lucene refuses a query of over 1,024 terms."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What one side of a reference can be recognised by."""

    workspace_id: str
    id: str
    project_name: str
    paths: tuple[str, ...]
    names: tuple[str, ...]

    def terms(self) -> dict[str, str | None]:
        """Return the terms, each with the name that it stands for; None is a path."""
        place = self.workspace_id, self.project_name
        paths = {term(*place, "path", path): None for path in self.paths}
        return {term(*place, "name", name): name for name in self.names} | paths

    @property
    def telling(self) -> list[str]:
        """The names that may make a reference by themselves."""
        return [name for name in self.names if is_telling(name)]

    def question(self) -> Row:
        """Return the row that looks for the other side, by what may make a reference."""
        terms = self.terms().items()
        paths = (f"{one}{PATH_BOOST}" for one, name in terms if name is None)
        names = (one for one, name in terms if name and is_telling(name))
        query = any_of((*paths, *names))
        return {"workspace_id": self.workspace_id, "id": self.id, "query": query}

    def claim(self) -> Row:
        """Return the row that tells which references still hold."""
        return {
            "workspace_id": self.workspace_id,
            "id": self.id,
            "project_name": self.project_name,
            "names": self.telling,
            "paths": list(self.paths),
        }


def mentions_of_memory(memory: Memory) -> Mentions:
    """Return the paths of a memory's tool calls, up to 200, and the names of code in its text.

    Without a project it is nobody's: references stay inside one project.
    """
    project = memory.project_name or ""
    return Mentions(
        memory.workspace_id,
        str(memory.id),
        project,
        tuple(_paths(memory, project)) if project else (),
        tuple(find_mentions(memory.content)) if project else (),
    )


def mentions_of_code(file: CodeEntity, names: Sequence[str]) -> Mentions:
    """Return the path of a file and the names that it goes by."""
    known = tuple(names_of_file(file.path, names))
    return Mentions(file.workspace_id, str(file.id), file.project_name, (file.path,), known)


def _paths(memory: Memory, project: str) -> list[str]:
    given = [*_texts(memory, "filePaths"), *_texts(memory, "commandPaths")]
    return list(dict.fromkeys(path_in_project(path, project) for path in given))[:MAX_PATHS]


def _texts(memory: Memory, name: str) -> list[str]:
    given = memory.metadata.get(name)
    return [path for path in given if isinstance(path, str)] if isinstance(given, list) else []


def path_in_project(path: str, project: str) -> str:
    """Return a path from the root of its project: out of absolute, worktree and Windows paths.

    One that does not pass through a folder of the project's name comes back as it is.
    """
    whole = normalize_path(path)
    if not whole.startswith("/") and whole[1:3] != ":/":
        relative = whole if "/" in whole else whole.replace("\\", "/")
        whole = f"/-/{project}/{relative.removeprefix('./')}"
    root, inside = split_worktree(whole)
    if inside and root.rpartition("/")[2] == project:
        return inside
    return whole.partition(f"/{project}/")[2] or path
