"""The program that counts how far a request travels counts what it says."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from app.server.disconnect import while_caller_stays

BENCH = Path(__file__).parent.parent / "bench"

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="a source distribution has no bench/")


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program; those under bench/ are no package."""
    monkeypatch.syspath_prepend(str(BENCH))
    import hops  # type: ignore[import-not-found]  # noqa: PLC0415

    return hops


def test_a_streamed_request_is_traced_from_the_socket_to_its_receipt(
    hops: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pointsman")
    trace = asyncio.run(hops.traced(tmp_path))
    called = [name for _, name in trace.calls]
    assert called[0] == "Protocol.data_received"
    assert called.count("Observer.feed") == 3  # as many as there are chunks
    assert called.index("Observer.feed") < called.index("Writer.submit") < called.index("line_of")
    assert len(trace.files) <= len(trace.moves) < len(trace.calls)
    assert len(trace.files) <= hops.MOST_FILES, trace
    assert len(trace.moves) <= hops.MOST_MOVES, trace
    assert len(trace.calls) <= hops.MOST_CALLS, trace
    assert str(trace) == (
        f"{len(trace.files)} files, {len(trace.moves)} moves, {len(trace.calls)} calls"
    )


def test_going_on_after_an_await_is_no_call(hops: Any) -> None:
    """Nor is what runs outside of app/."""

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"type": "http.request"}

    async def waiting() -> None:
        with while_caller_stays({}, receive):
            for _ in range(3):
                await asyncio.sleep(0)

    trace = hops.Trace()
    sys.setprofile(trace.note)
    try:
        asyncio.run(waiting())
    finally:
        sys.setprofile(None)
    assert [name for _, name in trace.calls].count("_Receiving._until_left") == 1
    assert set(trace.files) == {"server/disconnect.py"}
    assert not trace.moves
