"""The prices of a prompt's tokens: plain, read from a cache, written to one. PURE."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from .endpoint import Endpoint

_MILLION = Decimal(1_000_000)


def token_prices(endpoints: Sequence[Endpoint]) -> Mapping[str, str] | None:
    """The prices that all of these endpoints list, in USD per million tokens as exact texts.

    `prompt` and `completion`; `cache_read` and `cache_write` where they are listed. None if there
    is no endpoint, or prices differ, vary with the time or the length, or are not listed.
    """
    listed = {_of(endpoint) for endpoint in endpoints}
    if len(listed) != 1:
        return None
    (prices,) = listed
    if prices is None:
        return None
    return {name: f"{price * _MILLION:f}" for name, price in prices if price is not None}


def _of(endpoint: Endpoint) -> tuple[tuple[str, Decimal | None], ...] | None:
    prompt, completion = endpoint.prompt_price, endpoint.completion_price
    if endpoint.price_varies or prompt is None or completion is None:
        return None
    return (
        ("prompt", prompt),
        ("completion", completion),
        ("cache_read", endpoint.cache_read_price),
        ("cache_write", endpoint.cache_write_price),
    )
