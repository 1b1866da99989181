"""Which prompts an audit asks: a draw from the pool, by a seed."""

import hashlib

from .pool import POOL

DIGEST = hashlib.blake2b("\n".join(POOL).encode(), digest_size=8).hexdigest()


def draw(seed: int, number: int) -> tuple[str, ...]:
    """`number` different prompts; the same ones for the same seed and pool, in the same order.

    The prompts are sorted by a hash of each with the seed, so that no version of Python's `random`
    changes a draw.

    Raises:
        ValueError: the pool has fewer prompts.
    """
    if not 0 < number <= len(POOL):
        raise ValueError(f"{number} prompts: an audit takes 1 to {len(POOL)}")
    key = seed.to_bytes(16, "big", signed=True)
    return tuple(sorted(POOL, key=lambda prompt: _place(prompt, key))[:number])


def _place(prompt: str, key: bytes) -> bytes:
    return hashlib.blake2b(prompt.encode(), key=key, digest_size=16).digest()
