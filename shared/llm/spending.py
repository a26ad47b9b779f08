"""Counts what a model costs, so that it never costs more than it may. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from shared.settings import JudgeSettings


@dataclass(slots=True)
class Spending:
    """What has been spent, in dollars; what failed is counted at its most."""

    cap_dollars: float
    dollars_per_input_token: float
    dollars_per_output_token: float
    spent_dollars: float = 0.0
    reserved_dollars: float = 0.0

    @classmethod
    def of(cls, settings: JudgeSettings) -> Self:
        """Return an untouched budget."""
        return cls(
            settings.cost_cap_dollars,
            settings.dollars_per_million_input_tokens / 1e6,
            settings.dollars_per_million_output_tokens / 1e6,
        )

    def reserve(self, most_input_tokens: int, most_output_tokens: int) -> bool:
        """Count a call at its most before it is made; False, and nothing, where it may not be."""
        most = self._cost(most_input_tokens, most_output_tokens)
        if self.spent_dollars + most > self.cap_dollars:
            return False
        self.reserved_dollars = most
        self.spent_dollars += most
        return True

    def settle(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Replace the newest call's most by what it did use; unknown stays at its most."""
        if input_tokens is None or output_tokens is None:
            return
        self.spent_dollars += self._cost(input_tokens, output_tokens) - self.reserved_dollars

    def _cost(self, input_tokens: int, output_tokens: int) -> float:
        inputs = input_tokens * self.dollars_per_input_token
        return inputs + output_tokens * self.dollars_per_output_token
