"""Traffic shares: the default order (openrouter.md §A3.1).

Each request draws one endpoint at random, by shares; a retry draws again from the rest. A share
has two parts: a small exploration part, the same for all, so that no chance is zero, and a
competitive part that falls with the square of the effective price and rises with the speed.
Endpoints that have been failing are drawn after all others, like with a circuit breaker.

The formula and its weights are not published; these are guesses that fit the documentation.
"""

from collections.abc import Sequence
from random import Random
from statistics import median

from .ask import Ask
from .catalog import Row
from .saying import tokens

EXPLORED = 0.1  # of all traffic, divided equally among the rows
_CACHED = 0.5  # of a prompt's tokens, if the row has a price for cache reads
_ANSWER = 400  # tokens, if the request sets no lower limit
_FREE = 1e-12  # USD; the assumed price of a row without one
_FASTEST, _SLOWEST = 2.0, 0.5  # the effect of speed on a share, relative to the median row


def drawn(ask: Ask, rows: Sequence[Row], random: Random) -> list[Row]:
    """Every row in the order of attempts."""
    healthy = [row for row in rows if not row.listed.get("status")]
    failing = [row for row in rows if row.listed.get("status")]
    return [*_one_by_one(ask, healthy, random), *_one_by_one(ask, failing, random)]


def _one_by_one(ask: Ask, rows: list[Row], random: Random) -> list[Row]:
    order = []
    while rows:
        row = random.choices(rows, shares(ask, rows))[0]
        order.append(row)
        rows = [other for other in rows if other is not row]
    return order


def shares(ask: Ask, rows: Sequence[Row]) -> list[float]:
    """The chance of each row; they add up to one."""
    speeds = [speed for row in rows if (speed := row.percentile("throughput"))]
    usual = median(speeds) if speeds else 1.0
    edges = [_speed(row, usual) / effective_price(ask, row) ** 2 for row in rows]
    return [EXPLORED / len(rows) + (1 - EXPLORED) * edge / sum(edges) for edge in edges]


def effective_price(ask: Ask, row: Row) -> float:
    """USD for this request's tokens, with the usual cache hits of traffic there."""
    prompt, answer = tokens(ask.prompt), min(ask.most_tokens or _ANSWER, _ANSWER)
    fresh, cached = row.price("prompt"), row.price("input_cache_read")
    per_token = (
        float(fresh) if not cached else float(fresh) * (1 - _CACHED) + float(cached) * _CACHED
    )
    priced = prompt * per_token + answer * float(row.price("completion"))
    return max(priced + float(row.price("request")), _FREE)


def _speed(row: Row, usual: float) -> float:
    """The factor by which a row's speed raises its share; an unknown speed has no effect."""
    speed = row.percentile("throughput")
    return min(max(speed / usual, _SLOWEST), _FASTEST) if speed else 1.0
