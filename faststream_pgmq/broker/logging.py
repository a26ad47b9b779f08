"""The broker's access log: queue and message id in front of each line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from faststream._internal.logger import DefaultLoggerStorage, make_logger_state
from faststream._internal.logger.logging import get_broker_logger

if TYPE_CHECKING:
    from faststream._internal.basic_types import LoggerProto
    from faststream._internal.context import ContextRepo

MESSAGE_ID_LENGTH = 10


class PgmqParamsStorage(DefaultLoggerStorage):
    """Knows how wide the columns are."""

    def __init__(self) -> None:
        super().__init__()
        self._queue_length = 4

    def set_level(self, level: int) -> None:
        self.logger_log_level = level

    def register_subscriber(self, params: dict[str, Any]) -> None:
        self._queue_length = max(self._queue_length, len(params.get("queue", "")))

    def get_logger(self, *, context: ContextRepo) -> LoggerProto:
        if (known := self._get_logger_ref()) is not None:
            return known
        logger = get_broker_logger(
            name="pgmq",
            default_context={"queue": ""},
            message_id_ln=MESSAGE_ID_LENGTH,
            fmt=f"%(asctime)s %(levelname)-8s - %(queue)-{self._queue_length}s | "
            f"%(message_id)-{MESSAGE_ID_LENGTH}s - %(message)s",
            context=context,
            log_level=self.logger_log_level,
        )
        self._logger_ref.add(logger)
        return logger


make_pgmq_logger_state = partial(make_logger_state, default_storage_cls=PgmqParamsStorage)
