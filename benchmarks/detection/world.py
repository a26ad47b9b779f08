"""The workspace that is measured: which entity has which place, time, author and words. Pure.

Entities are numbered in the order of their time. A workspace becomes larger by living longer and by
having more projects, at one rate for each project and week; the dense one has all in one project
and four weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.texts import (
    KIND_ORDER,
    KINDS,
    TOPICS,
    code_of,
    code_signals_of,
    embeddings_of,
    signals_of,
    text_of,
)
from services.ingest.measuring import Measured
from shared.domain.code_parsing import parse_code
from shared.domain.entities import CodeEntity, Memory
from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from shared.messages import Metadata

END: Final = datetime(2026, 11, 23, tzinfo=UTC)
"""A Monday: the last week ends here."""
WORKSPACE: Final = "team:0b5c0000-0000-4000-8000-00000000d37e"
RATE: Final = 100
"""Entities of one project in one week, of the workspace that is not dense."""
CODE_SHARE: Final = 10
"""One of so many entities is a source file."""
SESSION: Final = 9
"""Memories of one session."""
TOPICS_OF_PROJECT: Final = 8
PROJECTS: Final = {10_000: 10, 100_000: 25, 1_000_000: 50}
DENSE_WEEKS: Final = 4
NEW: Final = 100
NEW_PLACES: Final = 4
"""In so many weeks of projects the new memories lie."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one entity lies."""

    project: int
    week: int
    place_in_week: int


@dataclass(frozen=True, slots=True)
class Tie:
    """What a memory is linked to."""

    id: UUID
    before: UUID | None
    """The memory before it in its session."""
    code: UUID | None
    """The file that it mentions."""
    code_name: str


