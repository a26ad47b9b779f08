"""One measurement from the samples to the figures."""

from __future__ import annotations

from dataclasses import dataclass
from operator import mul
from pathlib import Path
from typing import Literal
from uuid import uuid4

from neo4j import AsyncDriver

from benchmarks.links.entities import make_files, read_memories
from benchmarks.links.figures import (
    METHODS,
    Precision,
    Recall,
    find_failures,
    measure_precision,
    measure_recall,
    pairs_of,
)
from benchmarks.links.graph import Found, forget, write_and_detect
from benchmarks.links.reconstruction import Reconstruction, rebuild
from benchmarks.links.truth import Pair, Truth, read_commits, touched_by_session
from services.ingest.measuring import measure
from shared.domain.entities import CodeEntity, Memory
from shared.domain.memory_code import COSINE, MAX_ALIKE
from shared.embedding import Embedder


@dataclass(frozen=True, slots=True)
class Sample:
    """The input and what is true of it."""

    memories: list[Memory]
    files: list[CodeEntity]
    truth: Truth
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    links: list[Found]
    precision: list[Precision]
    """Of each method, of all, and of all without paths."""
    recall: list[Recall]
    """Of all, and of all without paths."""

    @property
    def failures(self) -> list[str]:
        """Return which bounds do not hold."""
        return find_failures(self.precision[-2], self.precision[-1], self.recall[0])


def load_sample(folder: Path) -> Sample:
    """Return the sessions of a folder as a new workspace."""
    committed = read_commits(folder)
    rebuilt = rebuild(folder, sorted({path for paths in committed.values() for path in paths}))
    workspace_id = f"team:{uuid4()}"
    memories = read_memories(folder, workspace_id)
    [project] = {memory.project_name or "" for memory in memories}
    files = make_files(rebuilt.files.values(), workspace_id, project)
    return Sample(memories, files, _truth(memories, rebuilt, committed), workspace_id)


def _truth(
    memories: list[Memory], rebuilt: Reconstruction, committed: dict[str, frozenset[str]]
) -> Truth:
    return Truth(
        committed,
        touched_by_session(rebuilt.sessions),
        {memory.chunk_id: _named(memory) for memory in memories},
        {memory.chunk_id: memory.session_id or "" for memory in memories},
    )


def _named(memory: Memory) -> frozenset[str]:
    paths = memory.metadata.get("filePaths")
    return frozenset(map(str, paths)) if isinstance(paths, list) else frozenset()


async def measure_links(
    driver: AsyncDriver,
    embedder: Embedder,
    sample: Sample,
    first: Literal["code", "memories"] = "code",
) -> Figures:
    """Write the sample in one of two orders, return the figures, and leave the graph as it was."""
    parts = [sample.files, sample.memories]
    entities = [one for part in (parts if first == "code" else parts[::-1]) for one in part]
    try:
        links = await write_and_detect(driver, embedder, entities, sample.workspace_id)
    finally:
        await forget(driver, sample.workspace_id)
    return describe(links, sample)


def describe(links: list[Found], sample: Sample) -> Figures:
    """Return the figures of links."""
    files = {file.path for file in sample.files}
    everything, unsure = pairs_of(links, METHODS), pairs_of(links, METHODS[1:])
    sets = {method: pairs_of(links, [method]) for method in METHODS}
    # Where a tool call names the file too, that a tool call names it proves nothing.
    beyond = {f"{method} beyond tool_path": sets[method] - sets[METHODS[0]] for method in METHODS}
    sets |= {name: pairs for name, pairs in beyond.items() if pairs}
    sets |= {"all": everything, "all without tool_path": unsure}
    return Figures(
        links,
        [measure_precision(name, pairs, sample.truth) for name, pairs in sets.items()],
        [
            measure_recall(name, sets[name], sample.truth, files)
            for name in ("all", "all without tool_path")
        ],
    )


async def measure_likeness_alone(embedder: Embedder, sample: Sample) -> Precision:
    """Return how precise likeness would be without a sign: why one is asked for."""
    measured = await measure([*sample.memories, *sample.files], embedder)
    least, pairs = embedder.calibration.cosine(COSINE), set[Pair]()
    for memory in measured.memories:
        cosines = (
            (sum(map(mul, memory.embedding, file.embedding)), file.entity.path)
            for file in measured.files
        )
        near = sorted(cosines, reverse=True)[:MAX_ALIKE]
        pairs |= {(memory.entity.chunk_id, path) for cosine, path in near if cosine >= least}
    return measure_precision("likeness alone, which makes no link", pairs, sample.truth)
