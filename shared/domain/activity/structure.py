"""What the tools of one memory did. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.messages import Metadata

EDITING_TOOLS: Final = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit", "apply_patch"})
SEARCHING_TOOLS: Final = frozenset({"Grep", "Glob", "LS"})
RUNNING_TOOLS: Final = frozenset({"Bash", "exec", "shell"})
_WEB_TOOLS: Final = frozenset({"WebFetch", "WebSearch"})
_PROSE: Final = (".md", ".txt", ".rst", ".yml", ".yaml", ".json", ".toml")
_MOST_PATHS: Final = 1000
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Structure:
    """What the tools of one memory did; `known` is false for text that came without any of it."""

    known: bool = False
    edits: int = 0
    reads: int = 0
    searches: int = 0
    runs: int = 0
    tool_errors: int = 0
    failing_outputs: int = 0
    files: int = 0
    any_tool: bool = False
    plans_tasks: bool = False
    leaves_the_machine: bool = False
    searches_the_web: bool = False
    touches_tests: bool = False
    touches_prose_only: bool = False
    spoken_by_person: bool = True

    @classmethod
    def of(cls, metadata: Metadata) -> Structure:
        """Read it from a memory's metadata; anything odd counts as absent."""
        tools = metadata.get("tools")
        counts: Mapping[str, object] = tools if isinstance(tools, dict) else {}
        used = {tool for tool, count in counts.items() if count_of(count)}
        paths = _paths_of(metadata)
        return cls(
            known=isinstance(tools, dict),
            edits=_sum(counts, EDITING_TOOLS),
            reads=count_of(counts.get("Read")),
            searches=_sum(counts, SEARCHING_TOOLS),
            runs=_sum(counts, RUNNING_TOOLS),
            tool_errors=count_of(metadata.get("toolErrors")),
            failing_outputs=count_of(metadata.get("failingOutputs")),
            files=len(paths),
            any_tool=bool(used),
            plans_tasks=any(tool.startswith(("Task", "Todo")) for tool in used),
            leaves_the_machine=any(_leaves(tool) for tool in used),
            searches_the_web=not used.isdisjoint(_WEB_TOOLS),
            touches_tests=any("test" in path for path in paths),
            touches_prose_only=bool(paths) and all(path.endswith(_PROSE) for path in paths),
            spoken_by_person=metadata.get("messageType") != "assistant",
        )


def count_of(value: object) -> int:
    """Return a count of foreign JSON; 0 for what is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return 0
    return max(min(int(value), _MOST), 0) if isinstance(value, int | float) else 0


def _sum(counts: Mapping[str, object], tools: frozenset[str]) -> int:
    return sum(count_of(counts.get(tool)) for tool in tools)


def _leaves(tool: str) -> bool:
    return tool.startswith("mcp") or tool == "Skill" or tool in _WEB_TOOLS


def _paths_of(metadata: Metadata) -> list[str]:
    paths = metadata.get("filePaths")
    listed = paths[:_MOST_PATHS] if isinstance(paths, list) else []
    return [path for path in listed if isinstance(path, str)]
