"""What a memory's words and tool results say about the work behind it. Pure.

The booleans keep the domain's names. A memory that says what its tools did (an imported
transcript) is judged by `activity`; plain text by the domain's keyword rules. Of a commit only the
subject counts, and a conventional-commit prefix (`fix:`, `docs:`) overrules the words after it.
What a memory solves, builds or leaves open is judged in `steps`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final

from shared.domain.activity import (
    Model,
    Structure,
    carried_by,
    estimate_activity,
    reads_as_reshaping,
)
from shared.domain.keywords import count_keywords, forms_of, words_of
from shared.domain.steps import investigates, read_step
from shared.messages import Metadata

RULES: Final = 1
"""The version of all rules here, in `activity`, `keywords` and `steps`. Whoever changes what a
signal says raises it: `supastate rebuild` measures anew what was measured by another one."""
READ_CHARACTERS: Final = 100_000
"""What stands after this changes no signal, so that a pasted log costs no more than a long one."""

_PREFIX = re.compile(r"\s*([a-z]+)(?:\([^)\n]*\))?!?:")
_PREFIXES: Final = {
    "fix": "debugging", "hotfix": "debugging", "bugfix": "debugging", "debug": "debugging",
    "refactor": "refactoring", "perf": "refactoring",
    "feat": "", "docs": "", "chore": "", "test": "", "tests": "", "ci": "", "build": "",
    "style": "",
}  # fmt: skip
_TECHNICAL: Final = frozenset(
    ("function", "class", "method", "variable", "array", "object", "string", "integer", "boolean",
     "async", "await", "promise", "thread", "process", "api", "endpoint", "request", "response",
     "database", "query", "index", "schema", "migration", "server", "client", "cache", "queue",
     "algorithm", "recursion", "interface", "type", "import", "module", "package", "compiler",
     "runtime", "memory", "pointer", "json", "http", "sql", "regex", "commit", "branch", "merge")
)  # fmt: skip
_URGENT: Final = forms_of(("error", "bug", "crash", "fail", "fix", "issue"))


@dataclass(frozen=True, slots=True)
class PatternSignals:
    """The domain's booleans and scores; scores are 0.0 to 1.0."""

    is_debugging: bool
    is_learning: bool
    is_refactoring: bool
    is_architecture: bool
    is_problem_solving: bool
    is_problem: bool
    is_solution: bool
    is_implementation: bool
    is_explanation: bool
    is_reshaping: bool
    knows_tools: bool
    complexity_score: float
    urgency_score: float
    debugging_score: float
    learning_score: float
    refactoring_score: float
    tool_errors: int
    failing_outputs: int
    edits: int


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything measured on one entity."""

    keyword_frequencies: dict[str, int]
    pattern_signals: dict[str, bool | float | int]

    def as_properties(self) -> dict[str, bool | float | int | str]:
        """Return the signals as node properties, one each, so that an index can find them."""
        return dict(self.pattern_signals)


def measure_signals(
    content: str, metadata: Metadata | None = None, model: Model | None = None
) -> Signals:
    """Return the signals of a memory; the same input gives the same signals.

    `model` is the package's, if no other one is given.
    """
    text = content[:READ_CHARACTERS]
    words = words_of(text)
    keywords = count_keywords(words)
    structure = Structure.of(metadata or {})
    activity = estimate_activity(text, structure, model)
    is_commit = (metadata or {}).get("source") == "git"
    told = text.partition("\n")[0] if is_commit else text
    carried = carried_by(activity, structure, model) if structure.known else _by_keywords(told)
    step = read_step(told, structure, carried, prefix_of(told) if is_commit else None)
    return Signals(
        keyword_frequencies=keywords,
        pattern_signals=asdict(
            PatternSignals(
                is_debugging="debugging" in carried,
                is_learning="learning" in carried,
                is_refactoring="refactoring" in carried,
                is_architecture=bool(keywords.keys() & {"architecture", "pattern"}),
                is_problem_solving=investigates(text, words, structure),
                is_problem=step.is_problem,
                is_solution=step.is_solution,
                is_implementation=step.is_implementation,
                is_explanation=step.is_explanation,
                is_reshaping=structure.edits > 0 and reads_as_reshaping(text, model),
                knows_tools=structure.known,
                complexity_score=_complexity(text, words),
                urgency_score=_urgency(words),
                debugging_score=round(activity.debugging, 4),
                learning_score=round(activity.learning, 4),
                refactoring_score=round(activity.refactoring, 4),
                tool_errors=structure.tool_errors,
                failing_outputs=structure.failing_outputs,
                edits=structure.edits,
            )
        ),
    )


def prefix_of(text: str) -> str:
    """Return the conventional-commit prefix that a text begins with, empty without one."""
    prefix = _PREFIX.match(text.lower())
    return prefix[1] if prefix and prefix[1] in _PREFIXES else ""


def _by_keywords(text: str) -> set[str]:
    if prefix := prefix_of(text):
        return {_PREFIXES[prefix]}
    rules = {
        "debugging": {"error", "fix"},
        "learning": {"learn"},
        "refactoring": {"refactor", "improve"},
    }
    keywords = count_keywords(words_of(text))
    return {name for name, groups in rules.items() if keywords.keys() & groups}


def _complexity(text: str, words: list[str]) -> float:
    terms = sum(word in _TECHNICAL for word in words)
    fences = text.count("```")
    return round(min(0.3 * min(len(text) / 1000, 1) + 0.03 * fences + 0.02 * terms, 1.0), 4)


def _urgency(words: list[str]) -> float:
    counts = Counter(words)
    return round(min(sum(counts[word] for word in _URGENT) / 10, 1.0), 4)
