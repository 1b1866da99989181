"""Holm's correction for several tests at once (S. Holm, Scand. J. Statist. 6, 1979, 65-70)."""

from collections.abc import Sequence


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """The p-values, adjusted: the smallest times their number, the next times one less, and so on.

    None gets smaller than one that comes before it in this order, and none exceeds 1.
    """
    count, highest = len(values), 0.0
    adjusted = [0.0] * count
    for rank, place in enumerate(sorted(range(count), key=values.__getitem__)):
        highest = max(highest, min(1.0, (count - rank) * values[place]))
        adjusted[place] = highest
    return tuple(adjusted)
