"""What a memory and a file can be recognised by when the other arrives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.code_mentions import find_mentions, names_of_file
from shared.domain.entities import CodeEntity, Memory
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

    def question(self) -> Row:
        """Return the row that looks for the other side."""
        terms = self.terms().items()
        boosted = (one if name else f"{one}{PATH_BOOST}" for one, name in terms)
        return {"workspace_id": self.workspace_id, "id": self.id, "query": any_of(boosted)}

    def claim(self) -> Row:
        """Return the row that tells which references still hold."""
        return {
            "workspace_id": self.workspace_id,
            "id": self.id,
            "project_name": self.project_name,
            "names": list(self.names),
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
    given = memory.metadata.get("filePaths")
    paths = [path for path in given if isinstance(path, str)] if isinstance(given, list) else []
    return list(dict.fromkeys(_inside_project(path, project) for path in paths))[:MAX_PATHS]


def _inside_project(path: str, project: str) -> str:
    """Return a path relative to its project, if it is absolute and passes through it."""
    if not path.startswith("/"):
        return path.removeprefix("./")
    return path.partition(f"/{project}/")[2] or path
