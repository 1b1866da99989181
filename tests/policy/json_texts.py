"""Hypothesis strategies for JSON as text, in every spelling that the grammar has."""

import json
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

BOUNDED = settings(deadline=None)  # a busy machine is no failure

BLANKS = st.text(alphabet=" \t\n\r", max_size=2)

_PIECES = (
    *("a", "Z", " ", "{", "}", "[", "]", ",", ":", "'", "é", "😀", "\x7f", "\u2028"),
    *(r"\"", r"\\", r"\/", r"\n", r"\t", r"\u0000", r"\u00e9", r"\u0041", r"\ud83d\ude00"),
    *(r"\ud800", r"\uDFFF", r"\ude00\ud83d"),
)
_NUMBERS = (
    *("0", "-0", "1", "12", "1.0", "1.00", "-1.5e3", "1e-7", "1E+2", "0.1e1"),
    *("123456789012345678901234567890", "9007199254740993", "1" + "0" * 5000),
)

STRINGS = st.lists(st.sampled_from(_PIECES), max_size=4).map(lambda some: f'"{"".join(some)}"')
SCALARS = st.one_of(st.sampled_from(("true", "false", "null")), st.sampled_from(_NUMBERS), STRINGS)


def _array(items: list[tuple[str, str, str]]) -> str:
    return "[" + ",".join(before + value + after for before, value, after in items) + "]"


def _spaced(value: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str, str]]:
    return st.tuples(BLANKS, value, BLANKS)


def _inside(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(STRINGS, BLANKS, values).map(lambda parts: "{}{}:{}".format(*parts))
    return st.one_of(
        st.lists(_spaced(values), max_size=3).map(_array),
        st.lists(_spaced(pair), max_size=3).map(lambda some: "{" + _array(some)[1:-1] + "}"),
    )


VALUES = st.recursive(SCALARS, _inside, max_leaves=6)

# The same few names again and again, spelled with and without escapes, so that keys come twice.
KEYS = st.one_of(
    st.sampled_from(('"model"', r'"mod\u0065l"', '"provider"', r'"\u0070rovider"', '"x"', '""')),
    STRINGS,
)


@dataclass(frozen=True)
class Pair:
    """One key and its value as written, and the blanks around them."""

    key: str
    value: str
    blanks: tuple[str, str, str, str]

    @property
    def name(self) -> str:
        return str(json.loads(self.key))

    def __str__(self) -> str:
        a, b, c, d = self.blanks
        return f"{a}{self.key}{b}:{c}{self.value}{d}"


@dataclass(frozen=True)
class Text:
    """One JSON object as written: what its slices are is known without reading it."""

    pairs: tuple[Pair, ...]
    before: str
    after: str

    def __bytes__(self) -> bytes:
        inside = ",".join(map(str, self.pairs))
        return f"{self.before}{{{inside}}}{self.after}".encode()

    @property
    def values(self) -> dict[str, bytes]:
        """By name, the last one that was written, in the order of first mention."""
        return {pair.name: pair.value.encode() for pair in self.pairs}


PAIRS = st.builds(Pair, KEYS, VALUES, st.tuples(BLANKS, BLANKS, BLANKS, BLANKS))
OBJECTS = st.builds(Text, st.lists(PAIRS, max_size=5).map(tuple), BLANKS, BLANKS)
