"""Topics: what lies around a seed, and what it says. Pure.

A possible seed is a memory with at least four neighbours (the core of DBSCAN). Of possible seeds
that are alike only the one with the smallest id is a seed, as in star clustering; ids are random,
so a newcomer rarely takes over. A topic is the memories to which its seed is the nearest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import numpy as np

from shared.domain.confidence import confidence
from shared.domain.findings import Fact, Finding, PatternKey, Signal
from shared.domain.telling_words import Words, count_words, telling_words
from shared.messages import PatternType

TYPE: Final[PatternType] = "semantic"
NAME: Final = "topic-cluster"
COSINE: Final = 0.8
"""How alike a member is to its seed at least, on the scale of the reference model."""
MINIMUM: Final = 5
SAMPLE: Final = 50
"""The newest members, of which centroid, radius, keywords and activity are measured."""
_FULL_AT: Final = 15
_CAP: Final = 0.9
_TIME: Final = "%Y-%m-%d %H:%M"
_ACTIVITIES: Final[Mapping[str, Signal]] = {
    "debugging": "is_debugging",
    "learning": "is_learning",
    "refactoring": "is_refactoring",
    "problem_solving": "is_problem_solving",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory with enough neighbours, in the ball of no seed with a smaller id."""

    id: str
    project_name: str
    embedding: Sequence[float]
    clusters: tuple[str, ...]
    """Around whose seeds it lies, or lay."""


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A cluster that lost its seed: a seed among its members takes its id over."""

    cluster_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """A new seed, and the cluster that it is the seed of."""

    cluster_id: str
    seed_id: str
    taken: tuple[str, ...]
    """The vacant clusters whose members may be its own."""
    created_at: datetime | None = None
    """None for a new cluster."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A stored cluster."""

    id: str
    project_name: str
    seed_embedding: Sequence[float]
    size: int
    first_at: datetime
    last_at: datetime
    members: Sequence[str]
    """Ids of the newest, newest first, at most `MAX_EVIDENCE`."""
    users: Sequence[str]
    """Of these members."""

    @property
    def key(self) -> PatternKey:
        """What makes its pattern the same on the next run."""
        return topic_key(self.project_name, self.id)


@dataclass(frozen=True, slots=True)
class Member:
    """One of the newest members, of which a topic is measured."""

    embedding: Sequence[float]
    text: str
    signals: Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a cluster is about."""

    centroid: list[float]
    radius: float
    """The largest cosine distance between the centroid and a member of the sample."""
    similarity: float
    """The mean cosine of the sample to the seed."""
    keywords: list[str]
    cluster_type: str
    """The activity that most of the sample carry, or `topic`."""
    sample: int
    """How many members it was measured on."""


def topic_key(project_name: str, cluster_id: str) -> PatternKey:
    """Return the key of a topic's pattern; a topic has no period, so its cluster stands there."""
    return (TYPE, NAME, project_name, f"topic:{cluster_id[:8]}")


def choose_seeds(candidates: Sequence[Candidate], *, cosine: float) -> list[Candidate]:
    """Return the candidates that are no more alike than `cosine`, the smallest ids first."""
    chosen: list[Candidate] = []
    for project_name in sorted({one.project_name for one in candidates}):
        own = sorted((c for c in candidates if c.project_name == project_name), key=_by_id)
        vectors = _unit([one.embedding for one in own])
        free = np.ones(len(own), dtype=bool)
        for place, one in enumerate(own):
            if free[place]:
                chosen.append(one)
                free &= vectors @ vectors[place] < cosine
    return chosen


