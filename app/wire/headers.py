"""Which headers cross, each way, as tables.

Rule 1  Towards upstream only what is listed crosses: what a caller sends beside it (cookies,
        origin, forwarding headers, Pointsman's own) is between the caller and this machine. A
        header of OpenRouter's that is not known here could be a way round a policy.
Rule 2  Towards the caller everything crosses but what speaks for a connection or an origin that
        is not ours, or for Pointsman. The body passes as raw bytes, so its length and encoding
        stay as sent; an answer that can have no body has no length.
Rule 3  Hop-by-hop headers never cross, nor what `Connection` names (RFC 9110, 7.6.1).

Headers are lists of (name, value) as ASGI has them, in their order, doubles included.
Values are passed on, never parsed into anything that could be printed.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

Header = tuple[bytes, bytes]
RawHeaders = list[Header]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

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
    b"http-referer",  # with x-title: which app is asking, for OpenRouter's rankings
    b"idempotency-key",
    b"referer",
    b"traceparent",  # with tracestate: a trace goes on through us; `baggage` stays, for it can
    b"tracestate",  # carry anything that an application knows of its users
    b"user-agent",
    b"x-request-id",
    b"x-session-id",
    b"x-openrouter-cache",
    b"x-openrouter-cache-clear",
    b"x-openrouter-cache-ttl",
    b"x-openrouter-categories",
    b"x-openrouter-experimental-metadata",
    b"x-openrouter-metadata",
    b"x-openrouter-simulate",  # the simulated OpenRouter's own; the real one doesn't know it
    b"x-openrouter-title",
    b"x-title",
}
_TO_UPSTREAM_PREFIXES = (
    b"anthropic-",
    b"openai-",
    b"x-anthropic-",
    b"x-stainless-",
)

# They speak for openrouter.ai. Passed on, they would let any web page read answers from this
# machine (T-40), or send the caller's next request past us; or they would speak for us.
_NOT_TO_CALLER = _HOP_BY_HOP | {b"alt-svc"}
_NOT_TO_CALLER_PREFIXES = (b"access-control-", b"x-pointsman-")

_BODILESS = frozenset({204, 304})  # statuses; servers send a length with them all the same
_OF_A_BODY = frozenset({b"content-length"})

_LONGEST = 200  # bytes of a header's name; no longer one crosses, since names are remembered
_CODING = frozenset({b"content-encoding"})
_NOTHING: frozenset[bytes] = frozenset()
_LENGTH = len(b"connection")

_UNCOMPRESSED = (b"accept-encoding", b"identity")  # or the observer could read nothing (T-29)
_WITH_METADATA = (b"x-openrouter-metadata", b"enabled")
_UNBUFFERED = (b"x-accel-buffering", b"no")  # or nginx would hold the stream back (T-02)
_UNCACHED = (b"cache-control", b"no-cache, no-transform")


def to_upstream(
    raw: Sequence[Header],
    *,
    key: str | None,
    router_metadata: bool,
    trace: Collection[Header] = (),
    decoded: bool = False,
) -> list[Header]:
    """What of a caller's headers goes upstream, and what we add.

    With a `key`, it stands in for every credential of the caller's; without one, the caller's own
    go on. With `router_metadata`, the caller's wish about it is overruled: proof is the policy's.
    With a `trace`, it stands in for the caller's: the span that upstream goes on from is ours.
    `decoded`: the body goes on without the compression that it came in.
    """
    kept = [
        (name, value)
        for header, value in raw
        if len(header) <= _LONGEST and (name := _name_for_upstream(header))
    ]
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
    return [header for header in kept if header[0] not in withheld] + ours


def to_caller(raw: Sequence[Header], status: int) -> list[Header]:
    """What of upstream's headers goes to the caller; a stream is marked as not to be buffered."""
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


@lru_cache(1024)  # names are few, and asked for by every request
def _name_for_upstream(header: bytes) -> bytes | None:
    """A header's name in lower case; None where it never crosses."""
    name = header.lower()
    crosses = name in _TO_UPSTREAM or name.startswith(_TO_UPSTREAM_PREFIXES)
    return name if crosses else None


@lru_cache(1024)
def _name_for_caller(header: bytes) -> bytes | None:
    name = header.lower()
    stays = name in _NOT_TO_CALLER or name.startswith(_NOT_TO_CALLER_PREFIXES)
    return None if stays else name


def _named_by_connection(raw: Sequence[Header]) -> frozenset[bytes]:
    named = _NOTHING
    for header, value in raw:
        if len(header) == _LENGTH and header.lower() == b"connection":
            named |= {name.strip() for name in value.lower().split(b",")}
    return named
