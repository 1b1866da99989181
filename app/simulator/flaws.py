"""The grammar of the switch `defects`: NAME, then optionally @ENDPOINT and :RATE.

`tool_call_not_json@deepinfra/fp8:0.2` damages a fifth of that endpoint's tool calls. Without an
endpoint (a tag or a provider) every answer is meant, without a rate all of them.
"""

from .entries import Entry, read_entry

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


def read_flaw(text: str) -> Entry:
    """The defect that a text describes, with its rate. Raises `ValueError` with the reason."""
    flaw = read_entry(text, NAMES, "defect")
    read_rate(text, flaw.number)
    return flaw


def read_rate(what: str, rate: str | float) -> float:
    """A share from 0 to 1. Raises `ValueError` for anything else."""
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{what!r}: a rate is a number from 0 to 1, such as 0.2")
    return share
