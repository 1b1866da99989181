"""The presets that a request names, read with the key that it will use."""

from app.openrouter.preset_feed import PresetFeed
from app.policy.book import Book
from app.policy.presets import NO_PRESETS, Presets, presets_named
from app.policy.request import Request
from app.server.callers import shown_keys
from app.wire.headers import RawHeaders


class PresetsInRequests:
    """Asks for presets only where there are rules to be held beside them."""

    def __init__(self, feed: PresetFeed, key: str | None) -> None:
        """`key` is the operator's; without one, the caller's own is shown."""
        self._feed = feed
        self._key = key

    async def of(self, request: Request, book: Book, headers: RawHeaders) -> Presets:
        """What each preset is, by its name. Raises `MalformedBody` for a name that is no text."""
        named = presets_named(request) if book.rules or book.aliases else ()
        if not named:
            return NO_PRESETS
        key = self._key or next(iter(shown_keys(headers)), b"").decode("latin-1")
        return await self._feed.known(named, key)
