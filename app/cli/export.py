"""`pointsman export`: receipts as CSV, JSON lines or Parquet, a page at a time."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ..errors import SettingsError, reason_of
from ..ledger.positions import Position
from ..ledger.receipt import Receipt
from ..ledger.wanted import Wanted
from .export_formats import FORMATS, Format
from .export_place import BEGINNING, Place, StateFile, tell_lost
from .terminal import Console
from .whole_file import to_disk, whole_file

if TYPE_CHECKING:
    from ..ledger.store import Store

PAGE = 2000


def export(
    store: "Store",
    wanted: Wanted,
    *,
    form: Format,
    output: Path | None,
    place: Place = BEGINNING,
    page: int = PAGE,
) -> int:
    """Write matching receipts in the order of writing, up to the current end; return their number.

    It begins at a place, and keeps there where it ended. The file appears only when it is complete.
    No more than a page of receipts is held in memory.
    """
    if form == "parquet" and output is None:
        raise SettingsError("Parquet requires a file; add -o receipts.parquet")
    if output is not None and output.is_file() and isinstance(place, StateFile):
        raise SettingsError(
            f"{output} is there already, and with --state an export has only what is new; "
            "give each export a file of its own, or add --follow to go on with one"
        )
    with place.alone():
        begin = place.begin(store, wanted)
        end, count = store.newest_position(), 0
        if end.seq > begin.seq:
            tell_lost(store, begin)
        with _target(output) as file, FORMATS[form](file) as write:
            for receipts in _with_progress(store, wanted, begin, end, page):
                write(receipts)
                count += len(receipts)
        place.keep(end if end.seq >= begin.seq else begin)  # it names its receipt
    return count


@contextmanager
def _target(output: Path | None) -> Iterator[IO[bytes]]:
    if output is None:
        try:
            yield sys.stdout.buffer
            with suppress(io.UnsupportedOperation):  # it has no descriptor
                to_disk(sys.stdout.buffer)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SettingsError(f"can't write standard output: {reason_of(error)}") from error
        return
    with whole_file(output) as file:
        yield file


def _with_progress(
    store: "Store", wanted: Wanted, begin: Position, end: Position, limit: int
) -> Iterator[Sequence[Receipt]]:
    """Yield pages in the order of writing, with a bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("exporting"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        position = begin
        task = progress.add_task("", total=max(end.seq - begin.seq, 0))
        while position.seq < end.seq:
            before = position
            position, page = store.written_between(before, end, wanted, limit=limit)
            if page:
                yield page
            progress.advance(task, position.seq - before.seq)
