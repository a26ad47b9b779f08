"""What a check found, in words. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from pydantic import JsonValue

State: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """`Postgres`, `Neo4j`, `API`, `machine`."""
    check: str
    state: State
    found: str
    mend: str = ""
    """What to do; empty where nothing is to be done."""

    def as_json(self) -> dict[str, JsonValue]:
        return asdict(self)


def ok(area: str, check: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding(area, check, "ok", found)


def judge(
    area: str, check: str, *, good: bool, found: str, mend: str, bad: State = "failed"
) -> Finding:
    """Return that all is well, or `bad` with what to do."""
    return Finding(area, check, "ok", found) if good else Finding(area, check, bad, found, mend)


def listed(names: list[str]) -> str:
    """Return names as a person reads them, at most five."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
