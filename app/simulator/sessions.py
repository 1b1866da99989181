"""The router's memory of conversations: sticky endpoint, cached prompt, picked model.

openrouter.md §2.6, §A3.3: per model and conversation; a conversation with an explicit session
sticks from the start, any other once its cache was hit; it expires after ten idle minutes.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.simulator.ask import Ask
from app.simulator.catalog import Model, Row
from app.simulator.completion import tokens

_IDLE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class _Session:
    tag: str
    prompt_tokens: int
    until: float
    sticks: bool


class Sessions:
    """The last conversations, at most `remembered`."""

    def __init__(self, clock: Callable[[], float], remembered: int) -> None:
        self._clock = clock
        self._remembered = remembered
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()
        self._picked: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def remember(self, ask: Ask, row: Row, *, cached_tokens: int) -> None:
        """Record the endpoint that served a conversation."""
        self._sessions[ask.session, row.model.id] = _Session(
            tag=row.tag,
            prompt_tokens=tokens(ask.prompt),
            until=self._clock() + _IDLE_SECONDS,
            sticks=ask.explicit_session or cached_tokens > 0,
        )
        while len(self._sessions) > self._remembered:
            self._sessions.popitem(last=False)

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

    def sticky(self, ask: Ask, model: Model) -> str | None:
        """The tag that a conversation sticks to, if its cache is cheaper than its prompt."""
        session = self._session(ask, model)
        if session is None or not session.sticks:
            return None
        cacheable = any(
            row.tag == session.tag and 0 < row.price("input_cache_read") < row.price("prompt")
            for row in model.rows
        )
        return session.tag if cacheable else None

    def cached(self, ask: Ask, row: Row) -> int:
        """The number of prompt tokens that a row has in its cache."""
        session = self._session(ask, row.model)
        return session.prompt_tokens if session and session.tag == row.tag else 0

    def _session(self, ask: Ask, model: Model) -> _Session | None:
        session = self._sessions.get((ask.session, model.id))
        return session if session and self._clock() <= session.until else None
