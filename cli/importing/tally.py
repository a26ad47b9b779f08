"""Counts what one import read, sent and could not take. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from pydantic import JsonValue

from cli.importing.batches import Record
from shared.sources.records import ImportProblem, ImportReport, MemoryChunk


@dataclass(slots=True)
class Tally:
    """Everything that the report at the end of an import shows."""

    source: str
    reading: ImportReport = field(default_factory=ImportReport)
    """Counted by the reader."""
    sessions: set[str] = field(default_factory=set[str])
    projects: Counter[str] = field(default_factory=Counter[str])
    memories: int = 0
    prompts: int = 0
    """Memories that begin with what a person wrote."""
    source_files: int = 0
    queued: int = 0
    unchanged: int = 0
    failed: int = 0
    job_ids: list[str] = field(default_factory=list[str])
    problems: list[ImportProblem] = field(default_factory=list[ImportProblem])

    @property
    def taken(self) -> int:
        return self.queued + self.unchanged

    def watch(self, records: Iterable[Record | ImportProblem]) -> Iterator[Record | ImportProblem]:
        """Yield the records unchanged, counting them."""
        for record in records:
            if isinstance(record, ImportProblem):
                self.problems.append(record)
            else:
                self._count(record)
            yield record

    def to_json(self) -> JsonValue:
        """Return the report; every problem is in it."""
        return {
            "source": self.source,
            "files_read": self.reading.files,
            "projects": dict(self.projects),
            "sessions": len(self.sessions),
            "memories": self.memories,
            "prompts": self.prompts,
            "source_files": self.source_files,
            "queued": self.queued,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "skipped": dict(self.reading.dropped),
            "job_ids": [*self.job_ids],
            "problems": [asdict(problem) for problem in self.problems],
        }

    def _count(self, record: Record) -> None:
        self.projects[record.project_name] += 1
        if isinstance(record, MemoryChunk):
            self.memories += 1
            self.sessions.add(record.session_id)
            self.prompts += record.metadata.get("messageType") == "user"
        else:
            self.source_files += 1
