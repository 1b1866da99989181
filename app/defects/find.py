"""The names of the defects in one answer: the only thing about it that may be written down."""

from collections.abc import Callable, Mapping

from ..wire.kept import Kept
from ..wire.observation import Observation
from . import calls, ending, markup, repetition, structure
from .case import Case
from .offered import Offered, offered_of
from .prose import prose_of
from .reading import Reading, reading_of
from .table import DEFECTS


def defects_in(kept: Kept, seen: Observation, asked: Mapping[str, bytes]) -> tuple[str, ...]:
    """The names of an answer's defects, in the table's order; for a thread, after the last byte.

    `kept` is the observer's, `seen` what its `close` returned, `asked` the request's fields as
    `asked_of` copied them. It is meant for answers with status 200. Never raises; takes some
    milliseconds, and a few hundred for the worst of answers and schemas.
    """
    if seen.failed:
        return ()
    return defects_of(reading_of(kept, seen), offered_of(asked), kept.dialect)


def defects_of(reading: Reading, offered: Offered, dialect: str) -> tuple[str, ...]:
    """The names of the defects of an answer that was read, in the table's order."""
    case = Case(reading, offered, dialect, prose_of(reading.text))
    return tuple(
        row.name for row in DEFECTS if dialect in row.dialects and FOUND_IN[row.name](case)
    )


FOUND_IN: Mapping[str, Callable[[Case], bool]] = {
    "tool_call_not_json": calls.not_json,
    "tool_call_unknown_tool": calls.unknown_tool,
    "tool_call_off_schema": calls.off_schema,
    "tool_call_as_text": markup.call_as_text,
    "reasoning_as_text": markup.reasoning_as_text,
    "undecoded_bytes": markup.undecoded_bytes,
    "repetition": repetition.repetition,
    "finish_mismatch": ending.finish_mismatch,
    "structure_off_schema": structure.off_schema,
    "cut_short": ending.cut_short,
    "empty": ending.empty,
}
