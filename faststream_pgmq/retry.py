"""When a failed message is tried again, and when it is given up. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How a subscriber treats messages whose handler raised."""

    max_attempts: int = 5
    """Failures of the handler before a message becomes a dead letter; 1 means no retry."""
    initial_delay: float = 1.0
    """Seconds before the second attempt."""
    max_delay: float = 300.0
    """Ceiling of the delay, in seconds."""
    multiplier: float = 2.0
    """Growth of the delay from one attempt to the next."""
    jitter: float = 0.2
    """Share of the delay that is random, 0.0 to 1.0, so that mates do not come back together."""
    max_lost_deliveries: int = 16
    """Deliveries that ended with neither success nor failure (the worker died, the lease ran out)
    before a message becomes a dead letter: one that kills its worker must not do so for ever."""
    dead_letter_on: tuple[type[Exception], ...] = ()
    """Errors that no retry can help."""
    pause_on: tuple[type[Exception], ...] = ()
    """Errors that mean that something every message needs is down."""
    overrides: Mapping[type[BaseException], RetryPolicy] = field(
        default_factory=dict[type[BaseException], "RetryPolicy"], hash=False
    )
    """Attempts and delays for some errors: the nearest class counts, as in `except`. Failures of
    all kinds count as attempts; `max_attempts` is that of the error that came last."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, got {self.max_attempts}")
        if self.initial_delay < 0 or self.max_delay < 0:
            raise ValueError("initial_delay and max_delay must not be negative")
        if not 0.0 <= self.jitter <= 1.0:
            raise ValueError(f"jitter must be 0.0 to 1.0, got {self.jitter}")
        for error, policy in self.overrides.items():
            if policy.dead_letter_on or policy.pause_on or policy.overrides:
                raise ValueError(
                    f"the override for {error.__name__} must only say attempts and delays: give "
                    "dead_letter_on, pause_on and overrides to the policy itself"
                )

    def for_error(self, error: BaseException) -> RetryPolicy:
        """Return the policy that says how often and how soon after this error."""
        for parent in type(error).__mro__:
            if parent in self.overrides:
                return self.overrides[parent]
        return self

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after that many failures, jitter included."""
        growth = self.multiplier ** min(failures - 1, 64)
        delay = min(self.initial_delay * growth, self.max_delay)
        return delay * (1.0 - self.jitter * random.random())  # noqa: S311 - not a secret
