"""What was measured and what it is held against. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one subject, once for each round."""

    scenario: str
    subject: str
    unit: str
    rounds: list[float]

    @property
    def median(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of two figures, or one figure, and its bound."""

    scenario: str
    text: str
    value: float
    bound: float
    at_least: bool
    """Whether the value must reach the bound, or else must not exceed it."""
    is_exclusive: bool = False
    """Whether the bound itself is too little, or too much."""

    @property
    def is_met(self) -> bool:
        if self.value == self.bound:
            return not self.is_exclusive
        return (self.value > self.bound) == self.at_least

    @property
    def wanted(self) -> str:
        signs = "<>" if self.is_exclusive else "≤≥"
        return f"{signs[self.at_least]} {self.bound:g}"


@dataclass(slots=True)
class Results:
    """Everything of one run."""

    measures: list[Measure] = field(default_factory=list[Measure])
    goals: list[Goal] = field(default_factory=list[Goal])

    def add(self, scenario: str, unit: str, rounds: dict[str, list[float]]) -> None:
        """Note figures by subject."""
        self.measures += [Measure(scenario, name, unit, some) for name, some in rounds.items()]

    def at_least(self, scenario: str, text: str, value: float, bound: float) -> None:
        self.goals.append(Goal(scenario, text, value, bound, at_least=True))

    def at_most(self, scenario: str, text: str, value: float, bound: float) -> None:
        self.goals.append(Goal(scenario, text, value, bound, at_least=False))

    def above(self, scenario: str, text: str, value: float, bound: float) -> None:
        self.goals.append(Goal(scenario, text, value, bound, at_least=True, is_exclusive=True))

    def below(self, scenario: str, text: str, value: float, bound: float) -> None:
        self.goals.append(Goal(scenario, text, value, bound, at_least=False, is_exclusive=True))

    @property
    def is_good(self) -> bool:
        return all(goal.is_met for goal in self.goals)

    def as_json(self) -> dict[str, Any]:
        measures = [asdict(one) | {"median": one.median} for one in self.measures]
        goals = [asdict(one) | {"is_met": one.is_met} for one in self.goals]
        return {"measures": measures, "goals": goals}


def ratio_of_rounds(over: list[float], under: list[float]) -> float:
    """Return the median of the ratios, round by round: what slowed one slowed its neighbour too."""
    return median(a / b for a, b in zip(over, under, strict=True))
