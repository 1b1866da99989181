"""A TCP proxy in front of a database that can fall silent without hanging up."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Silencer:
    """Forwards to a port of this machine, as long as it is not `frozen`.

    Frozen, it takes connections and bytes as a kernel does, and answers nothing: a client can't
    tell it from a server that is busy.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: list[socket.socket] = []
        self._over = False
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._flowing.set()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                self._open.append(caller)
                self._start(self._connect, caller)

    def _connect(self, caller: socket.socket) -> None:
        self._flowing.wait()
        if self._over:
            return
        with suppress(OSError):
            server = socket.create_connection(self._target)
            self._open.append(server)
            self._start(self._pump, caller, server)
            self._start(self._pump, server, caller)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _start(run: object, *given: object) -> None:
        threading.Thread(target=run, args=given, daemon=True).start()  # type: ignore[arg-type]
