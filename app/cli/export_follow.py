"""`pointsman export --follow`: goes on with receipts as they are written, until it is stopped.

Rule 1  At least once: a position is kept only when the receipts before it are on disk, or have
        been passed to the reader of a pipe. After a crash, some receipts are written again.
Rule 2  In the order of writing, so that a reader that has a receipt has all that come before it.
Rule 3  A ledger that can't be read for a while is waited for; one that was replaced or restored
        while it was followed is exported from its beginning.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import LedgerError, SettingsError
from ..ledger.positions import START, Position
from ..ledger.receipt import Receipt
from ..ledger.wanted import Wanted
from .export import PAGE
from .export_formats import BEGINS, HEADINGS, Format, lines_to
from .export_place import BEGINNING, Place, say, tell_lost
from .growing_file import Growing, growing
from .stopping import Stop, asked_to_stop
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store

_LOOK_SECONDS = 0.5


def follow(
    store: "Store",
    wanted: Wanted,
    *,
    form: Format,
    output: Path | None,
    place: Place = BEGINNING,
    page: int = PAGE,
) -> int:
    """Write matching receipts as they are written to the ledger; return how many there were.

    It ends with Ctrl-C, SIGTERM, or when the reader of standard output leaves. Raises
    `SettingsError` for Parquet, and if the output or the place can't be used.
    """
    if form not in HEADINGS:
        raise SettingsError(
            "a Parquet file can't be added to, so --follow can't write one; leave out --follow, "
            f"and run {command()} export --format parquet --state FILE -o NEW-FILE from time to "
            "time: each run writes what is new"
        )
    with place.alone():
        reading, count = Reading(store, wanted, place.begin(store, wanted), page), 0
        with (
            suppress(BrokenPipeError),  # what the reader did not get is after the position kept
            growing(output, heading=HEADINGS[form], begins=BEGINS[form]) as target,
            asked_to_stop() as stop,
        ):
            for receipts in _pages(reading, target, stop):
                target.put(partial(_write, form, receipts))
                place.keep(reading.position)
                count += len(receipts)
    return count


def _write(form: Format, receipts: Sequence[Receipt], file: IO[bytes]) -> None:
    lines_to(file, form)(receipts)


def _pages(reading: "Reading", target: Growing, stop: Stop) -> Iterator[Sequence[Receipt]]:
    """Yield pages as they come; an empty one if receipts came, and none of them is wanted."""
    is_away = False
    while not stop.asked:
        try:
            receipts = reading.more()
        except LedgerError as error:
            if not is_away:
                say(f"{error}; trying again until it can be read")
            is_away, receipts = True, None
        else:
            is_away = False
        if receipts is not None:
            yield receipts
        elif target.reader_left(_LOOK_SECONDS):
            return


class Reading:
    """Reads a ledger page by page, as far as it is written."""

    def __init__(self, store: "Store", wanted: Wanted, begin: Position, limit: int) -> None:
        self.position = begin
        self._store, self._wanted, self._limit = store, wanted, limit

    def more(self) -> Sequence[Receipt] | None:
        """Return the next receipts; None if nothing was written since. Raises `LedgerError`."""
        end = self._store.newest_position()
        if end == self.position:
            return None
        if not self._store.has_position(self.position):
            say("the ledger was replaced or restored; exporting it from its beginning")
            self.position = START
        if end.seq == self.position.seq:  # it had no name
            self.position = end
        if end.seq <= self.position.seq:  # the last receipts were deleted
            return None
        tell_lost(self._store, self.position)
        self.position, receipts = self._store.written_between(
            self.position, end, self._wanted, limit=self._limit
        )
        return receipts
