"""An answer as it is kept: a keyed hash of each of its prefixes, which tells where two part.

The key is a secret of this installation. Without one, the first hash would give the first character
away, the second the second, and so on: the text is found by trying each character in turn.
"""

import hashlib

import msgspec

from .results import Drop

_BYTES = 4  # of each hash: two prefixes that differ are taken for equal once in 4e9
LONGEST = 400  # characters; 16 tokens are some 70
TOKENS = 16  # asked for


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer. `prefixes`: the hashes of its first character, its first two, and so on.

    The tokens are as the answer's `usage` counts them; None where it does not.
    """

    prefixes: bytes
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int = 0

    @property
    def length(self) -> int:
        """How many characters it has; at most `LONGEST`."""
        return len(self.prefixes) // _BYTES

    @property
    def overlong(self) -> bool:
        """Whether it has more tokens than were asked for."""
        return (self.completion_tokens or 0) > TOKENS

    def cut(self, length: int) -> "Answer":
        """The answer without what follows its first `length` characters."""
        return msgspec.structs.replace(self, prefixes=self.prefixes[: length * _BYTES])


class Collected(msgspec.Struct, frozen=True, omit_defaults=True):
    """All answers of one endpoint, prompt by prompt in the order of the draw.

    A prompt with fewer answers than were asked for is incomplete. `dropped`: how many answers were
    left out, by reason.
    """

    tag: str
    answers: tuple[tuple[Answer, ...], ...]
    dropped: dict[Drop, int] = {}


def hashed(text: str, key: bytes) -> bytes:
    """The keyed hashes of a text's prefixes, one after the other; `key` has 16 to 64 bytes.

    Of a text longer than `LONGEST` characters, the rest is left out.
    """
    running = hashlib.blake2b(key=key, digest_size=_BYTES)
    hashes = []
    for character in text[:LONGEST]:
        running.update(character.encode("utf-8", "surrogatepass"))
        hashes.append(running.copy().digest())
    return b"".join(hashes)


def mark_of(key: bytes) -> str:
    """A name for a key, which does not give it away; answers hashed with two keys don't compare."""
    return hashlib.blake2b(b"pointsman audit key", key=key, digest_size=8).hexdigest()


def share(one: Answer, other: Answer) -> float:
    """How much of two answers agrees: their common prefix over the longer one, 0 to 1."""
    longer = max(one.length, other.length)
    return common(one.prefixes, other.prefixes) / longer if longer else 1.0


def common(one: bytes, other: bytes) -> int:
    """How many characters two answers have in common before they part.

    Prefixes that are equal have equal prefixes, so the place is found by halving.
    """
    low, high = 0, min(len(one), len(other)) // _BYTES
    while low < high:
        middle = (low + high + 1) // 2
        end = middle * _BYTES
        if one[end - _BYTES : end] == other[end - _BYTES : end]:
            low = middle
        else:
            high = middle - 1
    return low
