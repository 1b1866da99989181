"""Benchmark scores: OpenRouter's public export of them, one row per model and provider. PURE.

Of the export's columns only `accuracy` and `accuracy_std_dev` are certain (openrouter.md §A7), so
the others are found at run time in its own list of columns, and so is the array of rows.

Rule 1  A row that can't be read is left out; an export without a readable row is refused.
Rule 2  Of several rows for one benchmark, model and provider, the lowest accuracy counts.
Rule 3  A score belongs to the version of the model that the row names: if the catalog knows the
        model's version, a row for another version is no score of it. Until the catalog knows it,
        the names apply that were kept with the export.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from ..exact_numbers import exact, whole
from .endpoint import readable_name
from .providers import NO_MORE, SLUGS, slug_of

MOST_ROWS = 100_000
NAMED = 12  # characters of a checksum that messages contain
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_VERSION = re.compile(r"-\d{8}(?=:|$)")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*")
_NOT_ROWS = frozenset({"columns", "source_pages", "license", "harness"})
_ONE = Decimal(1)


class NotAnExport(ValueError):
    """A body is not an export of scores; the message gives the reason."""


class Row(NamedTuple):
    """The score of one model at one provider, in one benchmark."""

    benchmark: str  # gpqa_diamond: lower case, underscores
    model: str  # as the export names it, in lower case
    provider: str  # as the export names it: a display name, a slug or a tag
    accuracy: Decimal  # 0 to 1
    std_dev: Decimal | None = None  # None with a single run
    runs: int | None = None


class Scored(NamedTuple):
    """What is known of one model's scores: all that a policy's floor depends on."""

    rows: tuple[Row, ...] = ()  # providers by slug or tag
    date: str | None = None  # of the snapshot; None: none is kept
    checksum: str = ""
    age: int = 0  # days
    why_none: str = "no benchmark scores are kept"

    def __str__(self) -> str:
        """Render as `the benchmark scores of 2026-11-21 (sha256 dcd8a3f11d01)`."""
        if self.date is None:
            return self.why_none
        return f"the benchmark scores of {self.date} (sha256 {self.checksum[:NAMED]})"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One dated export; `checksum` is the SHA-256 of its bytes, in hexadecimal."""

    date: str  # 2026-11-21
    checksum: str
    rows: tuple[Row, ...]
    attribution: str = ""
    licence: str = ""
    slugs: Mapping[str, str] = field(default_factory=dict)  # by dated slug, as once listed
    _by_model: Mapping[str, tuple[Row, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Group the rows by model, as each request asks for one model."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.model, []).append(row)
        object.__setattr__(self, "_by_model", {name: tuple(rows) for name, rows in found.items()})

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The benchmarks that have scores, sorted."""
        return tuple(sorted({row.benchmark for row in self.rows}))

    @property
    def models(self) -> tuple[str, ...]:
        """The models that have scores, sorted."""
        return tuple(sorted(self._by_model))

    def slug_of(self, version: str) -> str:
        """The slug of a dated one: as it was listed, else without its date."""
        return self.slugs.get(version) or _VERSION.sub("", version)

    def of(self, slug: str, version: str | None = None) -> tuple[Row, ...]:
        """The rows of a model; `version` is its dated slug, if the catalog knows it.

        Without a known version, rows for any version of the slug count.
        """
        if version is not None:
            names: Sequence[str] = tuple(dict.fromkeys((slug, version)))
        else:
            names = [name for name in self._by_model if slug in {name, self.slug_of(name)}]
        return tuple(row for name in names for row in self._by_model.get(name, ()))


@dataclass(frozen=True, slots=True)
class Scores:
    """The snapshot in use, and its age; without one, the reason."""

    snapshot: Snapshot | None = None
    age: int = 0  # days from the snapshot's date to today
    why_none: str = Scored().why_none

    def of(self, slug: str, version: str | None, slugs: Mapping[str, str] = NO_MORE) -> Scored:
        """A model's scores. `slugs` has providers' slugs by display name, from its listing."""
        if self.snapshot is None:
            return Scored(why_none=self.why_none)
        rows = (
            row._replace(provider=_provider(row.provider, slugs))
            for row in self.snapshot.of(slug, version)
        )
        return Scored(_lowest(rows), self.snapshot.date, self.snapshot.checksum, self.age)


NONE_KEPT = Scores()


def benchmark_key(name: str) -> str:
    """A benchmark's name as policies write it: `tau2-bench-airline` is `tau2_bench_airline`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def read_export(body: bytes, checksum: str) -> Snapshot:
    """The snapshot in an export's bytes, whose SHA-256 is given. Raises `NotAnExport`."""
    try:
        export = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnExport(f"it is not JSON: {error}") from None
    if not isinstance(export, dict):
        raise NotAnExport("it is not a JSON object")
    date = export.get("snapshot_date")
    if not isinstance(date, str) or not _DAY.fullmatch(date):
        raise NotAnExport("it has no snapshot_date such as 2026-11-21")
    columns = _columns(export.get("columns"))
    listed = _rows(export, columns)
    if len(listed) > MOST_ROWS:
        raise NotAnExport(f"it has over {MOST_ROWS} rows")
    rows = _lowest(row for each in listed if (row := _row(each, columns)) is not None)
    if not rows:
        raise NotAnExport("none of its rows has a benchmark, a model, a provider and an accuracy")
    licence = export.get("license")
    return Snapshot(
        date,
        checksum,
        rows,
        attribution=readable_name(export.get("attribution")) or "",
        licence=readable_name(licence.get("name") if isinstance(licence, dict) else licence) or "",
    )


def _columns(listed: object) -> tuple[str, ...]:
    """The names of the columns, which may be texts or objects with a name."""
    items = listed if isinstance(listed, list) else []
    names = (each.get("name") if isinstance(each, dict) else each for each in items)
    return tuple(name if isinstance(name, str) else "" for name in names)


def _rows(export: Mapping[str, Any], columns: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows as objects: of the longest array of objects, or of arrays in the columns' order."""
    arrays = [value for key, value in export.items() if key not in _NOT_ROWS]
    longest: list[Mapping[str, Any]] = []
    for array in arrays:
        items = array if isinstance(array, list) else []
        rows = [row for each in items if (row := _as_object(each, columns))]
        longest = max(longest, rows, key=len)
    return longest


def _as_object(row: object, columns: Sequence[str]) -> Mapping[str, Any] | None:
    if isinstance(row, list) and len(row) == len(columns):
        return dict(zip(columns, row, strict=True))
    return row if isinstance(row, dict) else None


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> Row | None:
    names = columns or tuple(row)
    benchmark = _text(row, names, "benchmark", bool)
    model = _text(row, names, "model", lambda text: "/" in text) or _text(
        row, names, "permaslug", lambda text: "/" in text
    )
    provider = _text(row, names, "provider", bool)
    accuracy = _share(row.get("accuracy"))
    if benchmark is None or model is None or provider is None or accuracy is None:
        return None
    counts = (whole(row.get(name)) for name in names if {"run", "runs"} & {*name.split("_")})
    return Row(
        benchmark_key(benchmark),
        model.lower(),
        provider,
        accuracy,
        _share(row.get("accuracy_std_dev")),
        next((count for count in counts if count is not None), None),
    )


def _text(
    row: Mapping[str, Any], names: Sequence[str], word: str, fits: Callable[[str], bool]
) -> str | None:
    """The first fitting text in a column that has a word in its name; slugs go before names."""
    found = sorted((name for name in names if word in name), key=lambda name: "slug" not in name)
    texts = (readable_name(row.get(name)) for name in found)
    return next((text for text in texts if text is not None and fits(text)), None)


def _share(value: object) -> Decimal | None:
    share = None if isinstance(value, str) else exact(value)
    return share if share is not None and 0 <= share <= _ONE else None


def _lowest(rows: Iterator[Row]) -> tuple[Row, ...]:
    found: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        known = found.setdefault(row[:3], row)
        if row.accuracy < known.accuracy:
            found[row[:3]] = row
    return tuple(found.values())


def _provider(name: str, slugs: Mapping[str, str]) -> str:
    """A provider's slug; a name that is one, or a tag, stays as it is."""
    lower = name.strip().lower()
    known = slugs.get(lower) or SLUGS.get(lower)
    return known or (lower if _SLUG.fullmatch(lower) else slug_of(lower))
