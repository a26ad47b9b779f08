"""What the memories and files of the measured graphs say: topics, activities, templates. Pure."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.domain.code_parsing import measure_code_signals, parse_code
from shared.domain.signals import Signals, measure_signals
from shared.graph.migrate import DEFAULT_DIMENSIONS
from shared.messages import Metadata

TOPICS: Final = (
    "login", "invoice", "checkout", "search", "upload", "report", "calendar", "billing", "mailer",
    "tokens", "catalog", "shipping", "metrics", "tracing", "backup", "import", "export", "parser",
    "scheduler", "webhook", "gallery", "profile", "comments", "tagging", "currency", "discount",
    "payment", "refund", "inventory", "supplier", "ledger", "audit", "session", "quota", "routing",
    "layout", "theming", "locale", "printing", "archive",
)  # fmt: skip
KINDS: Final[dict[str, tuple[str, Metadata]]] = {
    "debugging": (
        "The {topic} page fails again with an exception after the last deploy. I traced the error "
        "through the console and fixed the crash by checking the empty case first.",
        {"tools": {"Bash": 4, "Edit": 2, "Read": 3}, "toolErrors": 2, "failingOutputs": 1},
    ),
    "learning": (
        "I want to understand how {topic} works here. Can you explain which part decides the order "
        "and where I can learn more about the protocol behind it?",
        {"tools": {"WebSearch": 1, "Read": 5, "Grep": 3}},
    ),
    "refactoring": (
        "Refactored {topic}: moved the shared helpers into one module, removed the duplicate "
        "branch and improved the names, without a change of behaviour.",
        {"tools": {"Edit": 6, "Read": 2}},
    ),
    "solving": (
        "Why does {topic} answer so slowly? Let us investigate the query plan and solve the "
        "latency problem before the release.",
        {},
    ),
    "plain": (
        "Added the {topic} view for the new customers, with a table, a filter by month and the "
        "button that the design asks for.",
        {"tools": {"Write": 1, "Edit": 1}},
    ),
}
KIND_ORDER: Final = (
    "debugging", "plain", "learning", "plain", "debugging", "refactoring", "plain", "solving",
    "debugging", "plain",
)  # fmt: skip
"""How often each activity is met: of ten memories three are debugging."""
_COMMON: Final = 0.6
_SPREAD: Final = 0.6


def text_of(topic: str, kind: str, mention: str | None) -> str:
    """Return a memory's content; a mention is the name of a function."""
    said = KINDS[kind][0].format(topic=topic)
    return f"{said} See `{mention}` in the same project." if mention else said


@cache
def signals_of(topic: str, kind: str, *, has_mention: bool) -> Signals:
    """Return the signals of such a text, whatever name it mentions."""
    text = text_of(topic, kind, f"{topic}_0" if has_mention else None)
    return measure_signals(text, KINDS[kind][1])


def code_of(topic: str, name: str) -> str:
    """Return a source file that defines one function and one class."""
    return (
        f"import json\n\n\ndef {name}(rows, limit=10):\n    return json.dumps(rows[:limit])\n\n\n"
        f"class {topic.title()}View:\n    def render(self):\n        return {name}([])\n"
    )


@cache
def code_signals_of(topic: str) -> Signals:
    """Return the signals of such a file."""
    parsed = parse_code(code_of(topic, "run"), "python", "src/run.py")
    own = measure_code_signals("src/run.py", parsed)
    return Signals({}, {name: getattr(own, name) for name in own.__slots__})


@cache
def directions() -> NDArray[np.float32]:
    """Return a unit vector for each topic; two topics have a cosine of about 0.36."""
    noise = np.random.default_rng(5)
    common = _unit(noise.standard_normal((1, DEFAULT_DIMENSIONS)))
    own = _unit(noise.standard_normal((len(TOPICS), DEFAULT_DIMENSIONS)))
    return _unit(_COMMON * common + (1 - _COMMON**2) ** 0.5 * own)


def embeddings_of(numbers: list[int], topics: list[int]) -> NDArray[np.float32]:
    """Return unit vectors: two of one topic have a cosine of about 0.74."""
    noise = _unit(np.random.default_rng(numbers).standard_normal((len(topics), DEFAULT_DIMENSIONS)))
    return _unit(directions()[topics] + _SPREAD * noise)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)
