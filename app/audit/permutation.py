"""The permutation test: could the two endpoints' answers have come from one endpoint?

If they did, each way to say which answers are the endpoint's and which the reference's is equally
likely (R. A. Fisher, 1935). No model of the noise is needed.
"""

from collections.abc import Sequence
from operator import add

from .chance import Chance

DRAWS = 1999


def p_value(rows: Sequence[Sequence[int]], chance: Chance, draws: int = DRAWS) -> float:
    """How often random splits differ at least as much as the observed one.

    A row is one prompt: the effect of each split, the observed one first. The result is (1 + k) /
    (1 + draws), so that it is never 0 (Phipson and Smyth, 2010).
    """
    observed = sum(row[0] for row in rows)
    totals = [0] * draws
    for row in rows:
        if len(set(row)) == 1:
            totals = [total + row[0] for total in totals]
        else:
            totals = list(map(add, totals, chance.choices(row, k=draws)))
    return (1 + sum(total >= observed for total in totals)) / (1 + draws)
