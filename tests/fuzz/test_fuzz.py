"""A few seconds of `make fuzz`, the same ones each time."""

import asyncio
import logging
import time

import pytest

from tests.fuzz import cases, pure
from tests.fuzz.cases import Case
from tests.fuzz.fuzz import Finding, Plan, amiss, fuzz, of_report, random_of
from tests.fuzz.target import Pulse, Report, Troubles


@pytest.mark.timeout(120)
def test_strange_input_neither_breaks_nor_stalls_anything() -> None:
    outcome = fuzz(Plan(seconds=5, seed=1, stall=1.0))
    assert [str(finding) for finding in outcome.findings] == []
    assert outcome.tried > 100


@pytest.mark.parametrize("kind", [*cases.KINDS, *pure.KINDS])
def test_a_case_is_made_again_by_its_number(kind: str) -> None:
    if kind in cases.KINDS:
        made = [cases.KINDS[kind](random_of(Plan(1, 7), kind, 3)) for _ in range(2)]
        assert made[0] == made[1]
    assert fuzz(Plan(1, 7, kinds=[kind], case=3, stall=1.0)).tried == 1


def test_what_breaks_or_takes_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_random: object) -> object:
        return lambda: 1 / 0

    def slow(_random: object) -> object:
        return lambda: sum(range(3_000_000))

    monkeypatch.setattr(pure, "KINDS", {"broken": broken, "slow": slow})
    found = fuzz(Plan(1, 1, kinds=["broken", "slow"], case=0, stall=0.001)).findings
    assert [(each.kind, each.case) for each in found] == [("broken", 0), ("slow", 0)]
    assert "ZeroDivisionError" in found[0].what
    assert found[1] == Finding("slow", 0, found[1].what)
    assert found[1].what.startswith("took ")


SOUND = Case(b"", (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok",), relayed=b"ok")


@pytest.mark.parametrize(
    ("came", "ended", "said"),
    [
        (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok", True, []),
        (b"HTTP/1.1 502 X\r\nContent-Length: 2\r\n\r\nno", True, []),
        (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\no", True, []),  # broken off is no lie
        (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nno", True, ["the body is not"]),
        (b"", False, ["no end after"]),
        (b"HTTP/1.1 500 X\r\n\r\n", True, ["an internal error"]),
        (
            b'HTTP/1.1 200 X\r\n\r\n{"error":{"code":"internal_error"}}',
            True,
            ["an internal", "the"],
        ),
    ],
)
def test_an_answer_that_is_amiss_is_noticed(came: bytes, ended: bool, said: list[str]) -> None:  # noqa: FBT001
    found = list(amiss(SOUND, came, ended=ended))
    assert len(found) == len(said)
    assert all(what.startswith(start) for what, start in zip(found, said, strict=True))


async def test_a_loop_that_stands_still_and_what_is_logged_are_noticed() -> None:
    pulse, troubles = Pulse(), Troubles()
    watch = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0.02)
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    await asyncio.sleep(0.02)
    watch.cancel()
    assert pulse.longest > 0.05
    for level, error in (
        (logging.WARNING, None),
        (logging.ERROR, None),
        (logging.DEBUG, OSError()),
    ):
        told = (type(error), error, None) if error else None
        troubles.emit(logging.LogRecord("x", level, "", 1, "said", (), told))
    assert len(troubles.seen) == 2


def test_a_proxy_that_does_not_answer_is_noticed() -> None:
    plan = Plan(1, 1)
    assert list(of_report(plan, None)) == ["it does not answer any more"]
    assert list(of_report(plan, Report(0.1, ("a trace",), 1))) == ["a trace"]
    assert list(of_report(plan, Report(0.3, (), 1))) == ["the loop stood still for 0.30 s"]
