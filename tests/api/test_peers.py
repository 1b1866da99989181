"""Workers ask one another what they have counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.api.peers import Peers
from app.server.process import Worker
from app.telemetry.sums import Family, Telling


class Teller:
    """A worker that has counted so many, and has so many open."""

    def __init__(self, count: float, is_open: float = 1.0) -> None:
        self.count = count
        self.is_open = is_open

    async def telling(self, *, scraped: bool) -> Telling:
        return (
            Family("c", "counter", "", (("c_total", (), self.count),)),
            Family("pointsman_open_requests", "gauge", "", (("o", (), self.is_open - scraped),)),
        )


async def told(peers: Peers) -> dict[str, float]:
    return {name: value for family in await peers.told() for name, _, value in family.samples}


@asynccontextmanager
async def working(folder: Path, number: int, teller: Teller) -> AsyncIterator[Peers]:
    peers = Peers(Worker(number, 3, folder), lambda: teller, patience=0.2)
    await peers.open()
    try:
        yield peers
    finally:
        await peers.close()


async def test_everybody_tells_the_same_sum(tmp_path: Path) -> None:
    async with (
        working(tmp_path, 1, Teller(10)) as first,
        working(tmp_path, 2, Teller(20)) as second,
        working(tmp_path, 3, Teller(30)),
    ):
        for peers in (first, second):
            assert await told(peers) == {"c_total": 60, "o": 2}


async def test_who_has_not_begun_yet_is_left_out(tmp_path: Path) -> None:
    async with working(tmp_path, 2, Teller(20)) as peers:
        assert await told(peers) == {"c_total": 20, "o": 0}


async def test_what_was_heard_of_a_worker_outlives_it(tmp_path: Path) -> None:
    second, third = Teller(20), Teller(5)
    async with working(tmp_path, 1, Teller(10)) as first, working(tmp_path, 2, second):
        assert (await told(first))["c_total"] == 30
        second.count = 25  # nobody hears of these any more
        (tmp_path / "2.socket").unlink()  # as if it had been killed
        assert await told(first) == {"c_total": 30, "o": 0}
        async with working(tmp_path, 2, third):
            assert await told(first) == {"c_total": 35, "o": 1}


async def test_who_ends_in_order_leaves_its_counts(tmp_path: Path) -> None:
    async with working(tmp_path, 2, Teller(20)):
        pass
    async with working(tmp_path, 1, Teller(1)) as first:
        assert (await told(first))["c_total"] == 21


async def test_who_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async def broken(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x92\x94")
        writer.close()

    async with (
        await asyncio.start_unix_server(silent, tmp_path / "2.socket"),
        await asyncio.start_unix_server(broken, tmp_path / "3.socket"),
        working(tmp_path, 1, Teller(10)) as first,
        asyncio.timeout(60),
    ):
        assert await told(first) == {"c_total": 10, "o": 0}
        over.set()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", b"[]"])
async def test_a_file_that_is_none_of_ours_counts_for_nothing(
    tmp_path: Path, rubbish: bytes
) -> None:
    (tmp_path / "1.counts").write_bytes(rubbish)
    (tmp_path / "2.counts").write_bytes(rubbish)
    async with working(tmp_path, 1, Teller(10)) as first:
        assert (await told(first))["c_total"] == 10


async def test_without_a_folder_a_worker_tells_of_itself(tmp_path: Path) -> None:
    async with working(tmp_path / "gone", 1, Teller(10)) as first:
        assert (await told(first))["c_total"] == 10
