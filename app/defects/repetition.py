"""A loop: the text ends with one unit, repeated again and again."""

from .case import Case

TAIL = 16_384  # characters looked at
_PROBE = 24  # the last characters; where they occurred before may be the unit before
_MOST_UNITS = 200  # lengths of a unit that are tried
_AT_LIMIT = 8, 400  # times and characters, if the answer ended at a limit of tokens
_STOPPED = 64, 4000  # if it ended by itself: it may have been asked to repeat something


def repetition(case: Case) -> bool:
    """Whether the text, or the last call's arguments, end in a loop."""
    reading = case.reading
    if reading.truncated:
        return False
    times, length = _AT_LIMIT if reading.at_limit else _STOPPED
    last = reading.calls[-1].arguments if reading.calls else None
    return any(_loops(text or "", times, length) for text in (reading.text, last))


def _loops(text: str, times: int, length: int) -> bool:
    if len(text) < length:
        return False  # nearly always
    tail = text[-TAIL:]
    probe = tail[-_PROBE:]
    at = len(tail) - _PROBE
    for _ in range(_MOST_UNITS):
        at = tail.rfind(probe, 0, at + _PROBE - 1)
        if at < 0:
            return False
        unit = len(tail) - _PROBE - at
        repeated = _repeated(tail, unit)
        if repeated >= max(length, times * unit):
            return True
    return False


def _repeated(tail: str, unit: int) -> int:
    """How many of the last characters are the last `unit` of them, repeated."""
    pattern = tail[-unit:]
    end = len(tail)
    while end >= unit and tail.startswith(pattern, end - unit):
        end -= unit
    return len(tail) - end
