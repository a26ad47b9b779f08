"""What a process logs of errors, without secrets: a server's message may quote what it was sent."""

from __future__ import annotations

import logging
from typing import Any, Final

from shared.domain.hiding import hide_in_text

FORMATTER: Final = logging.Formatter()


def hide_secrets_in_logs() -> None:
    """Redact warnings, errors and every traceback, whoever logs them in this process."""
    logging.setLogRecordFactory(RedactedRecord)


class RedactedRecord(logging.LogRecord):
    """One line of a log. What is not about something wrong holds names, ids and counts only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:
            # Formatters write this, where it is there, and make no traceback of their own.
            self.exc_text = hide_in_text(FORMATTER.formatException(self.exc_info))

    def getMessage(self) -> str:  # noqa: N802  # as logging names it
        """Return the line's text."""
        text = super().getMessage()
        return hide_in_text(text) if self.levelno >= logging.WARNING else text
