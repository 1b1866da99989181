"""Benchmark scores are fetched as published, kept whole or not at all, and read from disk alone."""

import asyncio
import hashlib
import json
import logging
import os
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.catalog.scores import NONE_KEPT, NotAnExport, Scores, Snapshot, read_export
from app.errors import UpstreamError
from app.openrouter.client import OpenRouter
from app.openrouter.score_copies import DATASET, ScoreCopies, today_by
from app.openrouter.score_exports import BASE, fetch_export
from app.openrouter.score_feed import ScoreFeed
from app.wire.headers import RawHeaders
from tests.catalog.test_scores import ADDITIONS, CHECKSUM, EXPORT
from tests.waiting import until

MANIFEST = (ADDITIONS / "benchmark_leaderboard_export.manifest.COMPOSED.json").read_bytes()
LATEST = f"{BASE}/{DATASET}/latest.manifest.json"
DATED = f"{BASE}/{DATASET}/2026-11-21.json"
TODAY = date(2026, 11, 24)


class Exports(OpenRouter):
    """An upstream with these files and no others; remembers what was asked, and with which key."""

    def __init__(self, files: dict[str, Any], status: int = 404) -> None:
        self.base_url = "https://openrouter.ai/api/v1"
        self.asked: list[str] = []
        self.headers: list[RawHeaders] = []
        self._files = files
        self._status = status

    async def get(self, path: str, headers: RawHeaders) -> tuple[int, RawHeaders, bytes]:
        self.asked.append(path)
        self.headers.append(headers)
        found = self._files.get(path)
        if found is None:
            return self._status, [], b"<html>"
        return 200, [], found if isinstance(found, bytes) else json.dumps(found).encode()


# --- fetching ---------------------------------------------------------------------------------


async def test_the_newest_export_is_the_dated_file_that_the_manifest_names() -> None:
    rows = [
        {"id": "acme/sim-1", "canonical_slug": "acme/sim-1-20261101"},
        {"id": "acme/sim-1:free", "canonical_slug": "acme/sim-1-20261101"},
        {"id": "acme/sim-2", "canonical_slug": "acme/sim-2-20261101"},
    ]
    models = {"/models?output_modalities=all": {"data": rows}}
    upstream = Exports({LATEST: MANIFEST, DATED: EXPORT, **models})
    body, snapshot, path = await fetch_export(upstream)
    assert (body, path) == (EXPORT, DATED)
    assert (snapshot.date, snapshot.checksum) == ("2026-11-21", CHECKSUM)
    assert snapshot.slugs == {"acme/sim-1-20261101": "acme/sim-1"}
    assert upstream.asked == [LATEST, DATED, *models]
    assert not any(name.lower() == b"authorization" for h in upstream.headers for name, _ in h)


@pytest.mark.parametrize(
    "manifest",
    [
        {"files": [{"name": "2026-11-21.json", "checksum": f"sha256:{CHECKSUM}"}]},
        {"files": {"2026-11-21.json": CHECKSUM.upper()}},
        {"files": {f"{DATASET}/2026-11-21.json": {"sha256": CHECKSUM}}},
        {"datasets": [{"files": [{"url": f"https://openrouter.ai{DATED}", "sha256": CHECKSUM}]}]},
        {"files": [
            {"path": f"{DATASET}/2026-11-20.json", "sha256": "0" * 64},
            {"path": f"{DATASET}/2026-11-21.json", "sha256": CHECKSUM},
            {"path": f"{DATASET}/2026-11-22.csv", "sha256": "0" * 64},
            {"path": "benchmark-runs/2026-11-23.json", "sha256": "0" * 64},
            {"path": f"{DATASET}/2026-11-24.json", "sha256": "none"},
        ]},
    ],
)  # fmt: skip
async def test_a_manifest_may_name_its_files_in_several_ways(manifest: dict[str, Any]) -> None:
    for path in (LATEST, f"{BASE}/index.json"):
        _, snapshot, _ = await fetch_export(Exports({path: manifest, DATED: EXPORT}))
        assert snapshot.date == "2026-11-21"
        assert snapshot.slugs == {}  # the models can't be listed


