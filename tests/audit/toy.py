"""A toy of a language model: logits that are a hash of the prompt and of what was said.

An endpoint adds to them a change of its own, the same each time (`delta`), and noise of each
request (`sigma`); it may choose at a `temperature`, and give its first answer again (`cached`).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.audit.answers import TOKENS, Answer, Collected, hashed

KEY = b"a key of 16 bytes"
WORDS = ("ab", "cede", "fi", "golu ", "hen", "jo", "kilt", "mur ")
_SPREAD = 2.0  # of logits


@dataclass(frozen=True)
class Toy:
    """One endpoint."""

    name: str = "reference"
    delta: float = 0.0
    sigma: float = 0.02
    temperature: float = 0.0
    cached: bool = False
    prompt_tokens: int = 20  # more than the prompt's own

    def collected(
        self, prompts: Sequence[str], chance: random.Random, answers: int = 2
    ) -> Collected:
        """As many answers to each prompt."""
        return Collected(
            tag=self.name,
            answers=tuple(self.answers(prompt, chance, answers) for prompt in prompts),
        )

    def answers(self, prompt: str, chance: random.Random, number: int) -> tuple[Answer, ...]:
        """Some answers to one prompt."""
        texts = [self.text(prompt, chance) for _ in range(number)]
        if self.cached:
            texts = texts[:1] * number
        return tuple(
            Answer(
                prefixes=_hashed(text),
                prompt_tokens=self.prompt_tokens + len(prompt.split()),
                completion_tokens=TOKENS,
            )
            for text in texts
        )

    def text(self, prompt: str, chance: random.Random) -> str:
        """One answer of 16 words."""
        said: tuple[int, ...] = ()
        for _ in range(TOKENS):
            said = (*said, self._next(prompt, said, chance))
        return "".join(WORDS[word] for word in said)

    def _next(self, prompt: str, said: tuple[int, ...], chance: random.Random) -> int:
        logits = _normals(f"{prompt} {said}")
        heights = [_SPREAD * each + chance.gauss(0, self.sigma) for each in logits]
        if self.delta:
            own = _normals(f"{self.name} {prompt} {said}")
            heights = [each + self.delta * more for each, more in zip(heights, own, strict=True)]
        if self.temperature:
            heights = [each / self.temperature - _log_of_exponential(chance) for each in heights]
        return max(range(len(heights)), key=heights.__getitem__)


def _log_of_exponential(chance: random.Random) -> float:
    """Subtracted from each logit, it makes the highest a draw by the softmax (Gumbel's trick)."""
    return math.log(chance.expovariate(1.0))


@lru_cache(100_000)
def _normals(about: str) -> tuple[float, ...]:
    seeded = random.Random(about)
    return tuple(seeded.gauss(0, 1) for _ in WORDS)


@lru_cache(20_000)
def _hashed(text: str) -> bytes:
    return hashed(text, KEY)
