"""An upper bound of what one request may cost, by the prices that its model's endpoints list.

Rule 1  Every endpoint counts that policy and request leave: those that a filter certainly drops are
        left out, as in the funnel. A prompt that may be longer than it is drops none.
Rule 2  A prompt and its answer share the context, so a long answer leaves less room for the prompt.
Rule 3  The limit of a request holds only at endpoints that list it as a parameter: OpenRouter drops
        a parameter in silence where an endpoint does not support it (openrouter.md §1.6).
Rule 4  A price that is not known makes the bound unknown, and not smaller.
Rule 5  Several prompts in one request are read and answered one by one: none shares its context.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from ..catalog.endpoint import Endpoint
from ..exact_numbers import plainly
from .filters import FILTERS, Asked
from .prompt_size import Size

# The parameters of which an endpoint lists one if it ends an answer at a limit.
LIMITING = frozenset({"max_tokens", "max_completion_tokens"})

_MILLION = 1_000_000
_HOUR_TO_PROMPT = 2  # a price for writing to a cache for an hour that is not listed (§2.6)


@dataclass(frozen=True, slots=True)
class Bound:
    """What one request costs at most at one endpoint, in USD, and how it comes about."""

    model: str
    endpoint: Endpoint
    usd: Decimal | None  # None: it can't be told, because of `why`
    why: str = ""
    prompt_tokens: int = 0
    prompt_price: Decimal = Decimal(0)  # USD per token, as the next
    output_tokens: int = 0
    output_price: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    def __str__(self) -> str:
        """Render the figures: `12,000 tokens of prompt at $3 a million, ...`."""
        parts = [
            f"{self.prompt_tokens:,} tokens of prompt at ${_per_million(self.prompt_price)}",
            f"{self.output_tokens:,} of output at ${_per_million(self.output_price)} a million",
        ]
        fees = [f"${plainly(self.fees)} in fees"] if self.fees else []
        return ", ".join(parts + fees)


@dataclass(frozen=True, slots=True)
class Priced:
    """What an endpoint charges for a request of a certain size: USD per token, and once."""

    prompt: Decimal
    output: Decimal
    fees: Decimal
    prompt_tokens: int | None  # at most; None: no bound but the context


def still_allowed(rows: Sequence[Endpoint], asked: Asked) -> tuple[Endpoint, ...]:
    """The endpoints of a listing that no filter certainly drops.

    The filters that look at what others leave (`gentle`) drop none here: they may be wrong about
    others. Neither does the length of a prompt, which is only known to be at most so many tokens.
    """
    asked = replace(asked, needs=replace(asked.needs, prompt_tokens=0))
    return tuple(
        row
        for row in rows
        if not any(each.drops(asked, row, rows) for each in FILTERS if not each.gentle)
    )


def bound_at(model: str, endpoint: Endpoint, size: Size, limit: int | None) -> Bound:
    """What a request of this size costs at most at one endpoint.

    `limit`: of tokens in one answer, as the request sets it; None: it sets none.
    """
    priced = priced_at(endpoint, size)
    if isinstance(priced, str):
        return Bound(model, endpoint, None, priced)
    output = _most_output(endpoint, limit)
    read, written = _shared(priced, output, endpoint.context_length, size)
    if read is None or written is None:
        return Bound(model, endpoint, None, "it lists no limit for the answer and no context")
    written = written * size.answers + size.predicted
    return Bound(
        model,
        endpoint,
        read * priced.prompt + written * priced.output + priced.fees,
        "",
        read,
        priced.prompt,
        written,
        priced.output,
        priced.fees,
    )


def most_output(endpoint: Endpoint, size: Size, usd: Decimal) -> int | None:
    """The highest limit of an answer at which a request costs at most so much at an endpoint.

    0 or less if there is none; None if any limit will do. `usd` is what is left for the request.
    """
    priced = priced_at(endpoint, size)
    if isinstance(priced, str):
        return 0
    bound = bound_at("", endpoint, size, None)
    if bound.usd is not None and bound.usd <= usd:
        return None
    if not limits(endpoint):
        return 0
    read = _least_of(priced.prompt_tokens, _room(endpoint.context_length, size))
    if read is None:
        return 0
    left = usd - read * priced.prompt - size.predicted * priced.output - priced.fees
    each = priced.output * size.answers
    if not each:
        return None if left >= 0 else 0
    return int((left / each).to_integral_value(ROUND_FLOOR))


def dearest(bounds: Iterable[Bound]) -> Bound | None:
    """The highest of these bounds, or the first that is unknown; None if there are none."""
    found = tuple(bounds)
    unknown = next((each for each in found if each.usd is None), None)
    return unknown or max(found, key=lambda each: each.usd or 0, default=None)


def limits(endpoint: Endpoint) -> bool:
    """Whether an endpoint ends an answer at the limit of a request."""
    return not LIMITING.isdisjoint(endpoint.supported_parameters)


def priced_at(endpoint: Endpoint, size: Size) -> Priced | str:
    """The highest prices of an endpoint for a request of this size; or why they are not known."""
    rates, context = endpoint.rates, endpoint.context_length
    tokens = _least_of(size.prompt, context)
    missing = [name for name in ("prompt", "completion") if rates.listed.get(name) is None]
    reading = ["prompt", "input_cache_read"]
    reading += ["image_token"] if size.pictures else []
    reading += ["audio", "input_audio_cache"] if size.has_sound else []
    reading += ["input_cache_write"] if size.marked else []
    reading += ["input_cache_write_1h"] if size.marked and size.for_an_hour else []
    writing = ["completion", "internal_reasoning", "image_output", "audio_output"]
    once = ["request", "image"] if size.pictures else ["request"]
    prices = {name: rates.highest(name, tokens) for name in (*reading, *writing, *once)}
    missing += [name for name, price in prices.items() if price is None and name not in missing]
    if missing:
        return f"its price for {missing[0]} is not known"
    known = {name: price for name, price in prices.items() if price is not None}
    read = max(known[name] for name in reading)
    if known.get("input_cache_write") and known.get("input_cache_write_1h") == 0:
        read = max(read, _HOUR_TO_PROMPT * known["prompt"])
    pictures = size.pictures * known.get("image", Decimal(0))
    written = max(known[name] for name in writing)
    return Priced(read, written, known["request"] + pictures, size.prompt)


def _most_output(endpoint: Endpoint, limit: int | None) -> int | None:
    """The most tokens in an answer, if anything but the context bounds it."""
    asked = limit if limits(endpoint) else None
    return _least_of(asked, endpoint.max_completion_tokens)


def _shared(
    priced: Priced, output: int | None, context: int | None, size: Size
) -> tuple[int | None, int | None]:
    """The tokens of all prompts and of each answer that cost most together; None: not bounded."""
    prompt = priced.prompt_tokens
    if context is None:
        return prompt, output
    if size.prompts > 1:
        return _least_of(prompt, _room(context, size)), _least_of(output, context)
    if priced.output * size.answers >= priced.prompt:
        written = min(context, context if output is None else output)
        return min(context - written, context if prompt is None else prompt), written
    read = min(context, context if prompt is None else prompt)
    return read, min(context - read, context if output is None else output)


def _room(context: int | None, size: Size) -> int | None:
    """The most tokens of prompt that an endpoint reads for one request."""
    return None if context is None else context * size.prompts


def _least_of(*numbers: int | None) -> int | None:
    return min((each for each in numbers if each is not None), default=None)


def _per_million(price: Decimal) -> str:
    return plainly(price * _MILLION)