async def test_an_export_of_a_date_is_fetched_by_its_own_manifest() -> None:
    own = f"{BASE}/{DATASET}/2026-11-21.manifest.json"
    upstream = Exports({own: MANIFEST, DATED: EXPORT})
    await fetch_export(upstream, "2026-11-21")
    assert upstream.asked[:2] == [own, DATED]
    with pytest.raises(NotAnExport, match=r"no benchmark export of 2026-11-20"):
        await fetch_export(upstream, "2026-11-20")
    with pytest.raises(NotAnExport, match="a date has the form 2026-11-21"):
        await fetch_export(upstream, "../../key")
    assert upstream.asked[-1] == f"{BASE}/{DATASET}/2026-11-20.manifest.json"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no benchmark export of any date"),
        ({LATEST: b"{"}, "no benchmark export of any date"),
        ({LATEST: {"files": [{"path": f"{DATASET}/2026-11-21.json"}]}}, "with a checksum"),
        ({LATEST: MANIFEST}, "which its manifest names"),
        ({LATEST: MANIFEST, DATED: EXPORT + b" "}, "and its manifest says"),
    ],
)
async def test_what_can_not_be_verified_is_refused(files: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAnExport, match=why):
        await fetch_export(Exports(files))


async def test_an_export_of_another_date_than_its_name_is_refused() -> None:
    name = f"{BASE}/{DATASET}/2026-11-22.json"
    manifest = {"files": {"2026-11-22.json": CHECKSUM}}
    with pytest.raises(NotAnExport, match="is dated 2026-11-21"):
        await fetch_export(Exports({LATEST: manifest, name: EXPORT}))


async def test_a_failing_upstream_is_told_as_that() -> None:
    with pytest.raises(UpstreamError, match="answered 502; try again later"):
        await fetch_export(Exports({}, status=502))


# --- keeping ----------------------------------------------------------------------------------


@pytest.fixture
def copies(tmp_path: Path) -> ScoreCopies:
    return ScoreCopies(tmp_path / "state", "https://openrouter.ai/api/v1")


def keep(copies: ScoreCopies, body: bytes = EXPORT) -> Snapshot:
    checksum = hashlib.sha256(body).hexdigest()
    snapshot = read_export(body, checksum)
    copies.write(body, snapshot, source="https://openrouter.ai/x", now=1_795_000_000)
    return snapshot


def test_what_was_kept_is_read_with_its_age(copies: ScoreCopies) -> None:
    assert copies.read(TODAY) == NONE_KEPT
    assert (copies.kept(), copies.state()) == (None, None)
    snapshot = keep(copies)
    assert copies.read(TODAY) == Scores(snapshot, 3)
    assert copies.read(date(2026, 1, 1)).age == 0
    kept = copies.kept()
    assert kept is not None
    assert (kept.rows, kept.models, kept.benchmarks) == (2, 1, ("gpqa_diamond",))
    assert kept.attribution.startswith("Source: OpenRouter (openrouter.ai), licensed under CC BY")
    assert (copies.folder / kept.file).read_bytes() == EXPORT


def test_only_this_user_may_read_it(copies: ScoreCopies) -> None:
    keep(copies)
    files = [*copies.folder.iterdir()]
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(copies.folder.stat().st_mode) == 0o700


def test_another_upstreams_scores_are_not_used(copies: ScoreCopies, tmp_path: Path) -> None:
    keep(copies)
    simulated = ScoreCopies(tmp_path / "state", "http://127.0.0.1:1/api/v1")
    assert simulated.read(TODAY) == NONE_KEPT


