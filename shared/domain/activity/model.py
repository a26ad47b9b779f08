"""The trained activity model: its weight file, and what it says of a memory. Pure.

`supastate train-signals` writes the file; docs/model-card-activity.md says how good it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict

from shared.domain.activity.features import Features, structure_features, text_features
from shared.domain.activity.ngrams import NgramTable, hash_words
from shared.domain.activity.structure import Structure
from shared.domain.activity.turn import split_turn, words_in

WEIGHTS: Final = "weights.json"
LIKELIER_THAN_NOT: Final = 0.5
"""Published threshold above which debugging is rarely said wrongly; the card has the figures."""
ActivityName = Literal["debugging", "learning", "refactoring"]
ACTIVITIES: Final[tuple[ActivityName, ...]] = get_args(ActivityName)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class PackedTable(_Frozen):
    """An n-gram table as it is stored."""

    weights: str
    scale: float
    bias: float


class Classifier(_Frozen):
    """One activity: log-odds are `intercept` + Σ weight · feature, then Platt's line."""

    weights: dict[str, float]
    intercept: float
    slope: float
    offset: float
    threshold: float
    """Probability from which a memory carries the signal: best F1 on the training sessions."""

    def probability(self, features: Features) -> float:
        """Return how likely the activity is, calibrated."""
        logit = self.intercept + sum(w * features[name] for name, w in self.weights.items())
        return logistic(self.slope * logit + self.offset)


class Weights(_Frozen):
    """The weight file: with the tools' doings known, and for text alone."""

    ngrams: dict[str, PackedTable]
    structured: dict[ActivityName, Classifier]
    text: dict[ActivityName, Classifier]


@dataclass(frozen=True, slots=True)
class Model:
    """Weights that are ready for use."""

    weights: Weights
    tables: Mapping[str, NgramTable]

    @classmethod
    def of(cls, weights: Weights) -> Model:
        """Return the model that the weights make."""
        return cls(weights, {n: NgramTable.unpack(**dict(t)) for n, t in weights.ngrams.items()})

    def classifiers_for(self, structure: Structure) -> Mapping[ActivityName, Classifier]:
        """Return the classifiers that know what this memory knows."""
        return self.weights.structured if structure.known else self.weights.text


@dataclass(frozen=True, slots=True)
class Activity:
    """Calibrated probabilities."""

    debugging: float
    learning: float
    refactoring: float


def estimate_activity(text: str, structure: Structure, model: Model | None = None) -> Activity:
    """Return how likely each activity is, 0.0 to 1.0, by the package's model or another one."""
    chosen = model or packaged()
    features = features_of(text, structure, chosen.tables)
    classifiers = chosen.classifiers_for(structure)
    found = {name: one.probability(features) for name, one in classifiers.items()}
    return Activity(**found)


def carried_by(
    activity: Activity, structure: Structure, model: Model | None = None
) -> set[ActivityName]:
    """Return the activities that are likely enough to be a signal."""
    classifiers = (model or packaged()).classifiers_for(structure)
    return {name for name in ACTIVITIES if getattr(activity, name) >= classifiers[name].threshold}


def reads_as_reshaping(text: str, model: Model | None = None) -> bool:
    """Whether its beginning reads more like a refactoring commit than like a fix."""
    tables = (model or packaged()).tables
    vector = hash_words(words_in(split_turn(text).lead))
    return tables["refactoring"].score(vector) > tables["debugging"].score(vector)


def features_of(text: str, structure: Structure, tables: Mapping[str, NgramTable]) -> Features:
    """Return all features; those of the tools only where they are known."""
    spoken = text_features(text, tables, spoken_by_person=structure.spoken_by_person)
    return spoken | structure_features(spoken, structure) if structure.known else spoken


def classifiers_for(structure: Structure) -> Mapping[ActivityName, Classifier]:
    """Return the classifiers that know what this memory knows."""
    return packaged().classifiers_for(structure)


@cache
def weights() -> Weights:
    """Return the weights of the package; read once, at the first memory."""
    return Weights.model_validate_json(
        files(__name__.rpartition(".")[0]).joinpath(WEIGHTS).read_bytes()
    )


@cache
def packaged() -> Model:
    """Return the model of the package."""
    return Model.of(weights())


def tables() -> Mapping[str, NgramTable]:
    """Return the n-gram tables of the package."""
    return packaged().tables


def logistic(logit: float) -> float:
    """Return the probability of log-odds; no logit is too large."""
    return 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, logit))))
