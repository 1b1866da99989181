"""Faults in how an answer ends: what it says of that, and what is there."""

from .case import Case

_CALLED = frozenset({"tool_calls", "function_call", "tool_use"})
_NOT_CALLED = frozenset({"stop", "end_turn", "stop_sequence"})


def finish_mismatch(case: Case) -> bool:
    """Whether the reason to finish is a tool call where there is none, or the other way round."""
    reading = case.reading
    if not reading.whole:
        return False
    if reading.finish in _CALLED:
        return not reading.calls and not reading.other
    return bool(reading.calls) and reading.finish in _NOT_CALLED and not case.offered.forced


def cut_short(case: Case) -> bool:
    """Whether the limit of tokens is said to be reached with less than half of what was asked."""
    most, billed = case.offered.most_tokens, case.reading.completion_tokens
    if not case.reading.at_limit or most is None or billed is None:
        return False
    return 0 < billed * 2 < most


def empty(case: Case) -> bool:
    """Whether the answer finished, and says nothing at all."""
    reading = case.reading
    if not reading.stopped or case.offered.stops:
        return False
    said = reading.text.strip() or reading.calls or reading.refused or reading.other
    return not said
