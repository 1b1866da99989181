"""Counting: adds up receipts one by one, for questions that stored tallies can't answer.

PURE but for the reading.

Rule 1  Each receipt counts as `tally_of` and `key_of` define it.
Rule 2  It has to be quick, since a page may count twenty thousand: values are used as they are
        stored, and names are read once for each group of receipts that agree in all of them.
"""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from .bounds import MOST_WHOLE
from .histogram import of_one
from .receipt import FAILED
from .stats import Dimension
from .tables import PAID_PICO, RECEIPTS
from .tally import Key, Tally

_AT_ONCE = 2_000  # receipts
_NAMES = 8  # columns that name a group; the rest is counted


class Detail(NamedTuple):
    """A key, with those names of its receipts that tallies don't have."""

    key: Key
    user_agent: str | None
    session: str | None

    @property
    def verdict(self) -> str | None:
        """The verdict of its receipts."""
        return self.key.verdict

    def names(self, by: Sequence[Dimension]) -> Iterator[tuple[str | None, ...]]:
        """The groups that these receipts belong to, as in `Key.names`."""
        own = {"user_agent": self.user_agent, "session": self.session}
        return itertools.product(
            *(
                (own[each],) if each in own else tuple(name for (name,) in self.key.names((each,)))
                for each in by
            )
        )


Counted = tuple[int, Detail, Tally]  # by bucket


def counted(
    connection: sa.Connection,
    bucket_of: Callable[[int], int],
    *conditions: sa.ColumnElement[bool],
    details: bool = False,
) -> Iterator[Counted]:
    """Add up the receipts that fit; `bucket_of` takes milliseconds since 1970.

    User agents and sessions are counted separately only with `details`, since there are many.
    """
    names: tuple[Any, ...] = _DETAILS if details else (sa.null(), sa.null())
    query = (
        sa.select(*_NAMED, *names, *_COUNTED)
        .where(*conditions)
        .execution_options(yield_per=_AT_ONCE)
    )
    groups: dict[tuple[Any, ...], _Sum] = defaultdict(_Sum)
    for row in connection.execute(query):
        values: tuple[Any, ...] = tuple(row)
        groups[bucket_of(values[0]), *values[1 : _NAMES + 1]].add(*values[_NAMES + 1 :])
    for (bucket, *group), added in groups.items():
        yield bucket, _detail(*group), added.tally()


class _Sum:
    """The running sum of the receipts of one group."""

    __slots__ = ("speed", "sums", "ttft")

    def __init__(self) -> None:
        self.sums = [0] * 12
        self.ttft: list[float] = []
        self.speed: list[float] = []

    def add(  # noqa: PLR0917 - in the order of the columns
        self,
        ending: str,
        prompt: int | None,
        cached: int | None,
        completion: int | None,
        cost: int | None,
        ttft: float | None,
        speed: float | None,
        flip_from: str | None,
        flip_tokens: int | None,
        flip_pico: int | None,
    ) -> None:
        """Add one receipt, as it is stored."""
        sums = self.sums
        sums[0] += 1
        if ending != "complete":
            sums[1] += ending in FAILED
            sums[2] += ending == "refused"
        asked, answered = _whole(prompt), _whole(completion)
        sums[3] += asked
        if cached is not None:
            sums[4] += asked
            sums[5] += _whole(cached)
        sums[6] += answered
        if cost is not None:
            sums[7] += asked + answered
            sums[8] += _whole(cost)
        if flip_from is not None:
            sums[9] += 1
            sums[10] += flip_tokens or 0
            sums[11] += flip_pico or 0
        if ttft is not None:
            self.ttft.append(ttft)
        if speed is not None:
            self.speed.append(speed)

    def tally(self) -> Tally:
        """The sum as a tally."""
        spreads = (sum(map(of_one, self.ttft)), sum(map(of_one, self.speed)))
        return Tally._make((*self.sums, *spreads))


def _whole(number: int | None) -> int:
    return min(max(number, 0), MOST_WHOLE) if number else 0


def _detail(  # noqa: PLR0917 - in the order of the columns
    provider: str | None,
    quantizations: str,
    model: str | None,
    caller: str | None,
    rules: str,
    verdict: str | None,
    user_agent: str | None,
    session: str | None,
) -> Detail:
    label = " or ".join(sorted(json.loads(quantizations))) or None
    key = Key(provider, label, model, caller, tuple(json.loads(rules)), verdict)
    return Detail(key, user_agent, session)


_NAMED = (
    sa.type_coerce(RECEIPTS.c.started_at, sa.BigInteger),
    RECEIPTS.c.provider,
    sa.cast(RECEIPTS.c.quantizations_listed, sa.Text),
    sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked),
    RECEIPTS.c.caller,
    sa.cast(RECEIPTS.c.rules, sa.Text),
    RECEIPTS.c.verdict,
)
_DETAILS = (RECEIPTS.c.user_agent, RECEIPTS.c.session)
_COUNTED = (
    RECEIPTS.c.ending,
    RECEIPTS.c.prompt_tokens,
    RECEIPTS.c.cached_tokens,
    RECEIPTS.c.completion_tokens,
    PAID_PICO,
    RECEIPTS.c.ttft_ms,
    RECEIPTS.c.tokens_per_second,
    RECEIPTS.c.flip_from,
    RECEIPTS.c.flip_tokens,
    RECEIPTS.c.flip_pico,
)
