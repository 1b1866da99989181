"""The headers with which a browser lets a page of another origin read an answer (CORS).

Rule 1  The page's own origin is named, never `*`: a browser asks again for each.
Rule 2  A page that may read an answer may read all of its headers, listed by name.
Rule 3  Cookies are excluded: `Access-Control-Allow-Credentials` is never sent.
"""

import re
from collections.abc import Iterable, Sequence

from .headers import Header, RawHeaders

ORIGIN = b"origin"
_ALLOWED = b"access-control-allow-origin"
_ASKS_METHOD = b"access-control-request-method"
_ASKS_HEADERS = b"access-control-request-headers"
_ASKS_PRIVATE = b"access-control-request-private-network"

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_SECONDS = b"7200"  # for which a browser may cache it; Chrome's maximum
_VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_MOST_NAMES = 100


def is_preflight(method: str, headers: Iterable[Header]) -> bool:
    """Whether a request that has an origin is a preflight."""
    return method == "OPTIONS" and any(name == _ASKS_METHOD for name, _ in headers)


def preflight_answer(headers: Sequence[Header], origin: bytes) -> RawHeaders:
    """The headers that answer a preflight: the page may send what it requests.

    The requested header names are repeated, as far as they are valid.
    """
    asked = b",".join(value for name, value in headers if name == _ASKS_HEADERS)
    names = [name for each in asked.split(b",") if _NAME.fullmatch(name := each.strip())]
    answer = [
        (_ALLOWED, origin),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _SECONDS),
        (b"vary", _VARY),
    ]
    if names:
        answer.append((b"access-control-allow-headers", b", ".join(names[:_MOST_NAMES])))
    if (_ASKS_PRIVATE, b"true") in headers:  # from a page of the Internet to this machine
        answer.append((b"access-control-allow-private-network", b"true"))
    return answer


def readable(headers: Sequence[Header], origin: bytes) -> RawHeaders:
    """An answer's headers, with those that let a page of `origin` read it.

    Names must be in lower case.
    """
    varies = [value for name, value in headers if name == b"vary"]
    told = {part.strip().lower() for value in varies for part in value.split(b",")}
    if not told & {b"*", ORIGIN}:
        varies.append(b"Origin")
    kept = [header for header in headers if header[0] != b"vary"]
    names = b", ".join(dict.fromkeys(name for name, _ in kept))
    return [
        *kept,
        (b"vary", b", ".join(varies)),
        (_ALLOWED, origin),
        (b"access-control-expose-headers", names),
    ]
