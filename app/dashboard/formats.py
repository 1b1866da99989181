"""Values for people: short, aligned, and without digits that are not known. PURE.

An unknown value is a dash, never a zero.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ..wording import plural

UNKNOWN = "\N{EN DASH}"
_THIN = "\N{NARROW NO-BREAK SPACE}"

_SECOND = 1000.0
_MINUTE = 60 * _SECOND
_MOST_DIGITS = 8
_MOST_DOLLARS = Decimal(10) ** 12
_SIZES = ("B", "kB", "MB", "GB")


def count(number: float | None) -> str:
    """12,345."""
    return UNKNOWN if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """A share of 1: 98.2 %; a share near 0 or 1 is never rounded to 0 % or 100 %."""
    if share is None:
        return UNKNOWN
    if share in {0, 1}:
        return f"{share * 100:.0f}{_THIN}%"
    return f"{min(max(share * 100, 0.1), 99.9):.1f}{_THIN}%"


def duration(milliseconds: float | None) -> str:
    """85 ms, 0.41 s, 12.3 s, 3 min 20 s."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < _SECOND / 10:
        return f"{milliseconds:.0f}{_THIN}ms"
    if milliseconds < 10 * _SECOND:
        return f"{milliseconds / _SECOND:.2f}{_THIN}s"
    if milliseconds < 2 * _MINUTE:
        return f"{milliseconds / _SECOND:.1f}{_THIN}s"
    minutes, seconds = divmod(round(milliseconds / _SECOND), 60)
    return f"{minutes:,}{_THIN}min {seconds}{_THIN}s"


def span(length: timedelta) -> str:
    """3 days, 5 hours, 12 minutes; rounded, and never zero."""
    for noun, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if length >= 2 * unit:
            return plural(round(length / unit), noun)
    return plural(max(round(length / timedelta(minutes=1)), 1), "minute")


def rate(per_second: float | None) -> str:
    """Tokens a second: 61, 8.4."""
    if per_second is None:
        return UNKNOWN
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"  # noqa: PLR2004


def dollars(amount: Decimal | float | None, digits: int | None = None) -> str:
    """$12.34, $0.0021, $0: two digits after the point, or more to show two significant ones.

    With `digits`, for columns, always that number; an amount that would round to zero is shown as
    less than the smallest, and an absurdly large one as more than the largest.
    """
    if amount is None:
        return UNKNOWN
    amount = Decimal(amount)
    if not amount:
        return "$0"
    if amount >= _MOST_DOLLARS:
        return f">${_MOST_DOLLARS:,}"
    if digits is None:
        digits = min(max(2, 1 - amount.adjusted()), _MOST_DIGITS)
    least = Decimal(1).scaleb(-digits)
    return f"${amount:,.{digits}f}" if amount >= least / 2 else f"<${least:f}"


def dollar_digits(amounts: Iterable[Decimal | float | None]) -> int:
    """The digits after the point that show three digits of the largest amount of a column."""
    most = max((Decimal(amount) for amount in amounts if amount), default=Decimal(1))
    return min(max(2, 2 - most.adjusted()), _MOST_DIGITS)


def size(number: int) -> str:
    """687 B, 12.4 kB, 3.1 MB."""
    thousands = min(len(f"{number:,}".split(",")) - 1, len(_SIZES) - 1)
    shown = number / 1000**thousands
    return f"{shown:,.{1 if thousands else 0}f}{_THIN}{_SIZES[thousands]}"


def words(values: Any) -> str:
    """Several values in a row, or a dash."""
    return ", ".join(map(str, values)) or UNKNOWN


def json_lines(values: Mapping[str, Any]) -> str:
    """A JSON object with a line for each field; characters are not escaped."""
    lines = (
        f"  {inline_json(str(key), quoted=True)}: {inline_json(value, quoted=True)}"
        for key, value in values.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}" if values else "{}"


def inline_json(value: Any, *, quoted: bool = False) -> str:
    """JSON on one line; a text is unchanged, unless `quoted`."""
    if isinstance(value, str) and not quoted:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
