"""What happens to a message whose handler raised. Pure."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from faststream.exceptions import (
    AckMessage,
    NackMessage,
    RejectMessage,
    SkipMessage,
    SubscriberNotFound,
)
from faststream.middlewares import AckPolicy

from faststream_pgmq.delivery import ATTEMPTS, LAST_ERROR, RELEASED, Dead, Deferred, Settlement
from faststream_pgmq.errors import (
    BatchError,
    DeadLetter,
    InvalidMessageError,
    Pause,
    Retry,
)

if TYPE_CHECKING:
    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.retry import RetryPolicy

MAX_MESSAGE: Final = 2_000
MAX_TRACEBACK: Final = 8_000
"""Characters of an error kept with a dead letter; the end of a traceback tells most."""
MAX_LAST_ERROR: Final = 500
MAX_SHOWN: Final = 8
"""Errors of a group that its text shows; the traceback has them all, as far as it goes."""


class Action(Enum):
    """The four ways a delivery can end, and the one in which all deliveries do."""

    ACK = auto()
    RETRY = auto()
    BURY = auto()
    PAUSE = auto()


_GRAVITY: Final = (Action.ACK, Action.RETRY, Action.BURY, Action.PAUSE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one delivery ends, and what to say about it."""

    action: Action
    text: str
    level: int = logging.WARNING


def decide(error: BaseException, policy: RetryPolicy, ack_policy: AckPolicy) -> Action:
    """Return what the class of an error asks for; of a group, the gravest of its errors decides."""
    error = _decisive(error, policy, ack_policy)
    return _decide_one(error, policy, ack_policy)


def _decide_one(error: BaseException, policy: RetryPolicy, ack_policy: AckPolicy) -> Action:
    if isinstance(error, (Pause, *policy.pause_on)):
        return Action.PAUSE
    if isinstance(error, (AckMessage, SkipMessage)):
        return Action.ACK
    hopeless = (DeadLetter, RejectMessage, InvalidMessageError, SubscriberNotFound)
    if isinstance(error, (*hopeless, *policy.dead_letter_on)):
        return Action.BURY
    if isinstance(error, (Retry, NackMessage)):
        return Action.RETRY
    if ack_policy in {AckPolicy.ACK, AckPolicy.ACK_FIRST}:
        return Action.ACK
    return Action.BURY if ack_policy is AckPolicy.REJECT_ON_ERROR else Action.RETRY


def judge(
    settlement: Settlement,
    delivery: Delivery,
    error: BaseException,
    policy: RetryPolicy,
    ack_policy: AckPolicy = AckPolicy.NACK_ON_ERROR,
) -> Verdict:
    """Add the end of one failed delivery to the settlement; return what it was."""
    error = _innermost(error)
    decisive = _decisive(error, policy, ack_policy)
    action = _decide_one(decisive, policy, ack_policy)
    policy = policy.for_error(decisive)
    if action is Action.ACK:
        settlement.acks.append(delivery)
        return Verdict(action, f"acknowledged: {summary(error)}", logging.INFO)
    if action is Action.PAUSE:
        settlement.deferred.append(give_back(delivery))
        return Verdict(action, summary(error))
    failures = delivery.attempts + 1
    if action is Action.BURY or failures >= policy.max_attempts:
        settlement.dead.append(bury(delivery, error, failures))
        text = f"dead-lettered after {failures} attempts: {summary(error)}"
        return Verdict(Action.BURY, text, logging.ERROR)
    delay = _wanted_delay(decisive)
    delay = policy.delay(failures) if delay is None else delay
    settlement.deferred.append(retry(delivery, error, delay))
    text = f"attempt {failures} of {policy.max_attempts} failed, next in {delay:.1f} s: "
    return Verdict(Action.RETRY, text + summary(error))


def retry(delivery: Delivery, error: BaseException, delay: float) -> Deferred:
    """Return the message as it goes back after a failure."""
    headers = {
        **delivery.patch,
        ATTEMPTS: delivery.attempts + 1,
        LAST_ERROR: summary(error)[:MAX_LAST_ERROR],
    }
    return Deferred(delivery, delay, headers)


def give_back(delivery: Delivery) -> Deferred:
    """Return the message as it goes back unprocessed, due at once: no attempt was used."""
    return Deferred(delivery, 0.0, {**delivery.patch, RELEASED: delivery.released + 1})


def bury(delivery: Delivery, error: BaseException, failures: int) -> Dead:
    """Return the message as it becomes a dead letter after so many failures of the handler."""
    report: dict[str, Any] = {
        "error": type(error).__name__,
        "message": _text_of(error)[:MAX_MESSAGE],
        "traceback": _traceback_of(error),
        "attempts": failures,
    }
    headers = {
        **delivery.patch,
        ATTEMPTS: failures,
        LAST_ERROR: summary(error)[:MAX_LAST_ERROR],
    }
    return Dead(delivery, report, headers)


def summary(error: BaseException) -> str:
    """Return an error in one line: class and message."""
    return f"{type(error).__name__}: {_text_of(error)[:MAX_MESSAGE]}"


def _innermost(error: BaseException) -> BaseException:
    # One message in its own batch: what its handler says of the batch, it says of this message.
    if isinstance(error, BatchError) and error.errors:
        return next(iter(error.errors.values()))
    return error


def _decisive(error: BaseException, policy: RetryPolicy, ack_policy: AckPolicy) -> BaseException:
    """Return the error itself, or of a group (a TaskGroup's, say) the gravest one in it."""
    if not _is_group(error) or _names_group(policy, error):
        return error

    def gravity(one: BaseException) -> tuple[int, bool]:
        action = _decide_one(one, policy, ack_policy)
        return _GRAVITY.index(action), _wanted_delay(one) is not None

    return max((_decisive(one, policy, ack_policy) for one in error.exceptions), key=gravity)


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


def _names_group(policy: RetryPolicy, error: BaseException) -> bool:
    named = (*policy.dead_letter_on, *policy.pause_on, *policy.overrides)
    return any(issubclass(one, BaseExceptionGroup) and isinstance(error, one) for one in named)


def _wanted_delay(error: BaseException) -> float | None:
    if isinstance(error, Retry):
        return error.delay
    if isinstance(error, NackMessage):
        delay = error.extra_options.get("delay")
        return float(delay) if isinstance(delay, (int, float)) else None
    return None


def _text_of(error: BaseException) -> str:
    try:
        text = _storable(str(error))
    except Exception:  # noqa: BLE001 - any code may stand in an error's __str__
        return "(its text could not be made)"
    if _is_group(error):
        text += ": " + "; ".join(summary(one) for one in error.exceptions[:MAX_SHOWN])
    return text


def _traceback_of(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(error)
    except Exception:  # noqa: BLE001
        lines = traceback.format_tb(error.__traceback__)
    return _storable("".join(lines))[-MAX_TRACEBACK:]


def _storable(text: str) -> str:
    # jsonb takes neither NUL nor half a surrogate pair.
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
