"""Which step of work a memory is: a problem, its solution, an implementation, an answer. Pure.

A memory whose tools are known is judged by what they did: only an edit solves or builds, and what
failed without an edit is a problem that is left. Plain text is judged by what it says is done, a
commit by its prefix or, without one, by the verb that it begins with.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from shared.domain.activity import Structure
from shared.domain.activity.turn import split_turn
from shared.domain.keywords import forms_of, words_of

_ENDING_CHARACTERS: Final = 600
_EXPLAINING_CHARACTERS: Final = 300
"""A shorter answer explains nothing."""
_ASKS_FOR_A_DEED: Final = re.compile(
    r"\b(?:can|could|would|should|shall) (?:we|you|i)\b"
    r"(?! (?:please )?(?:explain|tell|describe|show|walk|clarify|validate|verify|confirm|remind"
    r"|check if|help me understand))",
    re.IGNORECASE,
)
_INVESTIGATING: Final = forms_of(("investigate",))
_SOLVING: Final = forms_of(("solve",)) | _INVESTIGATING | {"why"}
_TELLS_TROUBLE: Final = forms_of(
    ("error", "exception", "fail", "crash", "bug", "issue", "problem", "trouble", "break", "hang")
) | {"wrong", "broken", "stuck", "unexpected"}
_FIXING: Final = forms_of(("fix", "patch", "resolve", "solve", "repair"))
_SOLVED: Final = _FIXING - {"fix", "patch", "resolve", "solve", "repair"} - {
    f"{stem}ing" for stem in ("fix", "patch", "resolv", "solv", "repair")
}  # fmt: skip
_BUILT: Final = frozenset(
    ("implemented", "implements", "built", "builds", "created", "creates", "developed", "develops",
     "added", "adds", "introduced", "introduces", "shipped")
)  # fmt: skip
_BUILDING_VERBS: Final = frozenset({"add", "implement", "create", "build", "develop", "introduce"})
_UNDOES: Final = re.compile(r"\b(?:not|never|cannot|can't|isn't|wasn't|un)(?: \w+)? ?\Z")
_SOLVING_PREFIXES: Final = frozenset({"fix", "hotfix", "bugfix"})
_BUILDING_PREFIXES: Final = frozenset({"feat", "refactor", "perf"})


@dataclass(frozen=True, slots=True)
class Step:
    """What a memory contributes to a piece of work; it may be several at once."""

    is_problem: bool = False
    is_solution: bool = False
    is_implementation: bool = False
    is_explanation: bool = False
    """Nothing was asked for but an answer, and one was given."""


def read_step(
    text: str, structure: Structure, carried: Collection[str], commit_prefix: str | None
) -> Step:
    """Return the step that a memory is.

    Args:
        text: the memory; of a commit the subject.
        structure: what its tools did.
        carried: the activities whose signals it carries.
        commit_prefix: None for what is no commit, empty for a commit without a prefix.
    """
    if commit_prefix is not None:
        return _step_of_commit(text, commit_prefix)
    return _step_of_turn(text, structure, carried) if structure.known else _step_of_text(text)


def investigates(text: str, words: Collection[str], structure: Structure) -> bool:
    """Whether somebody looks into something, by the domain's words: solve, investigate, why.

    An assistant's answer says `why` and `solution` about anything, so of what it says only the word
    `investigate` counts.
    """
    if not structure.known:
        return not _SOLVING.isdisjoint(words)
    turn = split_turn(text)
    asked, answered = words_of(turn.lead), words_of(turn.answer)
    return not (_SOLVING.isdisjoint(asked) and _INVESTIGATING.isdisjoint(answered))


def _step_of_turn(text: str, structure: Structure, carried: Collection[str]) -> Step:
    turn = split_turn(text)
    ending = text[len(turn.lead) :][-_ENDING_CHARACTERS:]
    says_fixed = not _FIXING.isdisjoint(words_of(turn.lead)) or _tells_solved(ending)
    edits_code = structure.edits > 0 and not structure.touches_prose_only
    saw_trouble = "debugging" in carried or structure.failing_outputs > 0
    return Step(
        is_problem=saw_trouble and structure.edits == 0,
        is_solution=edits_code and ("debugging" in carried or says_fixed),
        is_implementation=edits_code,
        is_explanation=structure.edits == 0
        and len(turn.answer) >= _EXPLAINING_CHARACTERS
        and not _ASKS_FOR_A_DEED.search(turn.lead),
    )


def _step_of_text(text: str) -> Step:
    words = words_of(text)
    solved = _tells_solved(text)
    return Step(
        is_problem=not solved and not _TELLS_TROUBLE.isdisjoint(words),
        is_solution=solved,
        is_implementation=not _BUILT.isdisjoint(words),
    )


def _step_of_commit(subject: str, prefix: str) -> Step:
    verb = next(iter(words_of(subject)), "")
    return Step(
        is_solution=prefix in _SOLVING_PREFIXES or (not prefix and verb in _FIXING),
        is_implementation=prefix in _BUILDING_PREFIXES
        or (not prefix and (verb in _BUILDING_VERBS or verb in _BUILT)),
    )


def _tells_solved(text: str) -> bool:
    """Whether it says that something is solved; `not fixed` says the opposite."""
    lowered = text.lower()
    found = (match for match in re.finditer(r"\w+", lowered) if match[0] in _SOLVED)
    return any(
        not _UNDOES.search(lowered[max(match.start() - 24, 0) : match.start()]) for match in found
    )
