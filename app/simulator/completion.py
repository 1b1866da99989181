"""The simulated model's answer and its cost: the same in every dialect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from random import Random

from .ask import Ask
from .caches import CacheUse
from .catalog import Row
from .defects import damaged
from .quirks import HONEST, Quirks
from .saying import ToolCall, letters, say, tokens
from .sealing import Seal, sealed

__all__ = ["Completion", "Usage", "complete", "generation_id", "tokens"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and exact USD by the serving row's prices."""

    prompt_tokens: int
    cached_tokens: int  # read from the cache
    cache_write_tokens: int
    cache_write_1h_tokens: int  # of these, the ones to keep for an hour
    completion_tokens: int
    reasoning_tokens: int
    prompt_cost: Decimal
    completion_cost: Decimal

    @property
    def uncached_tokens(self) -> int:
        """The tokens of the prompt that the cache had no part in."""
        return self.prompt_tokens - self.cached_tokens - self.cache_write_tokens

    @property
    def cost(self) -> Decimal:
        """The cost of the request."""
        return self.prompt_cost + self.completion_cost


UNUSED = Usage(0, 0, 0, 0, 0, 0, Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: the endpoint that serves it, its content, its cost."""

    id: str
    created: int
    row: Row
    text: str
    reasoning: str
    tool_call: ToolCall | None
    finish_reason: str | None  # None if it stops without one
    native_finish_reason: str | None  # the provider's own finish reason
    usage: Usage
    seal: Seal | None = None  # of its reasoning
    defect: str = ""  # that it has on purpose, see defects.py

    @property
    def pieces(self) -> list[str]:
        """The text in the pieces of a stream, word by word."""
        words = self.text.split(" ")
        return [word if n == 0 else f" {word}" for n, word in enumerate(words)] if self.text else []


def complete(
    ask: Ask,
    row: Row,
    *,
    created: int,
    random: Random,
    cache: CacheUse,
    defects: Sequence[str] = (),
    quirks: Quirks = HONEST,
) -> Completion:
    """The answer of one row to one request; the same seed gives the same answer.

    It has the first of the `defects` that an answer of its kind can have.
    """
    said, defect = damaged(say(ask, row, random, quirks), ask, row, defects)
    lost = ask.switches.empty == "network_error"
    prompt_tokens = 0 if lost else tokens(ask.prompt) + quirks.template
    now = datetime.fromtimestamp(created, UTC)
    price = partial(row.price_at, prompt_tokens=prompt_tokens, now=now)
    identity = generation_id(created, random)
    return Completion(
        id=identity,
        created=created,
        row=row,
        text=said.text,
        reasoning=said.reasoning,
        tool_call=said.call,
        finish_reason=said.finish,
        native_finish_reason=said.native,
        usage=_usage(price, prompt_tokens, cache, said.tokens, tokens(said.reasoning)),
        seal=sealed(ask, row, said.reasoning, identity),
        defect=defect,
    )


def generation_id(created: int, random: Random) -> str:
    """`gen-<unix>-<20 letters and digits>`."""
    return f"gen-{created}-{letters(random, 20)}"


def _usage(
    price: Callable[[str], Decimal], prompt: int, cache: CacheUse, completion: int, reasoning: int
) -> Usage:
    cached = min(cache.read, prompt)
    for_an_hour = min(cache.written_1h, prompt - cached)
    briefly = min(cache.written, prompt - cached - for_an_hour)
    hour_price = price("input_cache_write_1h") or 2 * price("prompt")
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=cached,
        cache_write_tokens=briefly + for_an_hour,
        cache_write_1h_tokens=for_an_hour,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        prompt_cost=(prompt - cached - briefly - for_an_hour) * price("prompt")
        + cached * price("input_cache_read")
        + briefly * price("input_cache_write")
        + for_an_hour * hour_price,
        completion_cost=completion * price("completion"),
    )
