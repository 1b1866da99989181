"""Did-you-mean: the known word that an unknown one was most likely meant to be. PURE."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean fp8?`, or nothing when no known word is near."""
    lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), lower, n=1, cutoff=cutoff)
    return f"; did you mean {lower[near[0]]}?" if near else ""
