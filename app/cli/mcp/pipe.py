"""The protocol's messages over standard input and output, a line each.

The SDK's own transport drops a line that is not a message without an answer, reads lines of any
length, and can't be left while it waits for the next one.
"""

import logging
import os
import sys

import anyio
import mcp_types as types
import msgspec
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server.lowlevel.server import Server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

LONGEST_LINE = 1_000_000  # bytes of one message
LAST_WORDS_SECONDS = 1.0  # for answers that are ready when the client closes its side
_CHUNK = 65_536  # bytes

log = logging.getLogger("pointsman")


def claim() -> tuple[int, int]:
    """Return descriptors of their own for the protocol, in and out.

    From now on standard input is empty and standard output is standard error, so that nothing but
    messages gets between messages.
    """
    sys.stdout.flush()
    wire = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire


async def serve(server: Server, wire: tuple[int, int]) -> None:
    """Serve one client until it closes its side, or doesn't read any more."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception]()
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage]()
    async with anyio.create_task_group() as group:
        group.start_soon(_read, wire[0], to_server, to_client.clone())
        group.start_soon(_write, wire[1], from_server, group.cancel_scope)
        await server.run(from_client, to_client, server.create_initialization_options())
        group.cancel_scope.deadline = anyio.current_time() + LAST_WORDS_SECONDS


async def _read(
    source: int,
    to_server: ObjectSendStream[SessionMessage | Exception],
    to_client: ObjectSendStream[SessionMessage],
) -> None:
    """Pass messages on; answer what is not one with an error."""
    lines, turn = Lines(), CapacityLimiter(1)
    async with to_server, to_client:
        while True:
            try:
                chunk = await to_thread.run_sync(
                    os.read, source, _CHUNK, abandon_on_cancel=True, limiter=turn
                )
            except OSError as error:
                log.warning("standard input can't be read: %s", error)
                return
            for line in lines.feed(chunk) if chunk else lines.rest():
                message = read_message(line)
                if isinstance(message, types.JSONRPCError):
                    await to_client.send(SessionMessage(message))
                else:
                    await to_server.send(SessionMessage(message))
            if not chunk:
                return


async def _write(
    target: int, answers: ObjectReceiveStream[SessionMessage], scope: anyio.CancelScope
) -> None:
    """Write messages, one at a time; if the client is gone, end the scope."""
    turn = CapacityLimiter(1)
    async with answers:
        async for each in answers:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                await to_thread.run_sync(
                    _write_all, target, f"{text}\n".encode(), abandon_on_cancel=True, limiter=turn
                )
            except OSError:
                scope.cancel()
                return


def _write_all(target: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(target, left) :]


class Lines:
    """Cuts bytes into lines; one that is too long comes as None, and is read no further."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._begun = bytearray()
        self._is_too_long = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """Return the lines that have ended, without blank ones."""
        *ended, begun = chunk.split(b"\n")
        lines = []
        for part in ended:
            self._add(part)
            lines += self.rest()
        self._add(begun)
        return lines

    def rest(self) -> list[bytes | None]:
        """Return the line that has begun, as if it ended here."""
        line = None if self._is_too_long else bytes(self._begun).strip()
        self._begun.clear()
        self._is_too_long = False
        return [] if line == b"" else [line]

    def _add(self, part: bytes) -> None:
        if self._is_too_long or len(self._begun) + len(part) > self._longest:
            self._is_too_long = True
            self._begun.clear()
        else:
            self._begun += part


def read_message(line: bytes | None) -> types.JSONRPCMessage:
    """Return the message of a line, or the error to answer it with."""
    if line is None:
        return _error(None, types.INVALID_REQUEST, f"a message has at most {LONGEST_LINE:,} bytes")
    try:
        told = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _error(None, types.PARSE_ERROR, "not JSON; send one message a line")
    name = told.get("id") if isinstance(told, dict) else None
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        message = None
    if message is None or (name is not None and isinstance(message, types.JSONRPCNotification)):
        known = name if isinstance(name, str | int) and not isinstance(name, bool) else None
        return _error(known, types.INVALID_REQUEST, "not a JSON-RPC 2.0 message, or a batch")
    return message


def _error(name: str | int | None, code: int, message: str) -> types.JSONRPCError:
    error = types.ErrorData(code=code, message=message)
    return types.JSONRPCError(jsonrpc="2.0", id=name, error=error)
