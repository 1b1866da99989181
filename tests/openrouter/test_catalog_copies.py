"""What was known before a restart is known after it, and nothing worse than that can happen."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.errors import UpstreamUnreachable
from app.openrouter.catalog_copies import CatalogCopies
from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import LIST, LISTING, MODEL, Clock, Upstream, listing_of, tags, want


@pytest.fixture
def copies(tmp_path: Path) -> CatalogCopies:
    return CatalogCopies(tmp_path, "https://openrouter.ai/api/v1")


def fed(upstream: Upstream, clock: Clock, copies: CatalogCopies) -> CatalogFeed:
    return CatalogFeed(upstream.get, clock=clock, copies=copies)


def age(tmp_path: Path, clock: Clock, seconds: float) -> None:
    for file in tmp_path.rglob("*.json"):
        os.utime(file, (clock.now - seconds, clock.now - seconds))


def overwrite(tmp_path: Path, body: bytes) -> None:
    for file in tmp_path.rglob("*.json"):
        file.write_bytes(body)


async def test_after_a_restart_a_fresh_copy_is_enough(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    age(tmp_path, clock, 60)
    upstream.asked.clear()
    again = fed(upstream, clock, copies)
    await want(again, MODEL)
    assert upstream.asked == []
    assert tags(again) == ["novita/fp8"]
    assert again.models_list is not None
    assert again.current.listings[MODEL].fetched_at == pytest.approx(clock.now - 60)
    clock.now += 1800 - 60 + 1
    await want(again, MODEL)
    assert sorted(upstream.asked) == [LIST, LISTING]


async def test_an_old_copy_serves_until_it_is_renewed(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    age(tmp_path, clock, 7200)
    upstream.tell(LISTING, listing_of("groq"))
    upstream.go.clear()
    again = fed(upstream, clock, copies)
    again.want(MODEL)
    for _ in range(100):
        await asyncio.sleep(0.01)
        if tags(again):
            break
    assert tags(again) == ["novita/fp8"]
    upstream.go.set()
    await again.settled()
    assert tags(again) == ["groq"]


async def test_stale_beats_absent_where_upstream_is_away(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    age(tmp_path, clock, 7 * 86400)
    upstream.answers = {LIST: UpstreamUnreachable("away"), LISTING: UpstreamUnreachable("away")}
    again = fed(upstream, clock, copies)
    await want(again, MODEL)
    assert tags(again) == ["novita/fp8"]


@pytest.mark.parametrize("rubbish", [b"", b"{", b"\xff", b"[]", b'{"data": 7}', b"<html>"])
async def test_a_copy_that_can_not_be_read_is_as_good_as_none(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path, rubbish: bytes
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    overwrite(tmp_path, rubbish)
    again = fed(upstream, clock, copies)
    await want(again, MODEL)
    assert tags(again) == ["novita/fp8"]


async def test_a_copy_from_the_future_is_not_trusted_to_be_fresh(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    age(tmp_path, clock, -86400)
    upstream.asked.clear()
    await want(fed(upstream, clock, copies), MODEL)
    assert sorted(upstream.asked) == [LIST, LISTING]


async def test_upstreams_do_not_share_copies(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    other = CatalogCopies(tmp_path, "http://127.0.0.1:1/api/v1")
    assert copies.read(LISTING) is not None
    assert other.read(LISTING) is None


def test_a_folder_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    copies = CatalogCopies(tmp_path / "file", "x")
    copies.write(LISTING, b"{}")
    assert copies.read(LISTING) is None


def test_the_folders_it_makes_are_for_its_user_alone(tmp_path: Path) -> None:
    state = tmp_path / "some" / "state"
    CatalogCopies(state / "catalog", "https://openrouter.ai").write("/models", b"{}")
    made = [state, state / "catalog", *(state / "catalog").iterdir()]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3


def test_the_oldest_copies_go_when_there_are_too_many(tmp_path: Path) -> None:
    copies = CatalogCopies(tmp_path, "x")
    for number in range(510):
        copies.write(f"/models/{number}", b"{}")
    assert len(list(tmp_path.rglob("*.json"))) == 500


def test_copies_together_weigh_no_more_than_a_bound(tmp_path: Path) -> None:
    copies = CatalogCopies(tmp_path, "x")
    for number in range(8):
        copies.write(f"/models/{number}", b"x" * 10_000_000)
        os.utime(max(tmp_path.rglob("*.json"), key=lambda file: file.stat().st_mtime), (0, number))
    kept = [number for number in range(8) if copies.read(f"/models/{number}")]
    assert kept == [2, 3, 4, 5, 6, 7]


@pytest.fixture
def copy(tmp_path: Path, copies: CatalogCopies) -> Path:
    """The file of a copy that is there."""
    copies.write(LISTING, b"{}")
    assert copies.read(LISTING) is not None
    (file,) = tmp_path.rglob("*.json")
    return file


def test_a_copy_of_another_user_is_none(
    copies: CatalogCopies, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: copy.stat().st_uid + 1)
    assert copies.read(LISTING) is None


def test_a_copy_larger_than_any_listing_is_none(copies: CatalogCopies, copy: Path) -> None:
    with copy.open("wb") as file:
        file.truncate(16_000_001)
    assert copies.read(LISTING) is None


def test_what_is_no_plain_file_is_no_copy(
    copies: CatalogCopies, copy: Path, tmp_path: Path
) -> None:
    """A named pipe would be waited for without end, and a link leads to anything."""
    (tmp_path / "elsewhere").write_bytes(b"{}")
    instead: list[Any] = [
        lambda: copy.symlink_to(tmp_path / "elsewhere"),
        lambda: os.mkfifo(copy),
        lambda: copy.symlink_to("/dev/zero"),
        copy.mkdir,
    ]
    for make in instead:
        copy.unlink()
        make()
        assert copies.read(LISTING) is None
    copies.write(LISTING, b"{}")  # there is a folder in its place
    assert copies.read(LISTING) is None


async def test_a_copy_beyond_a_bound_is_as_good_as_none(
    upstream: Upstream, clock: Clock, copies: CatalogCopies, tmp_path: Path
) -> None:
    await want(fed(upstream, clock, copies), MODEL)
    overwrite(tmp_path, b'{"data":{"endpoints":[' + b"{}," * 2000 + b"{}]}}")
    age(tmp_path, clock, 60)
    upstream.asked.clear()
    again = fed(upstream, clock, copies)
    await want(again, MODEL)
    assert LISTING in upstream.asked
    assert tags(again) == ["novita/fp8"]


async def test_a_change_is_told_with_what_was_known_before(
    upstream: Upstream, clock: Clock
) -> None:
    seen: list[tuple[str, bool, bool]] = []

    def changed(model: str, before: Catalog, after: Catalog) -> None:
        seen.append((model, before.listing(model) is None, after.listing(model) is None))

    feed = CatalogFeed(upstream.get, clock=clock, changed=changed)
    await want(feed, MODEL)
    clock.now += 3600
    await want(feed, MODEL)
    assert seen == [(MODEL, True, False), (MODEL, False, False)]
