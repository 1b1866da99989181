"""`pointsman export`: receipts as CSV, JSON lines or Parquet, a page at a time."""

import csv
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.cli.terminal import Console
from app.cli.whole_file import whole_file
from app.errors import SettingsError
from app.ledger.bounds import REALS, WHOLES
from app.ledger.receipt import FIELDS, MONEY, OBJECTS, TUPLES, Receipt, as_json_object
from app.ledger.wanted import Wanted
from app.shown import json_text, one_line

if TYPE_CHECKING:
    from app.ledger.store import Store

Format = Literal["csv", "jsonl", "parquet"]
Write = Callable[[Sequence[Receipt]], None]

_PAGE = 2000
_JSON = frozenset({"overruled", "attempts"}) | OBJECTS
_LISTS = TUPLES - _JSON


def export(store: "Store", wanted: Wanted, *, form: Format, output: Path | None) -> int:
    """Write matching receipts, oldest first; return their number.

    The file appears only when it is complete.
    """
    if form == "parquet" and output is None:
        raise SettingsError("Parquet requires a file; add -o receipts.parquet")
    count = 0
    with _target(output) as file, _FORMATS[form](file) as write:
        for page in _with_progress(store, wanted):
            write(page)
            count += len(page)
    return count


@contextmanager
def _target(output: Path | None) -> Iterator[IO[bytes]]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(output) as file:
        yield file


def _with_progress(store: "Store", wanted: Wanted) -> Iterator[Sequence[Receipt]]:
    """Yield pages in the order of writing, up to the current end, with a bar on a terminal."""
    cursor, end = store.first_since(wanted.since, audit=wanted.audit) - 1, store.end()
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
        task = progress.add_task("", total=max(end - cursor, 0))
        while cursor < end:
            before = cursor
            cursor, page = store.written_after(cursor, wanted, limit=_PAGE)
            if not page:
                return
            yield page
            progress.advance(task, cursor - before)


@contextmanager
def _csv(file: IO[bytes]) -> Iterator[Write]:
    lines = csv.writer(_Encoded(file), lineterminator="\n")
    lines.writerow(FIELDS)

    def write(page: Sequence[Receipt]) -> None:
        lines.writerows(_flat(as_json_object(one)) for one in page)

    yield write


class _Encoded:
    """The file that `csv` writes to: encodes text as UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def _flat(named: Mapping[str, Any]) -> Iterable[Any]:
    """One receipt's cells: lists and objects as JSON, absent values as empty."""
    for name in FIELDS:
        value = named[name]
        if isinstance(value, str):
            yield as_text(value)
        else:
            yield _as_json(value) if isinstance(value, bool | list | dict) else value


def as_text(value: str) -> str:
    """Return a one-line text that is safe as a spreadsheet cell and on a terminal.

    An apostrophe is put before any character that would begin a formula: at the start, and after a
    semicolon, where some spreadsheets begin another cell.
    """
    return one_line(_FORMULA.sub(r"\g<1>'", value))


def _as_json(value: Any) -> str:
    """Encode as JSON without a semicolon, for the same reason; the value is the same."""
    return json_text(value).replace(";", "\\u003b")


# Each of these begins a formula in some spreadsheet, also in full width; so does text after a tab
# or a carriage return.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])")


@contextmanager
def _jsonl(file: IO[bytes]) -> Iterator[Write]:
    def write(page: Sequence[Receipt]) -> None:
        for one in page:
            file.write(json_text(as_json_object(one)).encode() + b"\n")

    yield write


@contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Write]:
    """Typed columns: times in UTC, exact money, lists as lists, objects as JSON."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise SettingsError(
            "Parquet requires pyarrow; pip install 'pointsman[export]', or use csv or jsonl"
        ) from None
    schema = arrow.schema([arrow.field(name, kind) for name, kind in _types(arrow).items()])

    def write(page: Sequence[Receipt]) -> None:
        rows = [_typed(one) for one in page]
        columns = {name: [row[name] for row in rows] for name in FIELDS}
        writer.write_table(arrow.table(columns, schema=schema))

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        yield write


def _types(arrow: Any) -> dict[str, Any]:
    special = {
        "started_at": arrow.timestamp("ms", tz="UTC"),
        **dict.fromkeys(MONEY, arrow.decimal128(24, 12)),
        **dict.fromkeys(("streamed", "is_byok"), arrow.bool_()),
        **dict.fromkeys(_LISTS, arrow.list_(arrow.string())),
    }
    special |= dict.fromkeys(WHOLES, arrow.int64()) | dict.fromkeys(REALS, arrow.float64())
    return {name: special.get(name, arrow.string()) for name in FIELDS}


def _typed(receipt: Receipt) -> dict[str, Any]:
    named = {name: getattr(receipt, name) for name in FIELDS}
    for name in _JSON:
        value = named[name]
        named[name] = None if value is None else json.dumps(value, ensure_ascii=False)
    return named


_FORMATS: Mapping[Format, Callable[[IO[bytes]], AbstractContextManager[Write]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