@dataclass(frozen=True, slots=True)
class Vectors:
    """Memories by the ids of their summaries, with their projects and embeddings."""

    ids: list[str]
    projects: list[str]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """A workspace with `size` entities."""

    size: int
    is_dense: bool = False
    workspace_id: str = WORKSPACE

    @cached_property
    def projects(self) -> int:
        """How many there are."""
        return 1 if self.is_dense else PROJECTS.get(self.size, max(self.size // 1_000, 1))

    @cached_property
    def weeks(self) -> int:
        """How long the workspace has lived."""
        return DENSE_WEEKS if self.is_dense else max(self.size // (self.projects * RATE), 1)

    @cached_property
    def rate(self) -> int:
        """Entities of one project in one week."""
        return -(-self.size // (self.projects * self.weeks))

    @property
    def name(self) -> str:
        """What it is called in folders and figures."""
        return f"{'dense' if self.is_dense else 'spread'}-{self.size}"

    def monday(self, week: int) -> datetime:
        """Return when a week begins; the last ends at `END`."""
        return END - timedelta(weeks=self.weeks - week)

    def batch(self, start: int, stop: int) -> Measured:
        """Return entities by their numbers, as the ingest service measures them."""
        return self._measured([(n, self._spot(n)) for n in range(start, min(stop, self.size))])

    def news(self, run: int) -> Measured:
        """Return the new memories of one run, in places of its own, from the last week on."""
        first = self.size + run * NEW
        each = NEW // NEW_PLACES
        spots = [
            self._place_from_end(run * NEW_PLACES + number // each, self.rate + number % each)
            for number in range(NEW)
        ]
        return self._measured([(first + number, spot) for number, spot in enumerate(spots)])

    def ties(self, start: int, stop: int) -> list[Tie]:
        """Return what the memories among the entities are linked to."""
        numbered = ((n, self._spot(n)) for n in range(start, min(stop, self.size)))
        return [self._tie(n, spot) for n, spot in numbered if spot.place_in_week % CODE_SHARE]

    def vectors(self, start: int, stop: int) -> Vectors:
        """Return what a batch's memories are found by, at a tenth of the batch's cost."""
        numbered = [(n, self._spot(n)) for n in range(start, min(stop, self.size))]
        vectors = embeddings_of([start], [_topic(*one) for one in numbered])
        kept = [place for place, (_, spot) in enumerate(numbered) if not self._is_file(spot)]
        return Vectors(
            [f"memory:{self._key('memory', numbered[place][0])}" for place in kept],
            [_project(numbered[place][1]) for place in kept],
            vectors[kept],
        )

    def _tie(self, number: int, spot: Spot) -> Tie:
        before = spot.place_in_week - (2 if spot.place_in_week % CODE_SHARE == 1 else 1)
        is_first = before < 0 or before // SESSION != spot.place_in_week // SESSION
        name = self._mention(number, spot)
        return Tie(
            self._key("memory", number),
            None if is_first else self._key("memory", number - spot.place_in_week + before),
            self._key("code", number - spot.place_in_week % CODE_SHARE) if name else None,
            name or "",
        )

    def _key(self, kind: str, number: int) -> UUID:
        own = f"{self.workspace_id}:{kind}:{number}".encode()
        return UUID(bytes=blake2b(own, digest_size=16).digest(), version=4)

    def _spot(self, number: int) -> Spot:
        place, inside = divmod(number, self.rate)
        week, project = divmod(place, self.projects)
        return Spot(project, week, inside)

    def _place_from_end(self, place: int, inside: int) -> Spot:
        weeks_ago, project = divmod(place, self.projects)
        return Spot(project, self.weeks - 1 - weeks_ago % self.weeks, inside)

    def _measured(self, numbered: Sequence[tuple[int, Spot]]) -> Measured:
        topics = [_topic(number, spot) for number, spot in numbered]
        vectors = embeddings_of([number for number, _ in numbered][:1], topics).tolist()
        measured = Measured([], [])
        for (number, spot), topic, vector in zip(numbered, topics, vectors, strict=True):
            if self._is_file(spot):
                measured.files.append(self._file(number, spot, TOPICS[topic], vector))
            else:
                measured.memories.append(self._memory(number, spot, TOPICS[topic], vector))
        return measured

    def _is_file(self, spot: Spot) -> bool:
        return spot.place_in_week < self.rate and spot.place_in_week % CODE_SHARE == 0

    def _memory(self, number: int, spot: Spot, topic: str, vector: list[float]) -> MeasuredMemory:
        kind = KIND_ORDER[_mix(number) % len(KIND_ORDER)]
        mention = self._mention(number, spot)
        session = spot.place_in_week // SESSION
        at = self._time(spot, session) + timedelta(minutes=2 * (spot.place_in_week % SESSION))
        metadata: Metadata = {
            **KINDS[kind][1],
            "startTime": at.isoformat(),
            "chunkIndex": spot.place_in_week % SESSION,
        }
        memory = Memory(
            id=self._key("memory", number),
            workspace_id=self.workspace_id,
            user_id=self._user(spot, session),
            chunk_id=f"chunk:{number}",
            session_id=f"session:{spot.project}:{spot.week}:{session}",
            project_name=_project(spot),
            type="conversation",
            content=text_of(topic, kind, mention),
            metadata=metadata,
            occurred_at=at,
            created_at=at,
            updated_at=at,
        )
        signals = signals_of(topic, kind, has_mention=mention is not None)
        return MeasuredMemory(memory, signals, vector, mentions_of_memory(memory))

    def _file(self, number: int, spot: Spot, topic: str, vector: list[float]) -> MeasuredCode:
        name = _code_name(number)
        at = self._time(spot, spot.place_in_week // SESSION)
        path = f"src/{topic}/{name}.py"
        content = code_of(topic, name)
        entity = CodeEntity(
            id=self._key("code", number),
            workspace_id=self.workspace_id,
            user_id=self._user(spot, 0),
            project_name=_project(spot),
            path=path,
            name=f"{name}.py",
            type="file",
            language="python",
            content=content,
            metadata={},
            created_at=at,
            updated_at=at,
        )
        parsed = parse_code(content, "python", path)
        return MeasuredCode(entity, parsed, code_signals_of(topic), vector)

    def _mention(self, number: int, spot: Spot) -> str | None:
        """Every fourth memory names a file of its own project and week."""
        if _mix(number) // 16 % 4 or spot.place_in_week >= self.rate:
            return None
        return _code_name(number - spot.place_in_week % CODE_SHARE)

    def _time(self, spot: Spot, session: int) -> datetime:
        sessions = -(-(self.rate + NEW) // SESSION)
        return self.monday(spot.week) + timedelta(weeks=1) * session / (sessions + 1)

    def _user(self, spot: Spot, session: int) -> UUID:
        """Three people work on each project."""
        return self._key("user", spot.project + session % 3)


def _topic(number: int, spot: Spot) -> int:
    return (spot.project * 7 + _mix(number) // 64 % TOPICS_OF_PROJECT) % len(TOPICS)


def _project(spot: Spot) -> str:
    return f"project-{spot.project}"


def _code_name(number: int) -> str:
    return f"handle_{number:x}"


def _mix(number: int) -> int:
    return number * 2_654_435_761 % 2**32 >> 7
