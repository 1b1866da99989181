"""Answers of an engine to prompts, with the noise that real endpoints show between two runs.

An engine in numpy gives the same greedy answer each time. Real endpoints do not: batches change the
order of sums. Their noise is added here, as a normal error of each logit and token, such that the
gap between the two highest logits has the standard deviation that is given (docs/audit.md,
"Measured"). Sequences of one prompt that still agree are computed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.audit_real.engine import Engine
from bench.audit_real.tokenizer import Tokenizer

TOKENS = 16
_CANDIDATES = 128  # the highest logits; the others are too far below
_AT_ONCE = 16  # prompts


@dataclass(frozen=True)
class Said:
    """One answer: its text, its tokens, and how many its prompt had."""

    text: str
    ids: tuple[int, ...]
    prompt_tokens: int


@dataclass
class _Sequence:
    prompt: int
    noise: float  # of the gap
    temperature: float
    row: int
    ids: list[int]
    ended: bool = False


def answers(
    engine: Engine,
    tokenizer: Tokenizer,
    prompts: Sequence[list[int]],
    wanted: Sequence[tuple[float, float]],
    rng: np.random.Generator,
) -> list[list[Said]]:
    """For each prompt one answer for each `(noise, temperature)` that is wanted."""
    found: list[list[Said]] = []
    for start in range(0, len(prompts), _AT_ONCE):
        some = list(prompts[start : start + _AT_ONCE])
        found += [
            [
                Said(tokenizer.decode(each.ids), tuple(each.ids), len(some[each.prompt]))
                for each in row
            ]
            for row in _grown(engine, tokenizer.end, some, wanted, rng)
        ]
    return found


class Walk:
    """Answers of one engine one by one; what was computed once for a prefix is kept."""

    def __init__(self, engine: Engine, end: int) -> None:
        self.engine, self.end = engine, end
        self.known: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def answer(
        self,
        prompt: Sequence[int],
        most: int,
        noise: float,
        temperature: float,
        rng: np.random.Generator,
    ) -> list[int]:
        """One answer of at most `most` tokens."""
        each = _Sequence(0, noise, temperature, 0, [])
        kept = None
        while len(each.ids) < most:
            place = (*prompt, *each.ids)
            if place not in self.known:
                if kept is None:
                    logits, kept = self.engine.begin([list(place)], TOKENS)
                else:
                    logits = self.engine.step(np.array(each.ids[-1:]), kept)
                self.known[place] = tuple(side[0] for side in _highest(logits))
            best, heights = self.known[place]
            token = int(best[_chosen(heights, each, rng)])
            if token == self.end:
                break
            each.ids.append(token)
        return each.ids


def _grown(engine, end, prompts, wanted, rng) -> list[list[_Sequence]]:
    rows = [
        [_Sequence(at, noise, temperature, at, []) for noise, temperature in wanted]
        for at in range(len(prompts))
    ]
    logits, kept = engine.begin(prompts, TOKENS)
    for place in range(TOKENS):
        best, heights = _highest(logits)
        children: dict[tuple[int, int], int] = {}
        for each in (each for row in rows for each in row if not each.ended):
            token = int(best[each.row, _chosen(heights[each.row], each, rng)])
            if token == end:
                each.ended = True
                continue
            each.ids.append(token)
            each.row = children.setdefault((each.row, token), len(children))
        if not children or place == TOKENS - 1:
            break
        parents, tokens = (np.array(side) for side in zip(*children, strict=True))
        kept = kept.of(parents)
        logits = engine.step(tokens, kept)
    return rows


def _highest(logits):
    """The tokens that can be chosen, and their logits."""
    best = np.argpartition(logits, -_CANDIDATES, axis=1)[:, -_CANDIDATES:]
    return best, np.take_along_axis(logits, best, axis=1)


def _chosen(heights, each: _Sequence, rng) -> int:
    if each.noise:
        heights = heights + rng.normal(0, each.noise / np.sqrt(2), len(heights))
    if each.temperature:
        heights = heights / each.temperature + rng.gumbel(size=len(heights))
    return int(np.argmax(heights))
