"""How precise the links are and how many of the true ones they are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from benchmarks.links.graph import Found
from benchmarks.links.truth import Pair, Truth

MIN_PRECISION: Final = 0.95
MIN_RECALL: Final = 0.80
METHODS: Final = ("tool_path", "name_match", "similarity")
_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """Return the share; zero of nothing."""
        return self.right / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95 % interval."""
        if not self.of:
            return (0.0, 1.0)
        spread = _Z * sqrt(self.value * (1 - self.value) / self.of + (_Z / self.of / 2) ** 2)
        middle, scale = self.value + _Z**2 / self.of / 2, 1 + _Z**2 / self.of
        return ((middle - spread) / scale, min((middle + spread) / scale, 1.0))

    def __str__(self) -> str:
        """Return it as a table shows it."""
        low, high = self.interval
        return f"{self.value:.3f} ({self.right}/{self.of}; {low:.2f}-{high:.2f})"


@dataclass(frozen=True, slots=True)
class Precision:
    """One set of pairs against each truth, from the strictest on."""

    name: str
    by_commits: Share
    by_memory: Share
    by_session: Share


@dataclass(frozen=True, slots=True)
class Recall:
    """One set of pairs against what they should hold."""

    name: str
    of_commits: Share
    """Pairs of a session and a file of its commits that some memory of it is tied to."""
    of_tool_calls: Share
    """Pairs of a memory and a file that its own tool calls named."""
    of_session_calls: Share
    """Pairs of a session and a file that its tool calls read that some memory of it is tied to."""


def pairs_of(found: Iterable[Found], methods: Sequence[str]) -> set[Pair]:
    """Return the pairs that any of the methods found."""
    return {link.pair for link in found if link.method in methods}


def measure_precision(name: str, pairs: set[Pair], truth: Truth) -> Precision:
    """Return how many of the pairs are right, by each truth."""
    commits = [by for pair in pairs if (by := truth.by_commits(pair)) is not None]

    def share(is_right: Callable[[Pair], bool]) -> Share:
        return Share(sum(map(is_right, pairs)), len(pairs))

    return Precision(
        name,
        Share(sum(commits), len(commits)),
        share(truth.by_memory),
        share(truth.by_session),
    )


def measure_recall(name: str, pairs: set[Pair], truth: Truth, files: set[str]) -> Recall:
    """Return how much of what is true, of files that the graph holds, the pairs find."""
    of_sessions = {(truth.session_of[memory], path) for memory, path in pairs}

    def share(truths: Mapping[str, frozenset[str]], found: set[Pair], of: Iterable[str]) -> Share:
        wanted = {(one, path) for one in set(of) for path in truths.get(one, ()) if path in files}
        return Share(len(wanted & found), len(wanted))

    sessions = truth.session_of.values()
    return Recall(
        name,
        share(truth.committed, of_sessions, sessions),
        share(truth.named, pairs, truth.session_of),
        share(truth.touched, of_sessions, sessions),
    )


def find_failures(all_pairs: Precision, without_paths: Precision, recall: Recall) -> list[str]:
    """Return in words which bound does not hold."""
    wanted = [
        ("precision of all links", all_pairs.by_session, MIN_PRECISION),
        ("precision without tool_path", without_paths.by_session, MIN_PRECISION),
        ("recall of the files of commits", recall.of_commits, MIN_RECALL),
        ("recall of the paths of tool calls", recall.of_tool_calls, MIN_RECALL),
        ("recall of what the sessions read", recall.of_session_calls, MIN_RECALL),
    ]
    return [
        f"{name} is {share}, wanted at least {bound}"
        for name, share, bound in wanted
        if share.value < bound
    ]
