"""The statistic of the twin test: how soon answers part across endpoints, and within each.

Each of two endpoints answers each prompt k times (2, or 3 with `--deep`).

    within    mean share of the pairs of one endpoint's own answers
    cross     mean share of the pairs of one answer of each
    effect    within(A) + within(B) - 2 cross; for each way to say which k of the 2k answers are B's
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from .answers import TOKENS, Answer, share

_UNIT = 10**9  # effects are whole numbers of it, so that equal ones are equal


@dataclass(frozen=True, slots=True)
class Twin:
    """One prompt: the shares within the reference, within the endpoint and across.

    `effects`: that of each split, in billionths; the observed one first.
    """

    reference: float
    own: float
    across: float
    effects: tuple[int, ...]


def twin(reference: Sequence[Answer], own: Sequence[Answer]) -> Twin:
    """Compare the answers of two endpoints to one prompt: as many of each, and at least two."""
    answers = evened((*reference, *own))
    size, number = len(answers), len(own)
    shares = {pair: share(answers[pair[0]], answers[pair[1]]) for pair in _pairs(range(size))}
    first = tuple(range(number))  # the reference's
    parts = [_parts(chosen, size, shares) for chosen in combinations(range(size), number)]
    observed = _parts(first, size, shares)
    return Twin(*observed, (_effect(observed), *map(_effect, parts[1:])))


def evened(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """The answers, with those of too many tokens cut as if the limit had been kept.

    They are cut where the longest of the others ends; if there is no other, in proportion. It does
    not depend on which endpoint an answer is of, so the permutation test stays exact.
    """
    others = [answer.length for answer in answers if not answer.overlong]
    return tuple(
        answer
        if not answer.overlong
        else answer.cut(
            max(others)
            if others
            else round(answer.length * TOKENS / (answer.completion_tokens or TOKENS))
        )
        for answer in answers
    )


def _pairs(places: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(places, 2))


def _parts(
    chosen: tuple[int, ...], size: int, shares: dict[tuple[int, int], float]
) -> tuple[float, float, float]:
    """The shares within the chosen answers, within the others, and across."""
    others = tuple(place for place in range(size) if place not in chosen)
    across = [shares[min(one, two), max(one, two)] for one in chosen for two in others]
    return (
        fmean(shares[pair] for pair in _pairs(chosen)),
        fmean(shares[pair] for pair in _pairs(others)),
        fmean(across),
    )


def _effect(parts: tuple[float, float, float]) -> int:
    within, other, across = parts
    return round((within + other - 2 * across) * _UNIT)
