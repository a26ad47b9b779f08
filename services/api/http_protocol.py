"""HTTP as httptools parses it, with an end to what a request may say before its body."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024
"""Of a request's line and headers, and of what may follow a body; read before any key is."""


class BoundedHttp(HttpToolsProtocol):
    """Refuses a request whose head does not end: the parser itself would collect it for ever."""

    _unfinished = 0
    _has_advanced = False

    def data_received(self, data: bytes) -> None:
        self._has_advanced = False
        super().data_received(data)
        self._unfinished = 0 if self._has_advanced else self._unfinished + len(data)
        if self._unfinished > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The request's headers are over {MOST_HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._has_advanced = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_advanced = True
        super().on_message_complete()
