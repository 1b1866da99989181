"""Stats for tests, made of receipts as the ledger makes them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

from app.ledger.histogram import of_one
from app.ledger.stats import Figures, Group, Line, Series, Verdicts
from app.ledger.tally import PICO, Tally

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def figures(requests: int = 0, **fields: Any) -> Figures:
    """Figures by name: verdicts by their words, dollars as text, `ttft` and `speed` as values."""
    verdicts = {word: fields.pop(word, 0) for word in ("kept", "broken", "unproven", "none")}
    for name in ("ttft", "speed"):
        fields[name] = sum(of_one(value) for value in fields.get(name, ()))
    for name in ("cost", "flip"):
        fields[f"{name}_pico"] = int(Decimal(fields.pop(name, "0")) * PICO)
    return Figures(Tally(requests=requests, **fields), Verdicts(**verdicts))


def group(*names: str | None, share: float = 0.0, **fields: Any) -> Group:
    """One group."""
    return Group(names, figures(**fields), share)


def series(**lines: list[Figures]) -> Series:
    """A series by provider, an hour a bucket; the name `nobody` stands for None."""
    totals = tuple(reduce(add, column) for column in zip(*lines.values(), strict=True))
    return Series(
        bucket=HOUR,
        starts=tuple(START + HOUR * at for at in range(len(totals))),
        by=("provider",),
        lines=tuple(
            Line(
                (None if name == "nobody" else name,),
                tuple(points),
                tuple(
                    point.requests / total.requests if total.requests else 0.0
                    for point, total in zip(points, totals, strict=True)
                ),
            )
            for name, points in lines.items()
        ),
        total=totals,
    )
