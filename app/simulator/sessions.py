"""The router's memory of conversations: the endpoint that each sticks to, and picked models.

openrouter.md §2.6, §A3.3: per model and conversation. A conversation with an explicit session
sticks to the endpoint of its first success, any other to the first that read its prompt from a
cache. A pin ends after ten minutes without a success there. If the pinned endpoint fails, another
one serves and the pin stays; if the preferences exclude it, the conversation is pinned anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .ask import Ask
from .catalog import Model, Row

_IDLE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class _Pin:
    row: Row
    until: float


class Sessions:
    """The last conversations, at most `remembered`."""

    def __init__(self, clock: Callable[[], float], remembered: int) -> None:
        self._clock = clock
        self._remembered = remembered
        self._pins: OrderedDict[tuple[str, Model], _Pin] = OrderedDict()
        self._picked: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def remember(self, ask: Ask, row: Row, tried: Iterable[Row], *, cached_tokens: int) -> None:
        """Record the endpoint that served a conversation, and those `tried` before it."""
        if ask.provider.get("order"):
            return
        pin = self._pin(ask, row.model)
        if pin is not None and pin.row is not row and pin.row in tried:
            return
        stays = pin is not None and pin.row is row
        if stays or ask.explicit_session or cached_tokens > 0:
            key = ask.session, row.model
            self._pins[key] = _Pin(row, self._clock() + _IDLE_SECONDS)
            self._pins.move_to_end(key)
        while len(self._pins) > self._remembered:
            self._pins.popitem(last=False)

    def remember_pick(self, ask: Ask, router: str, model: str) -> None:
        """Record a router's pick for a conversation with an explicit session."""
        if ask.explicit_session:
            self._picked[ask.session, router] = (model, self._clock() + _IDLE_SECONDS)
        while len(self._picked) > self._remembered:
            self._picked.popitem(last=False)

    def picked(self, ask: Ask, router: str) -> str | None:
        """The model that a router picked earlier for this conversation."""
        model, until = self._picked.get((ask.session, router), (None, 0.0))
        return model if self._clock() <= until else None

    def sticky(self, ask: Ask, model: Model) -> Row | None:
        """The endpoint that a conversation sticks to, if its cache is cheaper than its prompt."""
        pin = self._pin(ask, model)
        if pin is None or not 0 < pin.row.price("input_cache_read") < pin.row.price("prompt"):
            return None
        return pin.row

    def _pin(self, ask: Ask, model: Model) -> _Pin | None:
        # The rows of `~author/family-latest` belong to its target.
        owner = model.rows[0].model if model.rows else model
        pin = self._pins.get((ask.session, owner))
        return pin if pin and self._clock() <= pin.until else None
