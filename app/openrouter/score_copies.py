"""The kept copy of OpenRouter's benchmark scores, in the state folder.

`benchmark-leaderboard-2026-11-21.json` is the export exactly as it was published; `kept.json` names
the one in use, with its SHA-256, where it came from and its attribution. The export is written
first, so that a reader that finds `kept.json` finds all of it. A copy whose bytes don't have the
noted checksum is not used.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from ..catalog.scores import NONE_KEPT, NotAnExport, Scores, Snapshot, read_export
from .catalog_copies import opened_safely

DATASET = "benchmark-leaderboard"
_KEPT = "kept.json"
_MOST = 30  # exports; one is published a day


class Kept(msgspec.Struct, frozen=True):
    """`kept.json`: the export in use, and what is said of it."""

    file: str
    snapshot_date: str
    sha256: str
    source: str  # the address it was fetched from
    fetched_at: str  # ISO 8601
    rows: int
    models: int
    benchmarks: tuple[str, ...]
    licence: str
    attribution: str
    slugs: dict[str, str] = {}  # of models, by dated slug, as they were listed then


State = tuple[int, int, int] | None


class ScoreCopies:
    """The scores kept of one upstream; safe to share between processes."""

    def __init__(self, state: Path, upstream: str) -> None:
        # A simulated upstream's scores must never be used for the real one.
        self.upstream = hashlib.sha256(upstream.encode()).hexdigest()[:12]
        self.folder = state / "scores" / self.upstream

    def state(self) -> State:
        """A value that changes whenever other scores are kept; None while none are."""
        try:
            about = (self.folder / _KEPT).stat()
        except OSError:
            return None
        return about.st_ino, about.st_size, about.st_mtime_ns

    def kept(self) -> Kept | None:
        """What is kept; None if nothing is, or if its description can't be read."""
        raw = self.said()
        try:
            return None if raw is None else msgspec.json.decode(raw, type=Kept)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def read(self, today: date) -> Scores:
        """The kept scores and their age; without usable ones, why there are none."""
        if self.state() is None:
            return NONE_KEPT
        kept = self.kept()
        if kept is None or Path(kept.file).name != kept.file:
            return _unusable(f"{self.folder / _KEPT} can't be read")
        copy = opened_safely(self.folder / kept.file)
        if copy is None:
            return _unusable(f"{self.folder / kept.file} can't be read")
        if hashlib.sha256(copy[1]).hexdigest() != kept.sha256:
            return _unusable(f"{self.folder / kept.file} does not have the checksum noted for it")
        try:
            snapshot = read_export(copy[1], kept.sha256)
        except NotAnExport as error:
            return _unusable(f"{self.folder / kept.file} can't be used: {error}")
        return aged(Scores(replace(snapshot, slugs=kept.slugs)), today)

    def said(self) -> bytes | None:
        """The bytes of `kept.json`."""
        raw = opened_safely(self.folder / _KEPT)
        return None if raw is None else raw[1]

    def raw(self) -> tuple[bytes, bytes] | None:
        """`kept.json` and the export that it names, as bytes; None unless both can be read."""
        said, kept = self.said(), self.kept()
        if said is None or kept is None or Path(kept.file).name != kept.file:
            return None
        copy = opened_safely(self.folder / kept.file)
        return None if copy is None else (said, copy[1])

    def write(self, body: bytes, snapshot: Snapshot, *, source: str, now: float) -> Kept:
        """Keep an export. Raises `OSError`; until the end, the scores kept before stay in use."""
        kept = kept_of(snapshot, source=source, now=now)
        self.put(kept, body)
        return kept

    def put(self, kept: Kept, body: bytes) -> None:
        """Keep an export and what is said of it. Raises `OSError`, as `write` does."""
        for each in (*reversed(self.folder.parents[:2]), self.folder):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)  # of the last folder alone
        self._replace(kept.file, body)
        self._replace(_KEPT, as_file(kept))
        self._forget_the_oldest(kept.file)

    def _replace(self, name: str, body: bytes) -> None:
        """Write a file; concurrent readers see the whole old one or the whole new one."""
        handle, temporary = tempfile.mkstemp(dir=self.folder)  # readable by this user alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.folder / name)
        except OSError:
            with suppress(OSError):
                Path(temporary).unlink()
            raise

    def _forget_the_oldest(self, kept: str) -> None:
        exports = sorted(self.folder.glob(f"{DATASET}-*.json"), reverse=True)
        for file in exports[_MOST:]:
            if file.name != kept:
                file.unlink(missing_ok=True)


def kept_of(snapshot: Snapshot, *, source: str, now: float) -> Kept:
    """What is said of an export that was fetched from `source`."""
    return Kept(
        file=f"{DATASET}-{snapshot.date}.json",
        snapshot_date=snapshot.date,
        sha256=snapshot.checksum,
        source=source,
        fetched_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        rows=len(snapshot.rows),
        models=len(snapshot.models),
        benchmarks=snapshot.benchmarks,
        licence=snapshot.licence,
        attribution=snapshot.attribution,
        slugs=dict(snapshot.slugs),
    )


def as_file(kept: Kept) -> bytes:
    """The bytes of `kept.json`."""
    return msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n"


def aged(scores: Scores, today: date) -> Scores:
    """The same scores on another day; a date in the future is of today."""
    if scores.snapshot is None:
        return scores
    try:
        then = date.fromisoformat(scores.snapshot.date)
    except ValueError:
        return _unusable(f"the kept scores are dated {scores.snapshot.date}, which is not a date")
    return Scores(scores.snapshot, max(0, (today - then).days))


def today_by(clock: Callable[[], float]) -> date:
    """The UTC day of a clock in seconds since the epoch; exports are dated in UTC."""
    return datetime.fromtimestamp(clock(), UTC).date()


def _unusable(why: str) -> Scores:
    return Scores(why_none=f"the kept benchmark scores can't be used: {why}")
