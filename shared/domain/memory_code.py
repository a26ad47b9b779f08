"""Memories and the code that they are about: which are alike enough, and what is spoken of. Pure.

Alike alone says too little: of the pairs above the domain's cosine, half are wrong (measured in
docs/detectors/memory-code.md). So a reference by similarity needs a sign in the memory's text or
tool calls as well: a path of the file, or a name that it goes by, however plain or shared.

A pattern is one source file that at least three memories speak of; its period is the file's path.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Final

from shared.domain.confidence import confidence
from shared.domain.findings import MAX_EVIDENCE, Fact, Finding, PatternKey
from shared.messages import PatternType

TYPE: Final[PatternType] = "memory_code"
NAME: Final = "documentation-implementation"
COSINE: Final = 0.70
"""How alike a file must be, on the scale of the domain's reference model."""
MAX_ALIKE: Final = 5
"""The most files that one memory is tied to by similarity, the nearest."""
MIN_MEMORIES: Final = 3
FULL_AT: Final = 10
CAP: Final = 0.9
_TIME: Final = "%Y-%m-%d %H:%M"
_WORDS: Final = {
    "tool_path": "by path",
    "name_match": "by name",
    "similarity": "by similarity",
}


@dataclass(frozen=True, slots=True)
class Alike:
    """A memory and a file of its project that are near and share a sign."""

    memory_id: str
    code_id: str
    similarity: float
    """Cosine, 0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Tied:
    """What a memory is tied to already."""

    exact: int
    """References by path or name."""
    alike: frozenset[str]
    """Files by similarity."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file and the key of its summary."""

    id: str
    project_name: str
    path: str

    @property
    def key(self) -> PatternKey:
        """Return the key of the pattern that it may be."""
        return (TYPE, NAME, self.project_name, self.path)


@dataclass(frozen=True, slots=True)
class Mention:
    """One memory that speaks of a file, and by what that is known."""

    id: str
    """Of its summary."""
    user_id: str
    occurred_at: datetime
    methods: Mapping[str, float | None]
    """With the cosine where it is by similarity."""

    @property
    def strength(self) -> float:
        """Return how sure it is: 1.0 where the file is named, else the cosine."""
        if self.methods.keys() - {"similarity"}:
            return 1.0
        return min(max(self.methods["similarity"] or 0.0, 0.0), 1.0)


def choose_alike(
    found: Iterable[Alike], tied: Mapping[str, Tied], *, max_per_memory: int, max_new: int
) -> dict[str, dict[str, float]]:
    """Return the files that each memory is to be tied to by similarity, with their cosines.

    Of a memory the nearest, as many as fit beside its exact references; of all new ones the
    `max_new` most alike.
    """
    chosen: defaultdict[str, dict[str, float]] = defaultdict(dict)
    new = 0
    for pair in sorted(found, key=lambda pair: (-pair.similarity, pair.memory_id, pair.code_id)):
        known, mine = tied[pair.memory_id], chosen[pair.memory_id]
        is_new = pair.code_id not in known.alike
        room = min(MAX_ALIKE, max_per_memory - known.exact)
        if len(mine) < room and not (is_new and new >= max_new):
            mine[pair.code_id] = pair.similarity
            new += is_new
    return dict(chosen)


def find_discussed(discussions: Iterable[tuple[SourceFile, Sequence[Mention]]]) -> list[Finding]:
    """Return one finding for each file that enough memories speak of."""
    return [
        _describe(file, _oldest_first(mentions))
        for file, mentions in discussions
        if len(mentions) >= MIN_MEMORIES
    ]


def _oldest_first(mentions: Iterable[Mention]) -> list[Mention]:
    return sorted(mentions, key=lambda mention: (mention.occurred_at, mention.id))


def _describe(file: SourceFile, mentions: Sequence[Mention]) -> Finding:
    users = sorted({mention.user_id for mention in mentions})
    strength = fmean(mention.strength for mention in mentions)
    sure = confidence(size=len(mentions), mean_similarity=strength, full_at=FULL_AT, cap=CAP)
    newest = [mention.id for mention in mentions[1 - MAX_EVIDENCE :]]
    return Finding(
        type=TYPE,
        name=NAME,
        user_id=users[0] if len(users) == 1 else None,
        project_name=file.project_name,
        period=file.path,
        period_type="file",
        frequency=len(mentions),
        confidence=round(sure, 4),
        evidence=(f"code:{file.id}", *newest),
        first_at=mentions[0].occurred_at,
        last_at=mentions[-1].occurred_at,
        metadata=_facts(file, mentions, users, strength),
    )


def _facts(
    file: SourceFile, mentions: Sequence[Mention], users: list[str], strength: float
) -> dict[str, Fact]:
    methods = Counter(method for mention in mentions for method in mention.methods)
    counts: dict[str, Fact] = {f"by_{method}": methods[method] for method in _WORDS}
    cosines = [cosine for mention in mentions if (cosine := mention.methods.get("similarity"))]
    facts: dict[str, Fact] = {
        "file": file.path,
        "memories": len(mentions),
        **counts,
        "strength": round(strength, 4),
        "since": mentions[0].occurred_at.isoformat(),
        "until": mentions[-1].occurred_at.isoformat(),
        "reason": _reason(file, mentions, methods),
    }
    if cosines:
        facts["mean_similarity"] = round(fmean(cosines), 4)
    return facts | ({"users": users} if len(users) > 1 else {})


def _reason(file: SourceFile, mentions: Sequence[Mention], methods: Mapping[str, int]) -> str:
    ways = [f"{methods[method]} {words}" for method, words in _WORDS.items() if methods[method]]
    since, until = mentions[0].occurred_at, mentions[-1].occurred_at
    return (
        f"{len(mentions)} memories of {file.project_name} speak of {file.path} since "
        f"{since:{_TIME}}, last at {until:{_TIME}} UTC: {', '.join(ways)}."
    )
