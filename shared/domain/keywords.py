"""Keyword groups counted in a text, with inflections, as whole words in any case. Pure.

Source: the domain's keyword groups. The old matcher missed inflected words ("fixed", "errors",
"learned"), so each keyword also matches the regular forms of its word and the irregular ones below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "error": ("error", "exception", "fail", "crash", "bug"),
    "debug": ("debug", "trace", "log", "console"),
    "fix": ("fix", "patch", "resolve", "solve"),
    "issue": ("issue", "problem", "trouble", "wrong"),
    "learn": ("learn", "study", "understand", "research"),
    "implement": ("implement", "build", "create", "develop"),
    "architecture": ("architecture", "structure", "design"),
    "pattern": ("pattern", "paradigm", "approach"),
    "system": ("system", "infrastructure", "framework"),
    "component": ("component", "module", "service"),
    "refactor": ("refactor", "restructure", "reorganize"),
    "improve": ("improve", "enhance", "optimize"),
    "clean": ("clean", "tidy", "organize"),
    "test": ("test", "testing", "spec", "unit"),
    "deploy": ("deploy", "deployment", "production"),
    "performance": ("performance", "speed", "latency", "optimize"),
    "security": ("security", "auth", "authentication", "permission"),
}

IRREGULAR: Final[Mapping[str, tuple[str, ...]]] = {
    "fail": ("failure", "failures"),
    "bug": ("bugfix", "bugfixes", "hotfix", "hotfixes", "buggy"),
    "resolve": ("resolution", "resolutions"),
    "solve": ("solution", "solutions"),
    "learn": ("learnt",),
    "understand": ("understood",),
    "implement": ("implementation", "implementations"),
    "build": ("built",),
    "create": ("creation",),
    "develop": ("development",),
    "architecture": ("architectural",),
    "structure": ("structural",),
    "restructure": ("restructuring",),
    "reorganize": ("reorganization", "reorganisation"),
    "improve": ("improvement", "improvements"),
    "enhance": ("enhancement", "enhancements"),
    "optimize": ("optimization", "optimizations", "optimisation", "optimisations"),
    "organize": ("organization", "organisation"),
    "clean": ("cleanup", "cleanups", "cleaner"),
    "tidy": ("tidier",),
    "auth": ("authenticate", "authenticated", "authorization", "authorisation"),
    "investigate": ("investigation", "investigations"),
    "refactor": ("refactorings",),
}

_WORD = re.compile(r"\w+")
_VOWELS = frozenset("aeiou")
_DOUBLED = frozenset({"bug", "debug", "log"})  # "fixing", "crashed": English doubles only these


def inflections(word: str) -> frozenset[str]:
    """Return the word and its regular and irregular forms, in American and British spelling."""
    forms = {word, *IRREGULAR.get(word, ()), *_regular(word)}
    if word.endswith("ize"):
        british = f"{word[:-3]}ise"
        forms |= {british, *_regular(british)}
    return frozenset(forms)


def forms_of(keywords: Iterable[str]) -> frozenset[str]:
    """Return the forms of all keywords."""
    return frozenset(form for keyword in keywords for form in inflections(keyword))


def count_keywords(words: Iterable[str]) -> dict[str, int]:
    """Return how often each group occurs among lower-case words; none for a group without."""
    counts: Counter[str] = Counter()
    for word in words:
        counts.update(_GROUPS_OF.get(word, ()))
    return {group: counts[group] for group in GROUPS if counts[group]}


def words_of(text: str) -> list[str]:
    """Return a text's words in lower case; `snake_case` is one word."""
    return _WORD.findall(text.lower())


def _regular(word: str) -> set[str]:
    if word.endswith("e"):
        return {f"{word}s", f"{word}d", f"{word[:-1]}ing"}
    if word.endswith("y") and word[-2] not in _VOWELS:
        return {f"{word[:-1]}ies", f"{word[:-1]}ied", f"{word}ing"}
    plural = "es" if word.endswith(("s", "x", "ch", "sh")) else "s"
    stem = word + word[-1] if word in _DOUBLED else word
    return {f"{word}{plural}", f"{stem}ed", f"{stem}ing"}


def _groups_by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for group, keywords in GROUPS.items():
        for form in forms_of(keywords):
            found.setdefault(form, []).append(group)
    return {form: tuple(groups) for form, groups in found.items()}


_GROUPS_OF: Final = _groups_by_word()
