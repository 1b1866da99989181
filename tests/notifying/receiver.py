"""A receiver of notifications: a plain socket that answers by a script, and keeps what came."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_TLS = b"\x16"  # how an encrypted connection begins
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", "content-length: 0", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Arrived:
    """One request."""

    head: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return {name.lower(): value.strip() for name, _, value in pairs}

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Answers each request with the next piece of the script, and from then on with the last.

    A piece is bytes to send before the connection is closed, or a number of seconds to say nothing.
    """

    url: str
    script: list[bytes | float] = field(default_factory=lambda: [OK])
    arrived: list[Arrived] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head, body = _read_head(connection)
            length = int(Arrived(head, b"").headers.get("content-length", "0"))
            while len(body) < length:
                body += connection.recv(65536)
            with self._lock:
                self.arrived.append(Arrived(head, body))
                piece = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                time.sleep(piece)


def _read_head(connection: socket.socket) -> tuple[str, bytes]:
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more or more[:1] == _TLS:
            connection.sendall(b"HTTP/1.1 400 this is no TLS\r\n\r\n")
            raise OSError("no request")
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    return head.decode(), body


@contextmanager
def receiving(*script: bytes | float) -> Iterator[Receiver]:
    """A receiver on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    receiver = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}/hook/canary-of-the-url")
    if script:
        receiver.script = list(script)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=receiver.answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
