"""What is searched for, where, and what a good answer holds: made of real texts, by nobody's hand.

- A commit's subject, among the memories of the sessions that led to it, and among its files.
- A commit's subject, among the bodies of 2,800 commits: its own.
- How a session's episode begins, among all episodes: the others of its session.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from benchmarks.links.run import load_sample
from shared.domain.entities import Entity, Memory
from shared.graph.entity_words import Kind
from shared.graph.search_candidates import Key

SEED: Final = 1
MOST_QUESTIONS: Final = 200
_LEAST_BODY: Final = 150
"""Characters of a commit's body that say more than its subject."""
_BEGINNING: Final = 200
_ID_CHARACTERS: Final = 36


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and the keys that are right answers; `own` is where it was taken from."""

    text: str
    right: frozenset[Key]
    own: Key | None = None


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions to one workspace."""

    name: str
    kind: Kind | None
    workspace_id: str
    entities: list[Entity]
    questions: list[Question] = field(default_factory=list[Question])


def read_question_sets(shared: Path) -> Iterator[QuestionSet]:
    """Yield the sets that the folders of samples and labels allow."""
    if (shared / "samples").is_dir():
        yield from _of_sessions(shared / "samples" / "claude-code")
    if (shared / "labelled").is_dir():
        yield _of_commits(shared / "labelled" / "commits.jsonl.gz")
        yield _of_episodes(shared / "labelled" / "episodes.jsonl.gz")


def _of_sessions(folder: Path) -> Iterator[QuestionSet]:
    sample = load_sample(folder)
    commits: list[dict[str, Any]] = json.loads((folder / "commits.json").read_text())
    entities = [*sample.files, *sample.memories]
    of_memories, of_files = list[Question](), list[Question]()
    for commit in commits:
        sessions = {name[-_ID_CHARACTERS:] for name in commit["session_ids"]}
        memories = [m for m in sample.memories if (m.session_id or "") in sessions]
        files = [f for f in sample.files if f.path in commit["files"]]
        of_memories.append(_question(commit["subject"], "memory", [m.id for m in memories]))
        of_files.append(_question(commit["subject"], "code", [f.id for f in files]))
    yield _set("commit → its sessions", "memory", sample.workspace_id, entities, of_memories)
    yield _set("commit → its files", "code", sample.workspace_id, entities, of_files)


def _of_commits(path: Path) -> QuestionSet:
    workspace_id, entities, questions = f"team:{uuid4()}", list[Entity](), list[Question]()
    for row in _rows(path):
        subject, _, body = row["content"].strip().partition("\n")
        commit = _memory(workspace_id, row, body.strip() or "-")
        entities.append(commit)
        if len(body) > _LEAST_BODY:
            questions.append(_question(subject, "memory", [commit.id]))
    return _set("subject → its body", "memory", workspace_id, entities, questions)


def _of_episodes(path: Path) -> QuestionSet:
    workspace_id, entities = f"team:{uuid4()}", list[Memory]()
    sessions: defaultdict[str | None, list[Memory]] = defaultdict(list)
    for row in _rows(path):
        entities.append(episode := _memory(workspace_id, row, row["content"]))
        sessions[episode.session_id].append(episode)
    questions = [
        Question(
            " ".join(one.content.split())[:_BEGINNING],
            frozenset(("memory", str(other.id)) for other in own if other is not one),
            ("memory", str(one.id)),
        )
        for own in sessions.values()
        for one in own
    ]
    return _set("episode → its session", "memory", workspace_id, list(entities), questions)


def _set(
    name: str, kind: Kind, workspace_id: str, entities: list[Entity], questions: list[Question]
) -> QuestionSet:
    asked = [one for one in questions if one.right and one.text.strip()]
    some = Random(SEED).sample(asked, min(len(asked), MOST_QUESTIONS))
    return QuestionSet(name, kind, workspace_id, entities, some)


def _question(text: str, kind: Kind, ids: list[UUID]) -> Question:
    # Quotation marks would ask for the words as they are.
    return Question(text.replace('"', " "), frozenset((kind, str(one)) for one in ids))


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _memory(workspace_id: str, row: dict[str, Any], content: str) -> Memory:
    at = datetime.fromisoformat(row["occurred_at"])
    user = UUID(int=1)
    return Memory(
        id=uuid5(user, f"{workspace_id} {row['id']}"),
        workspace_id=workspace_id,
        user_id=user,
        chunk_id=row["id"],
        session_id=row.get("session_id"),
        project_name="labelled",
        type="conversation",
        content=content,
        metadata=row.get("metadata", {}),
        occurred_at=at,
        created_at=at,
        updated_at=at,
    )
