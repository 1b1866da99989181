"""Which path of OpenRouter's API a caller means, however its base URL was written (T-35)."""

from collections.abc import Sequence
from itertools import dropwhile

from app.wire.dialect import DIALECTS

_PREFIX = frozenset({"api", "v1"})
_KNOWN = tuple(tuple(path.strip("/").split("/")) for path in DIALECTS)


def canonical_path(path: str) -> str:
    """`path` without prefix, stray slashes and doublings: `/v1/chat/completions` is one of ours.

    Expects a decoded path. Dot segments are resolved here, because upstream would resolve them
    too: `/v1/models/../chat/completions` must not get past the policy as some other path.
    """
    segments = _without_prefix(_resolved(path.split("/")))
    for known in _KNOWN:
        # A base URL that named the whole endpoint, to which the client added it again.
        while _starts(segments, known):
            again = _without_prefix(segments[len(known) :])
            if not _starts(again, known):
                break
            segments = again
    return "/" + "/".join(segments)


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
