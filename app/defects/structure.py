"""Faults of an answer that has to be JSON."""

from .case import Case
from .json_text import NOT_JSON, UNREAD, parsed


def off_schema(case: Case) -> bool:
    """Whether the text is not the JSON that was asked for. An empty text is another fault."""
    reading, offered = case.reading, case.offered
    asked = offered.structured and reading.stopped and not reading.calls and not reading.refused
    if not asked or not reading.text.strip():
        return False
    found = parsed(reading.text)
    if found is NOT_JSON:
        return True
    if offered.structure is None:
        return not isinstance(found, dict) and found is not UNREAD
    if found is UNREAD:
        return False
    from .schemas import satisfies  # noqa: PLC0415 - its library takes 60 ms to load

    return satisfies(offered.structure, found, case.budget) is False
