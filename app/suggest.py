"""Did-you-mean: the known word that an unknown one was most likely meant to be. PURE."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean fp8?`, or an empty string if no known word is similar."""
    lower = {each.lower(): each for each in known}
    near = nearest(word.lower(), lower, cutoff)
    return f"; did you mean {lower[near]}?" if near else ""


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The most similar known word; None if none is similar enough."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)
