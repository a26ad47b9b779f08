"""Turns a memory into the numbers that the activity model weighs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import log1p
from typing import Final

from shared.domain.activity.cues import (
    AGREES,
    ASKS_POLITELY,
    OPENS_AS_QUESTION,
    ORDERS,
    PRAISES_QUESTION,
    RELOCATES,
    RESHAPINGS,
    SHOWS_OUTPUT,
    count_families,
)
from shared.domain.activity.ngrams import NgramTable, hash_words
from shared.domain.activity.structure import Structure
from shared.domain.activity.turn import Turn, split_turn, words_in

OPENING_CHARACTERS: Final = 600
"""The answer's first sentences name what was found; what follows them is detail."""
SHORT_CHARACTERS: Final = 40

Features = dict[str, float]


def text_features(
    text: str, tables: Mapping[str, NgramTable], *, spoken_by_person: bool
) -> Features:
    """Return what the words say; a question counts only when a person asks it."""
    turn = split_turn(text)
    lead, opening = words_in(turn.lead), words_in(turn.answer[:OPENING_CHARACTERS])
    return (
        _phrases(turn, asks=spoken_by_person)
        | _wanted(count_families(lead))
        | _answered(count_families(words_in(turn.answer)), len(turn.answer))
        | _learned("lead", lead, tables)
        | _learned("answer", opening, tables)
    )


def structure_features(text: Features, structure: Structure) -> Features:
    """Return what the tools did, alone and together with what was asked."""
    edited = float(structure.edits > 0)
    looked = structure.reads + structure.searches
    return {
        "edited": edited,
        "edits": log1p(structure.edits),
        "edits_a_file": log1p(structure.edits / max(structure.files, 1)),
        "reads": log1p(structure.reads),
        "searches": log1p(structure.searches),
        "runs": log1p(structure.runs),
        "files": log1p(structure.files),
        "tool_errors": log1p(structure.tool_errors),
        "failing_outputs": log1p(structure.failing_outputs),
        "no_tool": float(not structure.any_tool),
        "only_looked": float(not edited and looked > 0),
        "only_ran": float(not edited and not looked and structure.runs > 0),
        "plans_tasks": float(structure.plans_tasks),
        "leaves_the_machine": float(structure.leaves_the_machine),
        "searches_the_web": float(structure.searches_the_web),
        "touches_tests": float(structure.touches_tests),
        "touches_prose_only": float(structure.touches_prose_only),
        "asked_without_edit": text["question_mark"] * (1.0 - edited),
        "polite_without_edit": text["asks_politely"] * (1.0 - edited),
        "reshape_with_edit": text["lead_reshape"] * edited,
        "reshapings_with_edit": text["lead_reshapings"] * edited,
    }


def _phrases(turn: Turn, *, asks: bool) -> Features:
    lead = turn.lead
    return {
        "question_mark": float(asks and "?" in lead),
        "ends_as_question": float(asks and lead.rstrip().endswith("?")),
        "opens_as_question": float(asks and OPENS_AS_QUESTION.match(lead) is not None),
        "asks_politely": float(ASKS_POLITELY.search(lead) is not None),
        "orders": float(ORDERS.search(lead) is not None),
        "agrees": float(AGREES.match(lead) is not None),
        "praises_question": float(PRAISES_QUESTION.search(turn.answer, 0, 300) is not None),
        "shows_output": float(SHOWS_OUTPUT.search(lead + turn.answer[:1000]) is not None),
        "relocates": float(min(len(RELOCATES.findall(f"{lead}\n{turn.answer}")), 3)),
        "shows_code": float("```" in lead or "```" in turn.answer),
        "lead_length": log1p(len(lead)),
        "lead_is_short": float(len(lead) < SHORT_CHARACTERS),
        "rest_length": log1p(turn.rest_characters),
    }


def _wanted(found: Counter[str]) -> Features:
    return {
        "lead_fault": min(found["fault"], 3),
        "lead_negation": min(found["negation"], 3),
        "lead_upkeep": min(found["upkeep"], 3),
        "lead_reshape": min(found["reshape"], 3),
        "lead_reshapings": sum(found[family] > 0 for family in RESHAPINGS),
        "lead_check": float(found["check"] > 0),
        "lead_test": float(found["test"] > 0),
    }


def _answered(found: Counter[str], characters: int) -> Features:
    thousands = max(characters / 1000, 0.3)  # one hit in a line of text is no dense page
    return {
        "answer_fault": min(found["fault"] / thousands, 8.0),
        "answer_cause": min(found["cause"] / thousands, 6.0),
        "answer_reshape": min(found["reshape"] / thousands, 6.0),
        "answer_done": min(found["done"] / thousands, 4.0),
        "answer_reshapings": sum(min(found[family], 4) for family in RESHAPINGS),
    }


def _learned(part: str, words: list[str], tables: Mapping[str, NgramTable]) -> Features:
    vector = hash_words(words)
    return {f"{part}_like_{label}": table.score(vector) for label, table in tables.items()}
