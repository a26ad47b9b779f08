"""Places memories in clusters: what is new joins, makes or takes over clusters; what left goes.

Which seeds there are is the same in whatever order and pieces memories came: the possible seeds
that have no better one around them. Whatever may have changed that is looked at again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.topics import MINIMUM, Candidate, Seat, Vacancy, choose_seeds, seat_seeds
from shared.graph import topic_clusters as cypher
from shared.graph.statements import MAX_ROWS, Row, read_rows

AT_ONCE: Final = 500
"""How many memories are placed together."""
FIRST_TRIED: Final = 32
"""How many memories are tried as seeds at first; then twice as many each time."""
MOST_TRIED: Final = 2_000
"""The most members of lost clusters that are found to be no seed before a run stops trying."""


@dataclass(slots=True)
class Placing:
    """One run's work on a workspace's clusters, all in one transaction."""

    tx: AsyncManagedTransaction
    workspace_id: str
    cosine: float
    touched: set[str] = field(default_factory=set[str])
    """Ids of the clusters whose members may have changed."""
    lost: dict[str, str] = field(default_factory=dict[str, str])
    """The projects of the clusters that lost their seed, by id."""
    _vacant: dict[str, Vacancy] = field(default_factory=dict[str, Vacancy])
    _seated: set[str] = field(default_factory=set[str])
    """By this step; `_made` by this run."""
    _made: set[str] = field(default_factory=set[str])
    _joined: set[str] = field(default_factory=set[str])
    _dense: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether a memory that was looked at has enough neighbours to be a seed."""
    _asked: set[str] = field(default_factory=set[str])
    """Whose neighbours were looked for."""
    _known: Counter[str] = field(default_factory=Counter[str])
    """By how many of these a memory was found."""
    _names: int = 0

    async def place(self, ids: Sequence[str]) -> None:
        """Bring the clusters around some summaries up to date, also of summaries that are gone."""
        left = await self._ids(cypher.LEAVE, ids)
        await self._vacate(await self._ids(cypher.FIND_LOST_SEEDS, ids))
        await self._join(ids)
        await self._vacate(await self._ids(cypher.FIND_WEAK, left, minimum=MINIMUM))
        around = await self._neighbours(ids)
        await self._settle({*ids, *(one for near in around.values() for one in near)})
        await self._assign()

    async def _join(self, ids: Sequence[str]) -> None:
        """Put summaries into the balls of the seeds around them."""
        await self._run(cypher.JOIN, ids=ids, neighbours=cypher.NEAREST_SEEDS)
        # The index does not know yet what this transaction made.
        await self._pull_new([{"id": one} for one in sorted(self._made)], ids)
        await self._run(cypher.RENAME_SEEDS, ids=ids)
        self._joined.update(ids)

    async def _settle(self, queue: Collection[str]) -> None:
        """Seat whatever may be a seed until none is left: few first, they rule most others out."""
        most = FIRST_TRIED
        free = await self._free(queue)
        while free:
            tried, rest = free[:most], free[most:]
            if cores := await self._cores(tried):
                await self._seat(await self._candidates(cores))
            free = rest if rest and not cores else await self._free(rest)
            most = min(2 * most, AT_ONCE)

    async def _free(self, queue: Collection[str]) -> list[str]:
        """Return which memories no seed rules out, the smallest ids first."""
        own = set(await self._ids(cypher.FIND_FREE, queue))
        left: list[str] = []
        barren = {one for one, is_dense in self._dense.items() if not is_dense}
        if self._vacant and len(barren) < MOST_TRIED:
            left = await self._ids(
                cypher.FIND_LEFT, self._vacant, tried=sorted(barren), limit=cypher.LEFT
            )
        return sorted({*own, *left} - barren)

    async def _cores(self, tried: Collection[str]) -> set[str]:
        """Return which memories have enough neighbours, and no seed around them after all."""
        # What no run has placed yet may lie around seeds all the same.
        if strange := sorted(set(tried) - self._joined):
            await self._join(strange)
            tried = await self._ids(cypher.FIND_FREE, tried)
        await self._neighbours(sorted(set(tried) - self._dense.keys()))
        return {one for one in tried if self._dense.setdefault(one, False)}

    async def _candidates(self, ids: Collection[str]) -> list[Candidate]:
        rows = await self._run(cypher.READ_CANDIDATES, ids=sorted(ids))
        return [
            Candidate(row["id"], row["project_name"], row["embedding"], tuple(row["clusters"]))
            for row in rows
        ]

    async def _seat(self, candidates: Sequence[Candidate]) -> None:
        """Make seeds of the best candidates; what their balls hold of other clusters is theirs."""
        seeds = await asyncio.to_thread(choose_seeds, candidates, cosine=self.cosine)
        around = {name for seed in seeds for name in seed.clusters}
        renamed = await self._vacate(around - self._vacant.keys())
        seeds = [_rename(seed, renamed) for seed in seeds]
        seats = seat_seeds(seeds, self._vacant, self._seated)
        rows = [_seat_row(seat) for seat in seats]
        await self._run(cypher.SEAT, rows=rows)
        await self._run(cypher.PULL_NEIGHBOURS, rows=rows, limit=cypher.PULLED)
        await self._run(cypher.PULL_MEMBERS, rows=rows)
        await self._pull_new(rows, sorted(self._joined))
        self._seated |= {seat.cluster_id for seat in seats}
        self._made |= self._seated

    async def _pull_new(self, rows: Sequence[Row], ids: Sequence[str]) -> None:
        if rows:
            await self._run(cypher.PULL_NEW, rows=rows, ids=ids)

    async def _vacate(self, ids: Iterable[str]) -> dict[str, str]:
        """Take clusters' seeds away; return the names that their members know them by, by id."""
        rows: list[Row] = []
        for cluster_id in sorted(ids):
            self._names += 1  # a cluster may lose its seed twice in one run
            rows.append({"id": cluster_id, "vacant": f"{cluster_id}/{self._names}"})
        for row in await self._run(cypher.VACATE, rows=rows) if rows else []:
            self._vacant[row["vacant"]] = Vacancy(row["id"], row["created_at"].to_native())
            self.lost[row["id"]] = row["project_name"]
        self._seated -= {row["id"] for row in rows}
        self._made -= {row["id"] for row in rows}
        return {row["id"]: row["vacant"] for row in rows}

    async def _assign(self) -> None:
        """Give each member to its nearest seed, and forget the clusters that have none."""
        self.touched.update(await self._ids(cypher.ASSIGN, self._joined))
        changed = [*self._seated, *self._vacant]
        self.touched.update(await self._ids(cypher.ASSIGN_MEMBERS, changed))
        await self._ids(cypher.DELETE_VACANT, self._vacant)
        self._vacant.clear()
        self._seated.clear()
        self._joined.clear()

    async def _neighbours(self, ids: Sequence[str]) -> dict[str, list[str]]:
        if not ids:
            return {}
        rows = await self._run(cypher.FIND_NEIGHBOURS, ids=ids, neighbours=cypher.NEIGHBOURS)
        found = {row["id"]: row["neighbours"] for row in rows}
        self._dense.update({one: len(near) + 1 >= MINIMUM for one, near in found.items()})
        # Likeness is mutual: what is found by enough others need not be asked itself.
        new = found.keys() - self._asked
        self._asked |= new
        self._known.update(near for one in new for near in found[one])
        self._dense.update({one: True for one in self._known if self._known[one] + 1 >= MINIMUM})
        return found

    async def _ids(self, statement: LiteralString, ids: Iterable[str], **values: Any) -> list[str]:
        ordered = sorted(ids)
        found: list[str] = []
        for start in range(0, len(ordered), MAX_ROWS):
            piece = ordered[start : start + MAX_ROWS]
            found += [row["id"] for row in await self._run(statement, ids=piece, **values)]
        return found

    async def _run(self, statement: LiteralString, **values: Any) -> list[Row]:
        result = await self.tx.run(
            statement,
            {
                "workspace_id": self.workspace_id,
                "cosine": self.cosine,
                "margin": cypher.MARGIN,
                **values,
            },
        )
        return await read_rows(result)


def _rename(seed: Candidate, renamed: dict[str, str]) -> Candidate:
    names = tuple(renamed.get(name, name) for name in seed.clusters)
    return Candidate(seed.id, seed.project_name, seed.embedding, names)


def _seat_row(seat: Seat) -> Row:
    return {
        "id": seat.cluster_id,
        "seed_id": seat.seed_id,
        "taken": list(seat.taken),
        "created_at": seat.created_at,
    }
