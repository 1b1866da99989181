"""TLS between a socket and a connection: a protocol towards one, a transport for the other.

asyncio and uvloop have this too, for protocols of every kind; for answers in many small pieces,
this module costs a third of theirs. The cryptography is OpenSSL's either way.
"""

import asyncio
import ssl
from typing import Any, Generic, TypeVar, cast

_RECORDS = 64 * 1024
_SLICE = 128 * 1024  # encrypted at once: a large body must not delay other streams


C = TypeVar("C", bound=asyncio.Protocol)


class Tls(asyncio.Protocol, asyncio.Transport, Generic[C]):
    """Performs the handshake, then passes decrypted data on to `inner`."""

    def __init__(self, context: ssl.SSLContext, host: str, inner: C) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.inner = inner
        self._socket: asyncio.Transport | None = None
        self._established = False
        self._unsent = memoryview(b"")
        self._full = False
        self.handshake: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- a protocol towards the socket ----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handshake."""
        self._socket = cast("asyncio.Transport", transport)
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Decrypt, a record at a time."""
        self._incoming.write(data)
        if not self._established:
            self._shake_hands()
        if self._established:
            self._read()
        if self._outgoing.pending:  # an alert, or a new key confirmed
            self._flush()

    def eof_received(self) -> None:
        """The socket ended without TLS's own end: an attacker may have truncated the answer."""
        self.connection_lost(None)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Inform the connection, or the task that waits for the handshake."""
        if self._established:
            self.inner.connection_lost(exc)
        elif not self.handshake.done():
            self.handshake.set_exception(exc or ConnectionError("closed during the TLS handshake"))
            self.handshake.exception()  # the waiting task may have given up

    def pause_writing(self) -> None:
        """Hold back data that is not encrypted yet."""
        self._full = True

    def resume_writing(self) -> None:
        """Continue to encrypt and send."""
        self._full = False
        self._send()

    # --- a transport for the connection ---------------------------------------------------------

    def write(self, data: Any) -> None:
        """Encrypt and send; data that the socket can't take yet waits unencrypted."""
        self._unsent = memoryview(b"".join((self._unsent, data)) if self._unsent else data)
        if not self._full:
            self._send()

    def writelines(self, list_of_data: Any) -> None:
        """Write one after another."""
        for data in list_of_data:
            self.write(data)

    def get_write_buffer_size(self) -> int:
        """Bytes that have not left yet, encrypted or not."""
        below = self._socket.get_write_buffer_size() if self._socket else 0
        return below + len(self._unsent)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Information on the socket."""
        return self._socket.get_extra_info(name, default) if self._socket else default

    def is_closing(self) -> bool:
        """Whether the socket is closed or about to be."""
        return self._socket is None or self._socket.is_closing()

    def pause_reading(self) -> None:
        """Stop reading from the socket; the data of one read may still arrive."""
        if self._socket:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Continue reading."""
        if self._socket:
            self._socket.resume_reading()

    def abort(self) -> None:
        """Close the socket now."""
        if self._socket:
            self._socket.abort()

    # --- within ---------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that tells upstream why
            if self._socket:
                self._socket.close()
            if not self.handshake.done():
                self.handshake.set_exception(error)
                self.handshake.exception()
        else:
            self._flush()
            self._established = True
            self.inner.connection_made(self)
            if not self.handshake.done():
                self.handshake.set_result(None)

    def _read(self) -> None:
        """Pass on what has arrived: one piece, however many records it came in."""
        ended, broken = False, None
        pieces: list[bytes] = []
        try:
            while self._incoming.pending and not ended:
                if data := self._tls.read(_RECORDS):
                    pieces.append(data)
                else:  # TLS's own end, which can't be forged in transit
                    ended = True
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except ssl.SSLError as error:
            broken = error
        if pieces:
            self.inner.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ended:
            self.inner.eof_received()
            self.abort()
        elif broken is not None:
            self._break(broken)

    def _send(self) -> None:
        try:
            while self._unsent and not self._full and not self.is_closing():
                sent = self._tls.write(self._unsent[:_SLICE])
                self._unsent = self._unsent[sent:]
                self._flush()
        except ssl.SSLError as error:
            self._break(error)

    def _break(self, error: ssl.SSLError) -> None:
        self.inner.connection_lost(error)
        self.abort()

    def _flush(self) -> None:
        if self._socket and self._outgoing.pending:
            self._socket.write(self._outgoing.read())
