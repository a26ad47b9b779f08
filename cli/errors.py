"""What a command says instead of a traceback. Pure."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what was asked; `next_step` says what may help."""

    def __init__(self, problem: str, *, next_step: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.next_step = next_step


class UsageError(CommandError):
    """The arguments ask for something that cannot be."""


START_STACK = "Start a local stack with `supastate local up --detach`"
