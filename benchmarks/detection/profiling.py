"""A driver that profiles each statement that runs through it: which steps, how many db hits."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, TypeVar, cast

from neo4j import AsyncDriver, AsyncManagedTransaction, Record

from shared.graph.driver import open_session

Result = TypeVar("Result")
_VERSION: Final = "CYPHER 25"
_LOOK_UP: Final = re.compile(r"(?:INDEX|UNIQUE) \w+:(\w+)\([^)]*\) WHERE (.*)")
_KEYED_BY_WORKSPACE: Final = "Workspace"
SCANS: Final = (
    "AllNodesScan",
    "NodeByLabelScan",
    "NodeIndexScan",
    "NodeIndexContainsScan",
    "NodeIndexEndsWithScan",
    "UnionNodeByLabelsScan",
    "IntersectionNodeByLabelsScan",
    "SubtractionNodeByLabelsScan",
    "AllRelationshipsScan",
    "RelationshipTypeScan",
    "UnionRelationshipTypesScan",
    "RelationshipIndexScan",
)
"""Steps that read all there is of something; each may also bear the prefix `Partitioned`."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """One executed statement."""

    statement: str
    steps: list[dict[str, Any]]

    @property
    def db_hits(self) -> int:
        """How often its steps asked the store or an index."""
        return sum(int(step["args"].get("DbHits", 0)) for step in self.steps)

    @property
    def operators(self) -> set[str]:
        """Return the names of its steps, without the runtime's prefixes."""
        return {name_of(step) for step in self.steps}

    @property
    def scans(self) -> set[str]:
        """Return the steps that read all there is of something."""
        return {name for name in self.operators if name.removeprefix("Partitioned") in SCANS}

    @property
    def whole_workspaces(self) -> set[str]:
        """Return the index look-ups that ask for nothing but the workspace: a scan in disguise."""
        details = (str(step["args"].get("Details", "")) for step in self.steps)
        look_ups = (found for text in details if (found := _LOOK_UP.search(text)))
        return {one[0] for one in look_ups if _is_whole_workspace(one[1], one[2])}

    @property
    def most_rows(self) -> int:
        """Return the most rows that one step passed on."""
        return max(int(step["args"].get("Rows", 0)) for step in self.steps)


def _is_whole_workspace(label: str, conditions: str) -> bool:
    parts = (part.strip() for part in conditions.partition(", cache[")[0].split(" AND "))
    narrow = [p for p in parts if not p.startswith("workspace_id =") and "IS NOT NULL" not in p]
    return label != _KEYED_BY_WORKSPACE and not narrow


def name_of(step: Mapping[str, Any]) -> str:
    """Return what a step is called: `NodeIndexSeek`, not `NodeIndexSeek@neo4j`."""
    return str(step["operatorType"]).partition("@")[0]


@dataclass(frozen=True, slots=True)
class Rows:
    """A result that was read to its end."""

    records: list[Record]

    async def __aiter__(self) -> AsyncGenerator[Record]:
        for record in self.records:
            yield record

    async def data(self) -> list[dict[str, Any]]:
        return [record.data() for record in self.records]

    async def single(self, *, strict: bool = False) -> Record | None:
        if strict and len(self.records) != 1:
            raise LookupError(f"{len(self.records)} rows where one is wanted")
        return self.records[0] if self.records else None

    async def consume(self) -> None:
        """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class ProfilingDriver:
    """Behaves like a driver to `shared.graph.driver`, and remembers what ran."""

    driver: AsyncDriver
    ran: list[Profiled] = field(default_factory=list[Profiled])

    def as_driver(self) -> AsyncDriver:
        """Return it as what it stands in for."""
        return cast("AsyncDriver", self)

    @asynccontextmanager
    async def session(self, *, default_access_mode: str) -> AsyncGenerator[ProfilingSession]:
        async with open_session(self.driver, default_access_mode) as own:
            yield ProfilingSession(own, self.ran)


@dataclass(frozen=True, slots=True)
class ProfilingSession:
    """Runs transactions whose statements are profiled."""

    own: Any
    ran: list[Profiled]

    async def execute_write(self, work: Callable[[Any], Awaitable[Result]]) -> Result:
        return await self.own.execute_write(self._profiled(work))

    async def execute_read(self, work: Callable[[Any], Awaitable[Result]]) -> Result:
        return await self.own.execute_read(self._profiled(work))

    def _profiled(self, work: Callable[[Any], Awaitable[Result]]) -> Callable[[Any], Any]:
        async def run(tx: AsyncManagedTransaction) -> Result:
            return await work(ProfilingTransaction(tx, self.ran))

        return run


@dataclass(frozen=True, slots=True)
class ProfilingTransaction:
    """Runs each statement under PROFILE and reads its result to the end."""

    tx: AsyncManagedTransaction
    ran: list[Profiled]

    async def run(
        self, query: LiteralString, parameters: dict[str, Any] | None = None, **values: Any
    ) -> Rows:
        bare = query.strip().removeprefix(_VERSION)
        result = await self.tx.run(f"{_VERSION} PROFILE {bare}", parameters, **values)
        records = [record async for record in result]
        plan = cast("Any", (await result.consume()).profile)
        self.ran.append(Profiled(query, list(_steps(plan))))
        return Rows(records)


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("children", []):
        yield from _steps(child)
