"""Chooses who judges on the command line, and lets it speak on standard error."""

from __future__ import annotations

import logging
import sys

from cli.errors import UsageError
from shared.llm.activity import ActivityJudge, ClassifierJudge, open_judge
from shared.settings import JUDGE_PREFIX, JudgeSettings


def find_judge(*, asked_for: bool) -> ActivityJudge:
    """Return the classifier, or the language model that is asked for and named.

    Raises:
        UsageError: a model is asked for and none is named.
        SettingsError: a variable is wrong.
    """
    if not asked_for:
        return ClassifierJudge()
    settings = JudgeSettings.load()
    if settings.model is None:
        raise UsageError("No model is named.", next_step=f"Set {JUDGE_PREFIX}MODEL.")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    return open_judge(settings)
