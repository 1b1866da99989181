"""Trace context: the trace that a request belongs to, by W3C's `traceparent` header. PURE.

Rule 1  A header that is malformed, or given twice, is ignored: a new trace begins, and the
        `tracestate` sent with it is ignored, too (Trace Context, 3.2.2.3, 3.3.1).
Rule 2  The request to upstream names our span as the parent; the caller's `tracestate` is passed
        on unchanged, since we have nothing to add to it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

Header = tuple[bytes, bytes]

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED, _RANDOM = 1, 2  # bits of the flags; the others are undefined and not passed on


@dataclass(frozen=True, slots=True)
class Parent:
    """The caller's span."""

    trace_id: int
    span_id: int
    flags: int
    state: tuple[bytes, ...] = ()

    @property
    def sampled(self) -> bool:
        """Whether the caller records its span."""
        return bool(self.flags & _SAMPLED)


@dataclass(frozen=True, slots=True)
class Trace:
    """Our span's place: made when a request arrives, since it is sent upstream."""

    trace_id: int
    span_id: int
    sampled: bool
    parent: Parent | None

    def headers(self) -> list[Header]:
        """The headers that replace the caller's own in the request to upstream."""
        flags = self.sampled | (self.parent.flags & _RANDOM if self.parent else _RANDOM)
        line = f"00-{self.trace_id:032x}-{self.span_id:016x}-{flags:02x}"
        states = self.parent.state if self.parent else ()
        return [(b"traceparent", line.encode()), *((b"tracestate", each) for each in states)]


def parent_in(headers: Iterable[Header]) -> Parent | None:
    """Return the caller's span, from headers with lower-case names as in ASGI."""
    lines: list[bytes] = []
    states: list[bytes] = []
    for name, value in headers:
        if name == b"traceparent":
            lines.append(value.strip())
        elif name == b"tracestate":
            states.append(value)
    found = _PARENT.fullmatch(lines[0]) if len(lines) == 1 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    parent = Parent(int(trace_id, 16), int(span_id, 16), int(flags, 16), tuple(states))
    return parent if parent.trace_id and parent.span_id else None


def new_trace(parent: Parent | None, random: Random, sampled: Callable[[int], bool]) -> Trace:
    """Return a span in the caller's trace or in a new one; `sampled` decides by the trace's id."""
    trace_id = parent.trace_id if parent else _some_bits(random, 128)
    return Trace(trace_id, _some_bits(random, 64), sampled(trace_id), parent)


def _some_bits(random: Random, count: int) -> int:
    return random.getrandbits(count) or 1  # an id of zeros is invalid
