"""Combines two values of one `provider` field: `ours`, the policy's, and `theirs`, the caller's.

The policy's values have been read from a policy file; the caller's may be anything. If the result
is the caller's value unchanged, it is the same object. Raises `MalformedBody` if the caller's
value must be read and can't be.
"""

from decimal import Decimal
from typing import Any

from ..errors import MalformedBody
from ..exact_numbers import MOST_DIGITS, MOST_EXPONENT, exact


def shared(ours: Any, theirs: Any) -> Any:
    """The labels that both lists have."""
    labels, known = texts("quantizations", theirs), frozenset(ours)
    kept = [label for label in labels if label in known]
    return theirs if kept == theirs else kept


def united(ours: Any, theirs: Any) -> Any:
    """The entries of both lists."""
    listed = frozenset(texts("ignore", theirs))
    more = [entry for entry in ours if entry not in listed]
    return [*theirs, *more] if more else theirs


def either(ours: Any, theirs: Any) -> Any:
    """True wins."""
    return True if ours is True else theirs


def both(ours: Any, theirs: Any) -> Any:
    """False wins."""
    return False if ours is False else theirs


def deny_wins(ours: Any, theirs: Any) -> Any:
    """Deny wins."""
    return ours if ours == "deny" else theirs


def ours_wins(ours: Any, _theirs: Any) -> Any:
    """The policy's value."""
    return ours


def lower_prices(ours: Any, theirs: Any) -> Any:
    """The lower price of each key, as that side wrote it; a tie keeps the caller's."""
    caps = mapping("max_price", theirs)
    lower = {key: cap for key, cap in ours.items() if key not in caps or _below(cap, caps[key])}
    return {**caps, **lower} if lower else theirs


def _below(ours: Any, theirs: Any) -> bool:
    return _price(ours) < _price(theirs)


def _price(value: Any) -> Decimal:
    """A price, which callers write as a number or as a string; both are in use."""
    price = exact(value)
    if price is None:
        raise MalformedBody(
            "provider.max_price requires numbers in USD per million tokens, with at most "
            f"{MOST_DIGITS} digits and between 1e-{MOST_EXPONENT} and 1e{MOST_EXPONENT}"
        )
    return price


def over(first: Any, second: Any) -> Any:
    """All keys of both, `first` winning; if either side already equals the result, that object."""
    one, other = _percentiles(first), _percentiles(second)
    both = {**other, **one}
    if both == other:
        return second
    return first if both == one else both


def by_provider(ours: Any, theirs: Any) -> Any:
    """The options of both, the policy's winning."""
    return over(ours, mapping("options", theirs))


def _percentiles(value: Any) -> Any:
    """A bare number means the median."""
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    return {"p50": value} if bare else mapping("preferred_*", value)


def mapping(field: str, value: Any) -> dict[str, Any]:
    """A value that has to be an object. Raises `MalformedBody`."""
    if not isinstance(value, dict):
        raise MalformedBody(f"provider.{field} must be an object")
    return value


def texts(field: str, value: Any) -> list[str]:
    """A value that has to be a list of strings. Raises `MalformedBody`."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise MalformedBody(f"provider.{field} must be a list of strings")
