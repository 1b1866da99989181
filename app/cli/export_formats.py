"""The formats of `pointsman export`: CSV, JSON lines and Parquet.

Rule 1  CSV and JSON lines have one line for each receipt, so that a file can be gone on with.
Rule 2  What is held in memory does not grow with the number of receipts, except for the table of
        contents at the end of a Parquet file: some 6 kB for each group of rows.
"""

import csv
import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Literal

from ..errors import SettingsError
from ..ledger.bounds import REALS, WHOLES
from ..ledger.receipt import FIELDS, MONEY, OBJECTS, TUPLES, Receipt, as_json_object
from ..shown import json_text, one_line

Format = Literal["csv", "jsonl", "parquet"]
Write = Callable[[Sequence[Receipt]], None]

HEADINGS: Mapping[Format, bytes] = {"csv": ",".join(FIELDS).encode() + b"\n", "jsonl": b""}
# What a file with lines of ours begins with.
BEGINS: Mapping[Format, bytes] = {"csv": HEADINGS["csv"], "jsonl": b'{"id":'}
ROWS_IN_A_GROUP = 20_000  # of a Parquet file: each group takes space in its table of contents
_BYTES_IN_A_GROUP = 64_000_000
_JSON = frozenset({"overruled", "attempts"}) | OBJECTS
_LISTS = TUPLES - _JSON


def lines_to(file: IO[bytes], form: Format) -> Write:
    """Return what writes receipts to a file, one line each, without a heading."""
    if form == "jsonl":
        return lambda page: _write_json_lines(file, page)
    lines = csv.writer(_Encoded(file), lineterminator="\n")
    return lambda page: lines.writerows(_flat(as_json_object(one)) for one in page)


@contextmanager
def _in_lines(file: IO[bytes], form: Format) -> Iterator[Write]:
    file.write(HEADINGS[form])
    yield lines_to(file, form)


def _write_json_lines(file: IO[bytes], page: Sequence[Receipt]) -> None:
    for one in page:
        file.write(json_text(as_json_object(one)).encode() + b"\n")


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

    waiting: list[Any] = []

    def write(page: Sequence[Receipt]) -> None:
        rows = [_typed(one) for one in page]
        columns = {name: [row[name] for row in rows] for name in FIELDS}
        waiting.append(arrow.table(columns, schema=schema))
        if (
            sum(table.num_rows for table in waiting) >= ROWS_IN_A_GROUP
            or sum(table.nbytes for table in waiting) >= _BYTES_IN_A_GROUP
        ):
            write_group()

    def write_group() -> None:
        writer.write_table(arrow.concat_tables(waiting))
        waiting.clear()

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        yield write
        if waiting:
            write_group()


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


FORMATS: Mapping[Format, Callable[[IO[bytes]], AbstractContextManager[Write]]] = {
    "csv": lambda file: _in_lines(file, "csv"),
    "jsonl": lambda file: _in_lines(file, "jsonl"),
    "parquet": _parquet,
}
