"""The path of OpenRouter's API that a caller intends, however its base URL is written (T-35)."""

import re
from collections.abc import Container, Sequence
from difflib import get_close_matches
from itertools import dropwhile

from .dialect import DIALECTS, ErrorShape
from .lenient import readings

_PREFIX = frozenset({"api", "v1"})
_KNOWN = tuple(tuple(path.strip("/").split("/")) for path in DIALECTS)
_ENDPOINT = re.compile(
    rf"({'|'.join(map(re.escape, DIALECTS))}|/chat|/messages/count_tokens"
    r"|/models(/user|/count|/[^/]+/[^/]+/endpoints)?)/*$",
    re.IGNORECASE,
)
_AS_USUAL = {prefix + path: path for prefix in ("/v1", "/api/v1") for path in DIALECTS}


def canonical_path(path: str) -> str:
    """`path` without prefix, stray slashes and repetitions: `/v1/chat/completions` is one of ours.

    Expects a decoded path. Dot segments are resolved here, because upstream would resolve them
    too: `/v1/models/../chat/completions` must not get past the policy as some other path.
    """
    if path in _AS_USUAL:
        return _AS_USUAL[path]
    segments = _without_prefix(_resolved(path.split("/")))
    for known in _KNOWN:
        # A base URL that named the whole endpoint, to which the client added it again.
        while _starts(segments, known):
            again = _without_prefix(segments[len(known) :])
            if not _starts(again, known):
                break
            segments = again
    return "/" + "/".join(segments)


def is_below_base(path: str) -> bool:
    """Whether a path begins like one of OpenRouter's: `/v1/files`, `/api/alpha/x`."""
    return next(iter(_resolved(path.split("/"))), None) in _PREFIX


def nearly(sent: str) -> str | None:
    """Our path as which another parser might interpret `sent`; None if there is none.

    `sent` is a path as sent upstream, percent-encoded. A server may be lenient about spelling
    (`lenient.py`), and such a path would then bypass the policy.
    """
    read = map(canonical_path, readings(sent))
    return next((meant for meant in read if meant in DIALECTS), None)


def probably_meant(path: str) -> str | None:
    """The path of OpenRouter's API that is spelled most like `path`; None if none is similar."""
    known = [*DIALECTS, "/messages/count_tokens", "/models"]
    near = get_close_matches(path.lower(), known, n=1, cutoff=0.7)
    return near[0] if near else None


def error_shape(path: str, headers: Container[bytes]) -> ErrorShape:
    """The error shape that a client of this path expects; `headers` are its headers' names.

    Paths of a dialect have the dialect's shape. Of the others, some are only Anthropic's; the rest
    are shared, and Anthropic's clients are recognised by the header that they always send.
    """
    meant = canonical_path(path)
    if meant in DIALECTS:
        return DIALECTS[meant].error_shape
    anthropics = meant.startswith("/messages/") or b"anthropic-version" in headers
    return "anthropic" if anthropics else "openai"


def base_of(path: str) -> str | None:
    """The base address's path, in a path that names an endpoint below it; else None.

    `/api/v1/chat/completions` has the base `/api/v1`.
    """
    found = _ENDPOINT.search(path)
    return None if found is None else path[: found.start()]


def _resolved(segments: Sequence[str]) -> list[str]:
    resolved: list[str] = []
    for segment in segments:
        if segment == "..":
            del resolved[-1:]
        elif segment not in {"", "."}:
            resolved.append(segment)
    return resolved


def _without_prefix(segments: Sequence[str]) -> list[str]:
    return list(dropwhile(_PREFIX.__contains__, segments))


def _starts(segments: Sequence[str], known: tuple[str, ...]) -> bool:
    return tuple(segments[: len(known)]) == known
