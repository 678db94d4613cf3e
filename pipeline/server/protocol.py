"""HTTP as it comes in over a connection."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 512 * 1024
"""Bytes before a body (address and headers) that a request may have, reading ahead included."""


class Protocol(HttpToolsProtocol):
    """uvicorn's fast protocol, with the limit that its parser does not have: headers that never end
    fill no memory."""

    _head: int | None = 0
    """Bytes of a head that is not complete yet; None while there is none."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()