def test_a_damaged_copy_is_not_used_and_the_reason_is_told(copies: ScoreCopies) -> None:
    keep(copies)
    export, kept = copies.folder / f"{DATASET}-2026-11-21.json", copies.folder / "kept.json"
    told = json.loads(kept.read_bytes())

    def why() -> str:
        scores = copies.read(TODAY)
        assert scores.snapshot is None
        return scores.why_none

    export.write_bytes(EXPORT + b" ")
    assert why().endswith("does not have the checksum noted for it")
    for body, reason in ((b"[]", "it is not a JSON object"), (_dated("2026-99-99"), "not a date")):
        export.write_bytes(body)
        kept.write_text(json.dumps({**told, "sha256": hashlib.sha256(body).hexdigest()}))
        assert why().endswith(reason)
    export.unlink()
    assert why().endswith(f"{export} can't be read")
    for broken in ({**told, "file": "../../../etc/passwd"}, {"file": 7}):
        kept.write_text(json.dumps(broken))
        assert why().endswith(f"{kept} can't be read")
    kept.unlink()
    kept.symlink_to(export)
    export.write_bytes(EXPORT)
    assert why().endswith(f"{kept} can't be read")


def _dated(day: str) -> bytes:
    return EXPORT.replace(b"2026-11-21", day.encode())


def test_the_oldest_exports_are_forgotten_but_never_the_one_in_use(copies: ScoreCopies) -> None:
    for day in range(32, 0, -1):
        keep(copies, _dated(f"2026-{1 + day // 29:02}-{1 + day % 29:02}"))
    left = sorted(file.name for file in copies.folder.glob(f"{DATASET}-*.json"))
    assert len(left) == 31
    assert left[0] == f"{DATASET}-2026-01-02.json"  # the last one that was kept
    assert copies.read(TODAY).snapshot is not None


def test_scores_that_can_not_be_written_leave_those_kept_before(
    copies: ScoreCopies, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(copies)
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="full"):
        keep(copies, _dated("2026-11-22"))
    assert len([*copies.folder.iterdir()]) == 2
    scores = copies.read(TODAY)
    assert scores.snapshot is not None
    assert scores.snapshot.date == "2026-11-21"


def _full(_handle: int) -> None:
    raise OSError("the disk is full")


def test_a_day_is_one_of_utc() -> None:
    assert today_by(lambda: 1_795_478_399.0) == date(2026, 11, 23)
    assert today_by(lambda: 1_795_478_400.0) == date(2026, 11, 24)


# --- following --------------------------------------------------------------------------------


def test_a_feed_reads_again_only_when_other_scores_are_kept_or_a_day_begins(
    copies: ScoreCopies, caplog: pytest.LogCaptureFixture
) -> None:
    days = [TODAY]
    used: list[Scores] = []
    feed = ScoreFeed(copies, used.append, lambda: days[-1])
    assert used == [NONE_KEPT]
    assert feed.look() is None
    with caplog.at_level(logging.INFO, logger="pointsman"):
        snapshot = keep(copies)
        assert feed.look() == Scores(snapshot, 3)
        assert feed.look() is None
        days.append(date(2026, 11, 25))
        found = feed.look()
        assert found == Scores(snapshot, 4)
        (copies.folder / "kept.json").unlink()
        assert feed.look() == NONE_KEPT
        days.append(date(2026, 11, 26))
        assert feed.look() == NONE_KEPT
    assert [record.getMessage() for record in caplog.records] == [
        "benchmark scores in use: those of 2026-11-21",
        "benchmark scores in use: no benchmark scores are kept",
    ]


async def test_kept_scores_come_into_use_while_serving(copies: ScoreCopies) -> None:
    used: list[Scores] = []
    chore = asyncio.create_task(ScoreFeed(copies, used.append, lambda: TODAY).keep_fresh())
    snapshot = await asyncio.to_thread(keep, copies)
    await until(lambda: len(used) > 1)
    chore.cancel()
    assert used[-1] == Scores(snapshot, 3)
