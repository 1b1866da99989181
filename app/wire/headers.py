"""Tables of the headers that are forwarded in each direction.

Rule 1  To upstream, only listed headers are forwarded: a caller's other headers (cookies, origin,
        forwarding headers, Pointsman's own) concern only the caller and this machine. An unknown
        header of OpenRouter's could bypass a policy. Settings may add names, except those of
        `never_forwarded.py`; a rule may remove names.
Rule 2  To the caller, all headers are forwarded except those about a connection or an origin that
        is not ours, and Pointsman's own. The body passes as raw bytes, so its length and encoding
        stay as sent; an answer that can't have a body has no length.
Rule 3  Hop-by-hop headers are never forwarded, nor are those that `Connection` names (RFC 9110,
        7.6.1).

Headers are lists of (name, value) as in ASGI, in their order, duplicates included.
Values are passed on, never parsed into anything that could be printed.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import itemgetter

from .header_names import NO_NAMES, HeaderNames
from .never_forwarded import HOP_BY_HOP, why_never

Header = tuple[bytes, bytes]
RawHeaders = list[Header]

_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_TRACE_CONTEXT = frozenset({b"traceparent", b"tracestate"})
_ROUTER_METADATA = frozenset(
    {b"x-openrouter-metadata", b"x-openrouter-experimental-metadata"}  # the second: its old name
)

# Host and Content-Length are not here: the client writes them for the request that it sends.
_TO_UPSTREAM = _CREDENTIALS | {
    b"accept",
    b"accept-language",
    b"content-encoding",
    b"content-type",
    b"http-referer",  # with x-title: the calling app, for OpenRouter's rankings
    b"idempotency-key",
    b"referer",
    b"traceparent",  # with tracestate: a trace continues through us; `baggage` is dropped: it can
    b"tracestate",  # contain anything that an application knows about its users
    b"user-agent",
    b"x-request-id",
    b"x-session-id",
    b"x-openrouter-cache",
    b"x-openrouter-cache-clear",
    b"x-openrouter-cache-ttl",
    b"x-openrouter-categories",
    b"x-openrouter-experimental-metadata",
    b"x-openrouter-metadata",
    b"x-openrouter-simulate",  # for the simulated OpenRouter; the real one ignores it
    b"x-openrouter-title",
    b"x-title",
}
_TO_UPSTREAM_PREFIXES = (
    b"anthropic-",
    b"openai-",
    b"x-anthropic-",
    b"x-stainless-",
)
LISTED = HeaderNames(_TO_UPSTREAM, _TO_UPSTREAM_PREFIXES)  # forwarded whatever the settings are

# They apply to openrouter.ai. Passed on, they would let any web page read answers from this
# machine (T-40), or make the caller's next request bypass us; or they are Pointsman's own.
_NOT_TO_CALLER = HOP_BY_HOP | {b"alt-svc"}
_NOT_TO_CALLER_PREFIXES = (b"access-control-", b"x-pointsman-")

_BODILESS = frozenset({204, 304})  # statuses; servers send a length with them all the same
_OF_A_BODY = frozenset({b"content-length"})

_LONGEST = 200  # bytes of a header's name; longer ones are dropped, since names are cached
_CODING = frozenset({b"content-encoding"})
_NOTHING: frozenset[bytes] = frozenset()
_CONNECTION = b"connection"
_NAME = itemgetter(0)

_UNCOMPRESSED = (b"accept-encoding", b"identity")  # or the observer could read nothing (T-29)
_WITH_METADATA = (b"x-openrouter-metadata", b"enabled")
_UNBUFFERED = (b"x-accel-buffering", b"no")  # or nginx would hold the stream back (T-02)
_UNCACHED = (b"cache-control", b"no-cache, no-transform")


class Credentials:
    """The headers with a client's key for upstream; they can't be printed by mistake."""

    __slots__ = ("headers",)

    def __init__(self, headers: Sequence[Header]) -> None:
        """Keep the credentials among some headers, whose names are in lower case."""
        self.headers = tuple(header for header in headers if header[0] in _CREDENTIALS)

    @property
    def size(self) -> int:
        """The bytes of all values."""
        return sum(len(value) for _, value in self.headers)

    def __repr__(self) -> str:
        """Render without any value."""
        return f"Credentials({len(self.headers)})"


def to_upstream(
    raw: Sequence[Header],
    *,
    key: str | None,
    router_metadata: bool,
    trace: Collection[Header] = (),
    decoded: bool = False,
    also: HeaderNames = NO_NAMES,
    removed: HeaderNames = NO_NAMES,
) -> list[Header]:
    """The caller's headers that are forwarded upstream, and those that Pointsman adds.

    A `key` replaces all of the caller's credentials; without one, those are forwarded. With
    `router_metadata`, the caller's choice about it is overridden: the policy requires evidence.
    A `trace` replaces the caller's: upstream continues from Pointsman's span.
    `decoded`: the body is forwarded without its original compression. `also` are names that the
    settings add, `removed` those that a policy removes; neither affects what Pointsman adds.
    """
    ours: list[Header] = [_UNCOMPRESSED]
    withheld = _named_by_connection(raw)
    if decoded:
        withheld |= _CODING
    if key is not None:
        ours.append((b"authorization", b"Bearer " + key.encode()))
        withheld |= _CREDENTIALS
    if router_metadata:
        ours.append(_WITH_METADATA)
        withheld |= _ROUTER_METADATA
    if trace:
        ours += trace
        withheld |= _TRACE_CONTEXT
    kept = [
        (name, value)
        for header, value in raw
        if len(header) <= _LONGEST
        and (name := _name_for_upstream(header, also))
        and name not in withheld
    ]
    if removed is not NO_NAMES:
        kept = [header for header in kept if not removed.cover(header[0])]
    return kept + ours


def to_caller(raw: Sequence[Header], status: int) -> list[Header]:
    """Upstream's headers that are forwarded to the caller; a stream is marked as unbuffered."""
    kept = [
        (name, value)
        for header, value in raw
        if len(header) <= _LONGEST and (name := _name_for_caller(header))
    ]
    withheld = _named_by_connection(raw)
    if status in _BODILESS:
        withheld |= _OF_A_BODY
    if withheld:
        kept = [header for header in kept if header[0] not in withheld]
    sent = dict(kept)
    if not sent.get(b"content-type", b"").lower().startswith(b"text/event-stream"):
        return kept
    return kept + [ours for ours in (_UNBUFFERED, _UNCACHED) if ours[0] not in sent]


@lru_cache(1024)  # names are few, and looked up by every request
def _name_for_upstream(header: bytes, also: HeaderNames) -> bytes | None:
    """A header's name in lower case; None if it is never forwarded."""
    name = header.lower()
    return name if LISTED.cover(name) or _is_added(name, also) else None


def _is_added(name: bytes, also: HeaderNames) -> bool:
    """Whether the settings add a name: a prefix may cover some that are never forwarded."""
    return also.cover(name) and why_never(name.decode("latin-1")) is None


@lru_cache(1024)
def _name_for_caller(header: bytes) -> bytes | None:
    name = header.lower()
    stays = name in _NOT_TO_CALLER or name.startswith(_NOT_TO_CALLER_PREFIXES)
    return None if stays else name


def _named_by_connection(raw: Sequence[Header]) -> frozenset[bytes]:
    named = _NOTHING
    if _CONNECTION not in b"".join(map(_NAME, raw)).lower():
        return named  # nearly always
    for header, value in raw:
        if header.lower() == _CONNECTION:
            named |= {name.strip() for name in value.lower().split(b",")}
    return named
