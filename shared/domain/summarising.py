"""A project's summary from its own sentences: the default, which needs no model. Pure.

One paragraph in the third person: what the project does, how it stands, decisions and challenges,
next steps. The same memories always give the same text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from shared.domain.code_languages import language_of
from shared.domain.keywords import count_keywords, words_of
from shared.domain.sentences import sentences_of, without_end
from shared.messages import Metadata

MODEL: Final = "extractive"
"""Stands where a language model's name would."""

_PURPOSE = re.compile(
    r"^(?:the |this )?(?:project|repo(?:sitory)?|tool|library|package|application|service)\b"
    r".{0,40}\b(?:is|are|lets|allows|provides|captures|stores|manages|helps)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\b(?:added|fixed|implemented|removed|updated|created|moved|renamed|replaced|completed?|pass(?:es|ed)?"
    r"|works|working|merged|released|shipped|ready|committed|pushed)\b",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"\b(?:root cause|because|instead of|decided|decision|the (?:issue|problem|bug) (?:is|was)"
    r"|fail(?:s|ed|ing|ure)|breaks|broken|limitation|trade-?off|conflicts?|regression)\b",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\b(?:next step|todo|remaining work|still (?:needs?|missing)|follow-?up|not yet"
    r"|blocked (?:by|on)|waiting (?:for|on)|out of scope for now)\b|^next\b",
    re.IGNORECASE,
)
_THEMES: Final = {
    "error": "failures", "fix": "fixes", "test": "tests", "refactor": "refactoring",
    "architecture": "design", "performance": "performance", "security": "security",
    "deploy": "deployment", "implement": "new features", "learn": "research",
    "clean": "clean-up", "debug": "debugging",
}  # fmt: skip
_NAMES: Final = {
    "python": "Python", "go": "Go", "typescript": "TypeScript", "javascript": "JavaScript",
    "sql": "SQL", "rust": "Rust", "java": "Java", "kotlin": "Kotlin", "c": "C", "cpp": "C++",
    "csharp": "C#", "swift": "Swift", "ruby": "Ruby", "php": "PHP", "elixir": "Elixir",
    "scala": "Scala", "shell": "shell scripts", "html": "HTML", "dart": "Dart",
}  # fmt: skip
_MOST_THEMES: Final = 3
_MOST_FILES: Final = 3


@dataclass(frozen=True, slots=True)
class Episode:
    """A memory as a summary reads it."""

    content: str
    metadata: Metadata
    occurred_at: datetime
    session_id: str | None = None


def summarise(project_name: str, episodes: Sequence[Episode]) -> str:
    """Return one paragraph about a project.

    Raises:
        ValueError: there is no episode.
    """
    if not episodes:
        raise ValueError("nothing to summarise")
    newest = sorted(episodes, key=lambda episode: (episode.occurred_at, episode.content))[::-1]
    picked = _Picker(sentence for episode in newest for sentence in sentences_of(_told(episode)))
    parts = [
        _purpose(project_name, newest, picked),
        _activity(project_name, newest),
        _clause("Most recently: ", [*_commits(newest, 3), *picked.take(_STATUS, 3)][:4], ""),
        _clause("Decisions and challenges: ", picked.take(_CHALLENGE, 2), ""),
        _clause("Next: ", picked.take(_NEXT, 2), "No next step was named."),
    ]
    return " ".join(part for part in parts if part)


class _Picker:
    """Gives each sentence away once, the newest first."""

    def __init__(self, told: Iterable[str]) -> None:
        self._left = list(dict.fromkeys(told))

    def take(self, kind: re.Pattern[str], most: int) -> list[str]:
        chosen = list(islice(filter(kind.search, self._left), most))
        self._left = [sentence for sentence in self._left if sentence not in chosen]
        return chosen


def _told(episode: Episode) -> str:
    """What was answered: a prompt asks and guesses, the answer reports."""
    if episode.metadata.get("messageType") != "user":
        return episode.content
    return episode.content.partition("\n\n")[2]


def _purpose(project_name: str, newest: Sequence[Episode], picked: _Picker) -> str:
    named = re.compile(rf"^{re.escape(project_name)} (?:is|are|lets|provides)\b", re.IGNORECASE)
    said = picked.take(named, 1) or picked.take(_PURPOSE, 1)
    if said:
        return f"{without_end(said[0])}."
    paths = [path for episode in newest for path in _paths(episode)]
    languages = Counter(name for path in paths if (name := language_of(path)) in _NAMES)
    if not languages:
        return f"{project_name} is a project of this workspace."
    return f"{project_name} is a software project, mostly in {_NAMES[_ranked(languages)[0][0]]}."


def _activity(project_name: str, newest: Sequence[Episode]) -> str:
    sessions = len({episode.session_id for episode in newest if episode.session_id})
    said = f"Work on {project_name} from {newest[-1].occurred_at:%Y-%m-%d} "
    said += f"to {newest[0].occurred_at:%Y-%m-%d} left {_plural(len(newest), 'memory', 'memories')}"
    said += f" in {_plural(sessions, 'session', 'sessions')}" if sessions else ""
    themes = _themes(newest)
    said += f", mostly about {_listed(themes)}" if themes else ""
    files = _files(newest)
    return f"{said}, and touched {_listed(files)}." if files else f"{said}."


def _commits(newest: Sequence[Episode], most: int) -> list[str]:
    subjects = (episode.content.partition("\n")[0] for episode in newest if _is_commit(episode))
    return [f"committed “{without_end(subject)}”" for subject in islice(subjects, most)]


def _is_commit(episode: Episode) -> bool:
    return "filesChanged" in episode.metadata


def _themes(episodes: Sequence[Episode]) -> list[str]:
    counts = Counter(
        group for episode in episodes for group in count_keywords(words_of(episode.content))
    )
    common = [group for group, _ in _ranked(counts) if group in _THEMES]
    return [_THEMES[group] for group in common[:_MOST_THEMES]]


def _files(episodes: Sequence[Episode]) -> list[str]:
    counts = Counter(path for episode in episodes for path in _paths(episode))
    return [f"`{path}`" for path, _ in _ranked(counts)[:_MOST_FILES]]


def _paths(episode: Episode) -> Iterator[str]:
    for name in ("editedPaths", "filePaths"):
        paths = episode.metadata.get(name)
        if isinstance(paths, list) and paths:
            yield from {path for path in paths if isinstance(path, str)}
            return


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    by_count: Callable[[tuple[str, int]], tuple[int, str]] = lambda item: (-item[1], item[0])  # noqa: E731
    return sorted(counts.items(), key=by_count)


def _clause(start: str, sentences: list[str], otherwise: str) -> str:
    joined = "; ".join(without_end(sentence) for sentence in sentences)
    return f"{start}{joined}." if joined else otherwise


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
