"""The command group that turns every error into a line or two with the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

FAILED: Final = 1
MISUSED: Final = 2
CLOSED_BY_READER: Final = 141
"""What a shell shows for SIGPIPE: `supastate search … | head` is no failure worth a message."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person reads, and how the command ends."""

    problem: str
    next_step: str = ""
    exit_code: int = FAILED


class ReadableErrors(TyperGroup):
    """Runs a command; with `--debug` an error keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        from cli.terminal import accept_any_character  # late: `--help` needs none of it

        accept_any_character()
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except BrokenPipeError as error:
            raise typer.Exit(CLOSED_BY_READER) from error
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            explanation = explain(error)
            _show(explanation)
            raise typer.Exit(explanation.exit_code) from error


def explain(error: Exception) -> Explanation:
    """Return what to say about an error; the first kind that fits."""
    for fits in (_own_error, _stack_error, _shared_error, _file_error):
        if explanation := fits(error):
            return explanation
    return Explanation(
        f"{type(error).__name__}: {error}",
        "This should not happen. `supastate --debug …` shows where it did.",
    )


def _own_error(error: Exception) -> Explanation | None:
    from cli.errors import CommandError, UsageError

    if not isinstance(error, CommandError):
        return None
    code = MISUSED if isinstance(error, UsageError) else FAILED
    return Explanation(error.problem, error.next_step, code)


def _stack_error(error: Exception) -> Explanation | None:
    from cli.local_stack.errors import StackError

    return Explanation(error.problem, error.next_step) if isinstance(error, StackError) else None


def _shared_error(error: Exception) -> Explanation | None:
    from cli.errors import START_STACK
    from shared.errors import DependencyDownError, SettingsError, SupastateError

    if isinstance(error, DependencyDownError):
        return Explanation(str(error), f"{START_STACK}, or check its address in the settings.")
    if isinstance(error, SettingsError):
        return Explanation(str(error), exit_code=MISUSED)
    return Explanation(str(error)) if isinstance(error, SupastateError) else None


def _file_error(error: Exception) -> Explanation | None:
    if isinstance(error, OSError) and error.filename:
        return Explanation(f"{error.filename}: {error.strerror}")
    return None


def _show(explanation: Explanation) -> None:
    from cli.terminal import err, plain

    console = err()
    console.print(plain("Error: ", "bold red") + plain(explanation.problem), soft_wrap=True)
    if explanation.next_step:
        console.print(plain(explanation.next_step), soft_wrap=True)
