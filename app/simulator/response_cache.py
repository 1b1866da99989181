"""OpenRouter's response cache: a request that was answered before is not sent to any endpoint.

Off unless a request, its preset or the switch turns it on. The same request is one with the same
key, path and bytes: with another order of its JSON keys it is another one. A hit has a new
generation id, no usage and no router metadata (openrouter.md §2.6).
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

from .ask import Ask
from .completion import UNUSED, generation_id
from .routed import Routed, Stored
from .router import Router

_SECONDS = 300  # that an answer is kept if nothing says how long
_LONGEST = 86_400


class _Kept(NamedTuple):
    routed: Routed
    since: float
    seconds: int


class ResponseCache:
    """The last answers of one router, to requests that were to be kept."""

    def __init__(self, router: Router, most: int = 1000) -> None:
        self._router = router
        self._most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._hits = 0

    def serve(
        self, ask: Ask, key: str, path: str, headers: Mapping[str, str], raw: bytes
    ) -> Routed:
        """The kept answer to a request, else a new one. Raises `Refusal`."""
        config = _config(ask)
        if not _wanted(ask, config, headers):
            return self._router.route(ask)
        same = blake2b(f"{key}\n{path}\n".encode() + raw).digest()
        if headers.get("x-openrouter-cache-clear", "").lower() == "true":
            self._kept.pop(same, None)
        now = self._router.clock()
        kept = self._kept.get(same)
        if kept is not None and now < kept.since + kept.seconds:
            return self._again(ask, kept, now)
        routed = self._router.route(ask)
        kept = _Kept(routed, now, _seconds(config, headers))
        self._kept[same] = kept
        self._kept.move_to_end(same)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return replace(routed, stored=Stored("MISS", 0, kept.seconds))

    def _again(self, ask: Ask, kept: _Kept, now: float) -> Routed:
        self._hits += 1
        random = Random(f"hit:{self._hits}")  # noqa: S311 - a game of chance, not a secret
        was = kept.routed.completion
        identity = generation_id(int(now), random)
        hit = Routed(
            replace(was, id=identity, created=int(now), usage=UNUSED),
            attempts=(),
            available=(),
            strategy=kept.routed.strategy,
            ask=replace(ask.standing_for(ask.candidates[0]), wants_metadata=False),
            stored=Stored("HIT", int(now - kept.since), kept.seconds, was.id),
        )
        self._router.remember(hit)
        return hit


def _config(ask: Ask) -> Mapping[str, Any]:
    """The configuration of the request's preset."""
    version = (ask.preset.used if ask.preset else None) or {}
    return version.get("config") or {}


def _wanted(ask: Ask, config: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Whether the answer may come from the cache: a preset's no beats a header's yes."""
    switch, told = ask.switches.response_cache, headers.get("x-openrouter-cache", "").lower()
    enabled = config.get("cache_enabled")
    if switch == "always" or enabled is False:
        return switch == "always"
    return told == "true" if told in {"true", "false"} else switch == "on" or enabled is True


def _seconds(config: Mapping[str, Any], headers: Mapping[str, str]) -> int:
    """How long an answer is kept: by the header, else by the preset."""
    told = headers.get("x-openrouter-cache-ttl", "") or str(config.get("cache_ttl_seconds", ""))
    seconds = int(told) if told.isascii() and told.isdigit() else _SECONDS
    return min(max(seconds, 1), _LONGEST)
