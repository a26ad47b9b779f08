"""Says what a memory was about: the trained classifier, or a language model under a cost cap."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from shared.domain.activity import Activity, Structure, estimate_activity
from shared.errors import DependencyDownError, InvalidInputError
from shared.llm.activity_chat import ActivityChat, UnusableAnswerError
from shared.llm.spending import Spending
from shared.messages import Metadata
from shared.settings import JudgeSettings

MOST_FAILURES: Final = 3
"""After so many failures in a row the endpoint is not asked again in this run."""

_log = logging.getLogger(__name__)


class ActivityJudge(Protocol):
    """Judges one memory."""

    def judge(self, content: str, metadata: Metadata) -> Activity:
        """Return how likely each activity is, 0.0 to 1.0; never fails."""
        ...


class ClassifierJudge:
    """Needs no model server and no key."""

    def judge(self, content: str, metadata: Metadata) -> Activity:
        """Return calibrated probabilities."""
        return estimate_activity(content, Structure.of(metadata))


class LlmJudge:
    """Asks a language model while the cap allows it, and the classifier else; logs each change."""

    def __init__(self, chat: ActivityChat, spending: Spending) -> None:
        self._chat = chat
        self._spending = spending
        self._classifier = ClassifierJudge()
        self._failures = 0
        self._stopped = False

    def judge(self, content: str, metadata: Metadata) -> Activity:
        """Return the model's probabilities, or the classifier's where it may or can not answer."""
        found = None if self._stopped else self._ask(content, metadata)
        return found or self._classifier.judge(content, metadata)

    def _ask(self, content: str, metadata: Metadata) -> Activity | None:
        request = self._chat.prepare(content, metadata)
        if not self._spending.reserve(request.most_input_tokens, request.most_output_tokens):
            self._stop(f"the cost cap of ${self._spending.cap_dollars:g} is reached")
            return None
        try:
            answer = self._chat.ask(request)
        except (DependencyDownError, InvalidInputError, UnusableAnswerError) as error:
            self._count_failure(error)
            return None
        self._failures = 0
        self._spending.settle(answer.input_tokens, answer.output_tokens)
        return answer.activity

    def _count_failure(self, error: Exception) -> None:
        self._failures += 1
        _log.warning("%s; the classifier answers for this memory", error)
        if self._failures >= MOST_FAILURES:
            self._stop(f"{MOST_FAILURES} failures in a row")

    def _stop(self, reason: str) -> None:
        self._stopped = True
        _log.warning("%s: the classifier answers from here on", reason)


def open_judge(settings: JudgeSettings) -> ActivityJudge:
    """Return the judge that the settings name; it connects at its first memory."""
    if settings.model is None:
        return ClassifierJudge()
    key = settings.api_key
    chat = ActivityChat(
        url=settings.url,
        model=settings.model,
        api_key=key.get_secret_value() if key else None,
        timeout_seconds=settings.timeout_seconds,
    )
    return LlmJudge(chat, Spending.of(settings))
