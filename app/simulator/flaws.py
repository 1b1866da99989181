"""The grammar of the switch `defects`: NAME, then optionally @ENDPOINT and :RATE.

`tool_call_not_json@deepinfra/fp8:0.2` damages a fifth of that endpoint's tool calls. Without an
endpoint (a tag or a provider) every answer is meant, without a rate all of them.
"""

from dataclasses import dataclass

NAMES = (
    "tool_call_not_json",
    "tool_call_unknown_tool",
    "tool_call_off_schema",
    "tool_call_as_text",
    "reasoning_as_text",
    "undecoded_bytes",
    "repetition",
    "finish_mismatch",
    "structure_off_schema",
    "cut_short",
    "empty",
    "unfinished",
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A defect that some answers get."""

    name: str
    where: str = ""  # a tag or a provider; every endpoint if empty
    rate: float = 1.0

    def applies_to(self, tag: str, provider: str) -> bool:
        """Whether answers of this endpoint get it."""
        return self.where in ("", tag, provider)


def read_flaw(text: str) -> Flaw:
    """The defect that a text describes. Raises `ValueError` with the reason."""
    rest, colon, rate = text.rpartition(":")
    name, _, where = (rest if colon else text).partition("@")
    if name not in NAMES:
        raise ValueError(f"{text!r}: no such defect; there are {', '.join(NAMES)}")
    return Flaw(name, where, read_rate(text, rate) if colon else 1.0)


def read_rate(what: str, rate: str | float) -> float:
    """A share from 0 to 1. Raises `ValueError` for anything else."""
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{what!r}: a rate is a number from 0 to 1, such as 0.2")
    return share
