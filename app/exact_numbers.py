"""Numbers from outside, exact and bounded, and how they are written out again. PURE.

Rule 1  A number is read from its text and never passes through a float: costs are compared with
        list prices to the last digit.
Rule 2  A number outside of the bounds counts as not sent. `1e-999999999` has twelve bytes, and a
        gigabyte of digits once it is written out.
Rule 3  Nothing here takes longer than a few microseconds, whatever it is given.
"""

import re
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

LONGEST = 100  # characters of a number's text
MOST_DIGITS = 40  # significant ones
MOST_EXPONENT = 30  # a number is 0, or from 10^-30 up to 10^31
MOST_COUNT = 2**53  # beyond it, JSON's readers disagree about whole numbers

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_ROOMY = Context(prec=LONGEST)  # for what is within the bounds
_LONGEST_INT = 10 ** (MOST_EXPONENT + 1)


def from_json(text: str) -> Decimal | None:
    """The number that a JSON number's text means; None beyond the bounds."""
    if len(text) > LONGEST:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return None
    if not -MOST_EXPONENT <= number.adjusted() <= MOST_EXPONENT:
        return None
    return number if len(text) <= MOST_DIGITS or _digits(number) <= MOST_DIGITS else None


def exact(value: object) -> Decimal | None:
    """`value` as a number, whether it is one or a text that spells one; None beyond the bounds.

    Returns None for a spelling that only Python accepts as a number (`0_1`, `Infinity`, ` 1`).
    """
    if type(value) is str:
        readable = len(value) <= LONGEST and _NUMBER.fullmatch(value)
        return from_json(value) if readable else None
    if type(value) is int:
        return from_json(str(value)) if -_LONGEST_INT < value < _LONGEST_INT else None
    if type(value) is float:
        return exact(repr(value))
    return from_json(str(value)) if type(value) is Decimal and value.is_finite() else None


def whole(value: object, *, least: int = 0, below: int = MOST_COUNT) -> int | None:
    """`value` if it is a whole number in a range: a count, a status, a time in seconds."""
    return value if type(value) is int and least <= value < below else None


def plainly(number: Decimal) -> str:
    """A number's digits, without insignificant zeros: `0.000025`, `1200`.

    A number outside the bounds of this module is written with an exponent instead.
    """
    if number and abs(number.adjusted()) > MOST_EXPONENT:
        return f"{number:.6E}"
    text = f"{number:f}" if number else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dollars_told(amount: Decimal, *, up: bool = False) -> str:
    """An amount of US dollars for a refusal's message: `$1.50`, `$0.0021`, `$1,204.00`.

    To the cent, or to two significant digits if that is finer; `up` rounds up. More digits would
    do harm: opencode and pi repeat every error whose text has the digits of a status in a row, such
    as the 500 in `$1.5000`.
    """
    places = max(2, min(1 - amount.adjusted(), MOST_EXPONENT)) if amount else 2
    way = ROUND_CEILING if up else ROUND_HALF_EVEN
    return f"${amount.quantize(Decimal(1).scaleb(-places), way, _ROOMY):,f}"


def _digits(number: Decimal) -> int:
    return len(number.as_tuple().digits)
