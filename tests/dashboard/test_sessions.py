"""Who has signed in: in one process's memory, in a folder that several share, or on a ledger."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.dashboard.ledger_sessions import LedgerSessions
from app.dashboard.sessions import Known, Sessions, SharedSessions
from app.errors import LedgerError, SignInUnknown
from app.ledger.store import Store

Begin = Callable[..., Known]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def proof_of(caller: str, session_id: str) -> str | None:
    return f"the key of {caller}" + session_id if caller != "gone" else None


@pytest.fixture(params=[Sessions, SharedSessions, LedgerSessions])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Begin]:
    """Makes sessions of each kind."""
    stores: list[Store] = []

    def made(**options: Any) -> Known:
        if request.param is Sessions:
            return Sessions(**options)
        if request.param is SharedSessions:
            return SharedSessions(tmp_path / "sessions", **options)
        stores.append(Store.open(f"sqlite:///{tmp_path}/ledger.db"))
        return LedgerSessions(lambda: stores[-1], proof_of, **{"clock": Clock(), **options})

    yield made
    for store in stores:
        store.close()


async def test_a_session_says_whose_it_is(begin: Begin) -> None:
    sessions = begin()
    aider, ci = await sessions.begin("aider"), await sessions.begin("ci")
    assert (await sessions.caller_of(aider), await sessions.caller_of(ci)) == ("aider", "ci")


async def test_ids_are_long_and_never_the_same(begin: Begin) -> None:
    sessions = begin()
    ids = {await sessions.begin("aider") for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 43


async def test_nobody_gets_in_with_an_id_that_was_never_given(begin: Begin) -> None:
    sessions = begin()
    known = await sessions.begin("aider")
    assert [await sessions.caller_of(each) for each in ("", "x", known[:-1], known + "x")] == [
        None
    ] * 4


async def test_a_session_ends_when_its_time_is_up(begin: Begin) -> None:
    clock = Clock()
    sessions = begin(clock=clock, seconds=60)
    session_id = await sessions.begin("aider")
    clock.now += 59
    assert await sessions.caller_of(session_id) == "aider"
    clock.now += 1
    assert await sessions.caller_of(session_id) is None


async def test_a_session_that_has_ended_is_not_begun_again_by_a_clock() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock, seconds=60)
    session_id = await sessions.begin("aider")
    clock.now += 60
    assert await sessions.caller_of(session_id) is None
    clock.now -= 30
    assert await sessions.caller_of(session_id) is None


class Away:
    """A ledger that can't be used."""

    def __call__(self) -> Store:
        raise LedgerError("can't open the ledger")


async def test_sessions_on_a_ledger_that_is_away_are_unknown_and_neither_valid_nor_ended() -> None:
    sessions = LedgerSessions(Away(), proof_of, clock=Clock())
    for asked in (sessions.begin("aider"), sessions.caller_of("x"), sessions.end("x")):
        with pytest.raises(SignInUnknown, match=r"does not answer: can't open the ledger; try"):
            await asked


async def test_a_session_of_a_caller_that_is_not_known_opens_nothing(tmp_path: Path) -> None:
    with closing(Store.open(f"sqlite:///{tmp_path}/ledger.db")) as store:
        sessions = LedgerSessions(lambda: store, proof_of, clock=Clock())
        assert await sessions.caller_of(await sessions.begin("gone")) is None


async def test_the_ledger_is_asked_twice_a_second_at_most_for_one_session(tmp_path: Path) -> None:
    with closing(Store.open(f"sqlite:///{tmp_path}/ledger.db")) as store:
        asked: list[str] = []

        def ledger() -> Store:
            asked.append("")
            return store

        sessions = LedgerSessions(ledger, proof_of, clock=Clock())
        session_id = await sessions.begin("aider")
        asked.clear()
        began = time.monotonic()
        while time.monotonic() < began + 0.7:
            assert await sessions.caller_of(session_id) == "aider"
        assert len(asked) == 2


async def test_a_session_that_was_ended_stays_ended(begin: Begin) -> None:
    sessions = begin()
    session_id = await sessions.begin("aider")
    await sessions.end(session_id)
    await sessions.end(session_id)
    assert await sessions.caller_of(session_id) is None


async def test_the_oldest_makes_room_for_the_newest(begin: Begin) -> None:
    sessions = begin(capacity=2)
    first, second, third = [await sessions.begin(name) for name in ("a", "b", "c")]
    assert [await sessions.caller_of(each) for each in (first, second, third)] == [None, "b", "c"]


async def test_neither_ids_nor_their_like_are_kept() -> None:
    sessions = Sessions()
    session_id = await sessions.begin("aider")
    assert session_id not in repr(vars(sessions))


async def test_a_shared_session_is_known_to_all_and_ended_for_all(tmp_path: Path) -> None:
    one, other = (SharedSessions(tmp_path / "sessions") for _ in range(2))
    session_id = await one.begin("aider")
    assert await other.caller_of(session_id) == "aider"
    await other.end(session_id)
    assert await one.caller_of(session_id) is None


async def test_what_is_shared_is_for_nobody_else_and_tells_no_id(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    session_id = await SharedSessions(folder).begin("aider")
    assert folder.stat().st_mode & 0o077 == 0
    (file,) = folder.iterdir()
    assert session_id not in file.name + file.read_text(encoding="utf-8")


@pytest.mark.parametrize("session_id", ["", ".", "..", "../sessions", "a/b", "x" * 10_000, "\0"])
async def test_no_id_leads_to_another_file(tmp_path: Path, session_id: str) -> None:
    sessions = SharedSessions(tmp_path / "sessions")
    await sessions.begin("aider")
    assert await sessions.caller_of(session_id) is None
    await sessions.end(session_id)
    assert len(list((tmp_path / "sessions").iterdir())) == 1


async def test_a_folder_that_was_cleaned_away_is_made_again(tmp_path: Path) -> None:
    sessions = SharedSessions(tmp_path / "sessions")
    lost = await sessions.begin("aider")
    for file in (tmp_path / "sessions").iterdir():
        file.unlink()
    (tmp_path / "sessions").rmdir()
    assert await sessions.caller_of(lost) is None
    assert await sessions.caller_of(await sessions.begin("ci")) == "ci"


async def test_a_wall_clock_set_back_does_not_end_the_newest_sessions(tmp_path: Path) -> None:
    """They go by the clock that sessions end by, whatever dates their files have."""
    clock = Clock()
    sessions = SharedSessions(tmp_path / "sessions", clock=clock, capacity=3)
    ids = []
    for number in range(5):
        clock.now += 1
        ids.append(await sessions.begin(f"caller-{number}"))
        for age, file in enumerate(sorted((tmp_path / "sessions").iterdir())):
            written = 1_000_000 - 1000 * number - age
            os.utime(file, (written, written))
    callers = [await sessions.caller_of(each) for each in ids]
    assert callers == [None, None, "caller-2", "caller-3", "caller-4"]
