"""Faults of tool calls. A call that a limit cut short is no fault of the host's."""

from typing import Any

from .case import Case
from .json_text import NOT_JSON, UNREAD, parsed
from .reading import Call


def not_json(case: Case) -> bool:
    """Whether a call's arguments are not a JSON object."""
    return case.reading.stopped and any(
        _arguments(call) is NOT_JSON for call in case.reading.calls if not call.free
    )


def unknown_tool(case: Case) -> bool:
    """Whether a tool was called that the request does not offer."""
    names = {call.name for call in case.reading.calls}
    if not case.reading.whole:
        names.discard("")  # it may have been cut off
    return case.offered.closed and not names <= case.offered.tools.keys()


def off_schema(case: Case) -> bool:
    """Whether a call's arguments are an object, but not as the tool's schema demands."""
    return case.reading.stopped and any(
        _breaks(case, call) for call in case.reading.calls if not call.free
    )


def _breaks(case: Case, call: Call) -> bool:
    schema = case.offered.tools.get(call.name)
    arguments = _arguments(call)
    if not schema or arguments is NOT_JSON or arguments is UNREAD:
        return False
    from .schemas import satisfies  # noqa: PLC0415 - its library takes 60 ms to load

    return satisfies(schema, arguments, case.budget) is False


def _arguments(call: Call) -> Any:
    """The object that a call's arguments are; none at all are an empty one, as clients read it."""
    if call.arguments is None:
        return NOT_JSON
    found = parsed(call.arguments) if call.arguments.strip() else {}
    return found if isinstance(found, dict) or found is UNREAD else NOT_JSON
