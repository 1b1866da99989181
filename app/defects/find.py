"""The names of the defects in one answer: the only thing about it that may be written down."""

from collections.abc import Mapping

from app.defects.case import Case
from app.defects.offered import Offered, offered_of
from app.defects.reading import Reading, reading_of
from app.defects.table import DEFECTS
from app.wire.kept import Kept
from app.wire.observation import Observation


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
    case = Case(reading, offered, dialect)
    return tuple(row.name for row in DEFECTS if dialect in row.dialects and row.found_in(case))
