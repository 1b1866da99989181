"""The text that a simulated model writes at temperature 0: one word after the other, by logits.

A word's logit is a hash of the model, the prompt, the words before it, and the word, so honest
endpoints of one model write the same text. Quirks change the logits: always the same way at one
endpoint, or anew for each request. What follows a word depends on it, so texts that have parted
stay apart, as those of a language model do.
"""

import math
import struct
from hashlib import blake2b
from random import Random
from statistics import NormalDist

from .catalog import Row
from .quirks import Quirks

LONGEST = 31  # words: four clauses without the last conjunction
# How far logits lie apart. With it, a delta of .05, .2 and .5 leaves about .9, .6 and .3 of the
# first 16 words in common.
_SPREAD = 2.5
# The words that may stand at each place of a clause. They have three letters each: with its space,
# a word is one token, see `saying.tokens`.
_CLAUSE = """\
the one our her his its any
old new red big shy wet dry hot sad odd raw fat mad sly wry icy
cat dog fox owl hen bee cow pig boy man cub elf ape bat ant rat
saw met hid got won ate had cut bit hit led fed lit dug
the one our her his its any
old new red big shy wet dry hot sad odd raw fat mad sly wry icy
cup map hat box pie jar fig key toy pen bag pot net rug log egg
and but yet for now nor"""
_PLACES = tuple(line.split() for line in _CLAUSE.splitlines())

_NUMBERS = struct.Struct("<16I")  # the digest of blake2b, one number for each word of a place
_UNIT = 2.0**-32
_normal = NormalDist().inv_cdf


def worded(prompt: str, row: Row, quirks: Quirks, random: Random, *, words: int = LONGEST) -> str:
    """The text of an endpoint for a prompt, at temperature 0 and of at most this many words.

    Its noise is drawn from `random`; an endpoint that repeats its answers draws it from the prompt.
    """
    read = f"{row.model.canonical}\n{quirks.template}\n{prompt}".encode("utf-8", "surrogatepass")
    state = blake2b(read).digest()
    if quirks.cached:
        random = Random(state + row.tag.encode())  # noqa: S311 - a game of chance, not a secret
    written = []
    for place in range(min(words, LONGEST)):
        vocabulary = _PLACES[place % len(_PLACES)]
        logits = _logits(state, row.tag, quirks, random, len(vocabulary))
        best = logits.index(max(logits))
        written.append(vocabulary[best])
        state = blake2b(state + bytes([best])).digest()
    text = " ".join(written).capitalize()
    return text if words < LONGEST else f"{text}."


def _logits(state: bytes, tag: str, quirks: Quirks, random: Random, count: int) -> list[float]:
    """The logits of the words that may come next."""
    logits = [_SPREAD * each for each in _normals(state, "", count)]
    if quirks.delta:
        changes = _normals(state, tag, count)
        logits = [logit + quirks.delta * by for logit, by in zip(logits, changes, strict=True)]
    if quirks.sigma:
        logits = [logit + random.gauss(0.0, quirks.sigma) for logit in logits]
    if quirks.temperature:  # the largest after such noise is a sample of the softmax
        logits = [logit + quirks.temperature * _gumbel(random) for logit in logits]
    return logits


def _normals(state: bytes, of: str, count: int) -> list[float]:
    """Numbers of the standard normal distribution, by a hash."""
    digest = blake2b(state + of.encode()).digest()
    return [_normal((number + 0.5) * _UNIT) for number in _NUMBERS.unpack(digest)[:count]]


def _gumbel(random: Random) -> float:
    return -math.log(-math.log(random.random() or _UNIT))