def seat_seeds(
    seeds: Sequence[Candidate], vacant: Mapping[str, Vacancy], held: Collection[str]
) -> list[Seat]:
    """Return where new seeds sit: in the oldest cluster that they join, or in a new one.

    Args:
        vacant: the clusters without a seed, by the name that their members know.
        held: the ids of clusters that have a seed again.
    """
    taken = set(held)
    seats: list[Seat] = []
    for seed in sorted(seeds, key=_by_id):
        found = [vacant[name] for name in seed.clusters if vacant[name].cluster_id not in taken]
        oldest = min(found, key=lambda one: (one.created_at, one.cluster_id), default=None)
        cluster_id = oldest.cluster_id if oldest else str(uuid4())
        taken.add(cluster_id)
        created_at = oldest.created_at if oldest else None
        seats.append(Seat(cluster_id, seed.id, seed.clusters, created_at))
    return seats


def describe_topic(seed: Sequence[float], sample: Sequence[Member], others: Words) -> Topic:
    """Return what a cluster is about, by its seed, its newest members and others' words."""
    units = _unit([member.embedding for member in sample])
    (centroid,) = _unit([units.mean(axis=0).tolist()])
    distances = 1 - units @ centroid
    to_seed = float((units @ _unit([seed])[0]).mean())
    return Topic(
        centroid=centroid.tolist(),
        radius=round(max(float(distances.max()), 0.0), 4),
        similarity=min(max(to_seed, 0.0), 1.0),
        keywords=telling_words(count_words(member.text for member in sample), others),
        cluster_type=_activity(sample),
        sample=len(sample),
    )


def find_topic(cluster: Cluster, topic: Topic, *, cosine: float) -> Finding | None:
    """Return the pattern that a cluster is; None where it has too few members."""
    if cluster.size < MINIMUM:
        return None
    sure = confidence(
        size=cluster.size, mean_similarity=topic.similarity, full_at=_FULL_AT, cap=_CAP
    )
    users = cluster.users
    _, _, _, period = cluster.key
    return Finding(
        type=TYPE,
        name=NAME,
        user_id=users[0] if len(users) == 1 else None,
        project_name=cluster.project_name,
        period=period,
        period_type="topic",
        frequency=cluster.size,
        confidence=round(sure, 4),
        evidence=tuple(reversed(cluster.members)),
        first_at=cluster.first_at,
        last_at=cluster.last_at,
        metadata=_facts(cluster, topic, cosine),
    )


def _facts(cluster: Cluster, topic: Topic, cosine: float) -> dict[str, Fact]:
    return {
        "cluster_id": cluster.id,
        "cluster_type": topic.cluster_type,
        "keywords": topic.keywords,
        "memories": cluster.size,
        "users": list(cluster.users),
        "sample": topic.sample,
        "mean_similarity": round(topic.similarity, 4),
        "least_similarity": round(cosine, 4),
        "radius": topic.radius,
        "first_at": cluster.first_at.isoformat(),
        "last_at": cluster.last_at.isoformat(),
        "reason": _reason(cluster, topic, cosine),
    }


def _reason(cluster: Cluster, topic: Topic, cosine: float) -> str:
    said = f"{cluster.size} memories of {cluster.project_name or 'no project'} between "
    said += f"{cluster.first_at:{_TIME}} and {cluster.last_at:{_TIME}} UTC share a topic"
    said += f" ({', '.join(topic.keywords)})" if topic.keywords else ""
    said += f": each has a cosine of at least {cosine:.2f} to its seed. "
    said += "They" if cluster.size <= SAMPLE else f"The newest {topic.sample}"
    said += f" have a mean of {topic.similarity:.2f}, "
    return f"{said}and lie within a distance of {topic.radius:.2f} around their centre."


def _activity(sample: Sequence[Member]) -> str:
    counts = Counter(
        {
            name: sum(member.signals.get(signal) is True for member in sample)
            for name, signal in _ACTIVITIES.items()
        }
    )
    name, count = counts.most_common(1)[0]
    return name if 2 * count > len(sample) else "topic"


def _unit(vectors: Sequence[Sequence[float]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The vectors at length one; one without a direction stays as it is."""
    raw = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    return raw / np.where(lengths > 0, lengths, 1.0)


def _by_id(candidate: Candidate) -> str:
    return candidate.id
