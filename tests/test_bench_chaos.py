"""The account of the failure test: each promise is kept by a good run, and broken by its fault."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("bench.chaos", reason="a source distribution has no bench/")

from bench.chaos import account
from bench.chaos.load import Asking
from bench.chaos.notes import Ledger, Look, Note, Row, Run, Span, Standing, Step

COST = Decimal("0.01")
GOOD = Standing("ready", None, 0.0, 0, 0.2)
UNAWARE = replace(GOOD, budgets=19.0)  # ready, but what it knows of others' spending is old
KILLED = Span("one", 12.0, 15.0)
AWAY = Span("PostgreSQL", 18.0, 19.5)  # when no budget is spent any more


def note(number: int, **changes: Any) -> Note:
    """A request that `two` served in a second, from second `number` on."""
    given: dict[str, Any] = {
        "kind": "request",
        "caller": "load",
        "begun": float(number),
        "ended": number + 1.0,
        "status": 200,
        "replica": "two",
        "receipt": f"receipt-{number}-{changes.get('kind', 'request')}",
        "whole": True,
    }
    return Note(**given | changes)


def stream(number: int, **changes: Any) -> Note:
    return note(number, kind="stream", **changes)


def spend(number: int, **changes: Any) -> Note:
    return note(number, kind="spender", caller="spender-1", **changes)


REFUSED: dict[str, Any] = {"status": 402, "fault": "budget_exceeded"}


def row(of: Note) -> Row:
    return Row(
        id=of.receipt or "",
        started=of.begun,
        ended=of.ended,
        status=of.status,
        ending="refused" if of.is_refused else "complete",
        caller=of.caller,
        generation=None if of.is_refused else f"gen-{of.receipt}",
        paid=Decimal(0) if of.is_refused else COST,
    )


def looks() -> tuple[Look, ...]:
    """One a second: `one` is away while it is killed, and another connection has the duty."""
    good = {"one": GOOD, "two": GOOD}
    during = {"one": None, "two": GOOD}
    return tuple(
        Look(float(at), at + 0.1, during if 12 <= at < 15 else good, 7 if at < 13 else 8)
        for at in range(30)
    )


def run(*more: Note, **changes: Any) -> Run:
    """A good run of one step: `one` is killed at 12, and a budget of two requests is reached."""
    notes = (
        *(note(number) for number in range(10, 20)),
        *(stream(number) for number in range(10, 20)),
        *(spend(number) for number in (10, 13)),
        *(spend(number, **REFUSED) for number in (16, 17)),
        *more,
    )
    rows = tuple(row(each) for each in notes if each.whole and each.receipt)
    step = Step(
        "a replica is killed", 10, 28, 12, 12, "spender-1", (KILLED,), away=(AWAY,), chores=7
    )
    ledger = Ledger(rows, len(rows), {"spender-1": COST * 2})
    good = Run(notes, (step,), looks(), ledger, COST * 2, 2, {"one": 0, "two": 0}, {"two": 0})
    return replace(good, **changes)


def broken(found: Run) -> dict[str, tuple[str, ...]]:
    return {each.name: each.broken for each in account.promises(found) if not each.is_kept}


def with_rows(change: Callable[[tuple[Row, ...]], tuple[Row, ...]]) -> Run:
    """The good run with another ledger, whose statistics and sums are those of its receipts."""
    good = run()
    rows = change(good.ledger.rows)
    paid = sum((each.paid for each in rows if each.caller == "spender-1"), Decimal(0))
    return replace(good, ledger=Ledger(rows, len(rows), {"spender-1": paid}))


def with_step(**changes: Any) -> Run:
    good = run()
    return replace(good, steps=(replace(good.steps[0], **changes),))


CUT: dict[str, Any] = {"whole": False, "fault": "no [DONE]", "receipt": None}
FAULTS: dict[str, Callable[[], Run]] = {
    "every step had streams and requests": lambda: with_step(start=20.5),
    "streams are lost only by a killed or frozen replica": lambda: run(stream(21, **CUT)),
    "requests are lost only by a killed or frozen replica": lambda: run(note(21, **CUT)),
    "no 5xx comes from Pointsman": lambda: run(
        note(13, replica="one", status=503, fault="draining", receipt="r")
    ),
    "the balancer fails only while a replica is killed or frozen": lambda: run(
        note(25, replica=None, receipt=None, status=502)
    ),
    "no request waits for a database that is away": lambda: run(note(18, ended=24.0, receipt="r")),
    "each finished request has one receipt": lambda: with_rows(lambda rows: rows[1:]),
    "receipts say what clients saw": lambda: with_rows(
        lambda rows: (replace(rows[0], ending="caller_left"), *rows[1:])
    ),
    "each receipt is of a request that a client sent": lambda: with_rows(
        lambda rows: (*rows, replace(rows[0], id="another", generation="gen-another"))
    ),
    "no receipt and no generation is there twice": lambda: with_rows(
        lambda rows: (rows[0], replace(rows[1], generation=rows[0].generation), *rows[2:])
    ),
    "budgets are reached and kept within their bound": lambda: with_rows(
        lambda rows: tuple(
            replace(each, paid=each.paid * 3) if each.caller == "spender-1" else each
            for each in rows
        )
    ),
    "statistics and sums agree with the receipts": lambda: replace(
        run(), ledger=replace(run().ledger, counted=3)
    ),
    "no receipt is dropped": lambda: run(dropped={"one": 1, "two": 0}),
    "a replica that is told to stop ends with status 0": lambda: run(exits={"two": None}),
    "everything recovers": lambda: run(looks=looks()[:13]),
}


def test_a_good_run_breaks_no_promise() -> None:
    assert broken(run()) == {}
    assert set(FAULTS) == set(account.PROMISES)


@pytest.mark.parametrize("name", FAULTS)
def test_each_promise_is_broken_by_its_own_fault(name: str) -> None:
    found = broken(FAULTS[name]())
    assert list(found) == [name]
    assert found[name]


def test_a_promise_that_nothing_tried_is_not_kept() -> None:
    nothing = Run((), (), (), Ledger((), 0, {}), COST, 2, {}, {})
    agree = "statistics and sums agree with the receipts"  # as those of an empty ledger do
    assert set(broken(nothing)) == set(account.PROMISES) - {agree}


def test_what_a_killed_replica_takes_with_it_breaks_no_promise() -> None:
    """Streams that it served, receipts of its last second, and the balancer's errors meanwhile."""
    good = run()
    lost = stream(11, replica="one", ended=12.1, **CUT)
    unwritten = note(11, replica="one", ended=11.5, receipt="unwritten")
    refused = note(14, replica=None, receipt=None, status=502)
    gone = replace(good, notes=(*good.notes, lost, unwritten, refused))
    assert broken(gone) == {}
    assert [each.unwritten for each in account.figures(gone)] == [1]
    assert "1 receipt of its last second not written" in "\n".join(account.table(gone))
    for changes in (
        {"ended": 10.9, "begun": 10.0},  # long enough before
        {"begun": 12.5, "ended": 13.0},  # of the process that came after it
        {"replica": "two"},
    ):
        late = replace(gone, notes=(*gone.notes, replace(unwritten, receipt="x", **changes)))
        assert list(broken(late)) == ["each finished request has one receipt"]


def test_a_frozen_replica_may_lose_streams_only_while_it_is_frozen() -> None:
    frozen = (Span("two", 21.0, 24.0),)
    step = with_step(frozen=frozen)
    during, after = stream(22, **CUT), stream(25, **CUT)
    assert broken(replace(step, notes=(*step.notes, during))) == {}
    assert list(broken(replace(step, notes=(*step.notes, after)))) == [
        "streams are lost only by a killed or frozen replica"
    ]


def test_a_sum_that_differs_from_the_receipts_is_named() -> None:
    found = run(ledger=replace(run().ledger, spent={"spender-1": COST * 3}))
    assert broken(found) == {
        "statistics and sums agree with the receipts": (
            "spender-1: 0.03 by sums, 0.02 by receipts",
        )
    }


def test_a_budget_that_refuses_nothing_was_not_reached() -> None:
    good = run()
    spent = tuple(each for each in good.notes if not each.is_refused)
    assert broken(replace(good, notes=spent))["budgets are reached and kept within their bound"]


def test_the_bound_is_the_cost_of_what_no_process_can_know_together() -> None:
    """Two at a time; with the ledger away, all of it, until a moment after it is back."""
    rows = [row(spend(number)) for number in range(10, 16)]  # each lasts for a second
    assert account.bound(rows, (), lag=0.5) == COST * 2
    assert account.bound(rows, [Span("PostgreSQL", 11.2, 14.2)], lag=0.5) == COST * 5
    assert account.bound((), ()) == 0


def test_while_the_ledger_is_away_each_process_keeps_the_budget_by_itself() -> None:
    """Two processes: twice the budget, and what is under way; not three times."""
    away = (Span("PostgreSQL", 9.0, 27.0),)

    def spending(count: int) -> Run:
        more = tuple(spend(17 + 2 * number, receipt=f"s{number}") for number in range(count))
        good = run(*more)
        ledger = replace(good.ledger, spent={"spender-1": COST * (2 + count)})
        return replace(good, ledger=ledger, steps=(replace(good.steps[0], away=away),))

    assert broken(spending(2)) == {}
    assert list(broken(spending(4))) == ["budgets are reached and kept within their bound"]


def test_a_replica_that_was_frozen_may_spend_until_it_has_caught_up() -> None:
    """It was frozen until 20; what it begins once it knows of others is beyond the bound."""

    def spending(*moments: int, knows_at: int = 20) -> Run:
        more = tuple(spend(each, receipt=f"s{each}") for each in moments)
        good = run(*more)
        ledger = replace(good.ledger, spent={"spender-1": COST * (2 + len(more))})
        frozen = replace(good.steps[0], frozen=(Span("two", 18.5, 20.0),), since=20.0)
        seen = tuple(
            replace(each, replicas={"one": GOOD, "two": GOOD if each.at >= knows_at else UNAWARE})
            for each in good.looks
        )
        return replace(good, ledger=ledger, steps=(frozen,), looks=seen)

    too_much = ["budgets are reached and kept within their bound"]
    assert broken(spending(18, 20)) == {}
    assert list(broken(spending(22, 24))) == too_much
    assert broken(spending(22, 24, knows_at=24)) == {}
    assert list(broken(spending(25, 27, knows_at=24))) == too_much


def test_a_replica_that_freezes_while_it_writes_leaves_each_of_the_others_alone() -> None:
    """Only as long as receipts of the others wait, and not for whatever reason."""

    def spending(oldest: float, **changes: Any) -> Run:
        more = tuple(spend(17 + 2 * number, receipt=f"s{number}") for number in range(2))
        good = run(*more)
        ledger = replace(good.ledger, spent={"spender-1": COST * 4})
        waits = {"one": None, "two": replace(GOOD, oldest=oldest)}
        seen = tuple(
            replace(each, replicas=waits) if 20 <= each.at < 21 else each for each in looks()
        )
        step = replace(good.steps[0], away=(), **changes)
        return replace(good, ledger=ledger, steps=(step,), looks=seen)

    budgets = "budgets are reached and kept within their bound"
    frozen = {"frozen": (Span("one", 12.0, 24.0),)}
    assert budgets not in broken(spending(9.0, **frozen))
    assert budgets in broken(spending(0.5, **frozen))
    assert budgets in broken(spending(9.0))


def test_a_look_that_ends_after_the_step_sees_the_next_failure() -> None:
    gone = Look(27.95, 28.05, {"one": None}, None)
    assert broken(run(looks=(*looks(), gone))) == {}
    assert list(broken(run(looks=(*looks()[:28], replace(gone, done=27.99))))) == [
        "everything recovers"
    ]


def test_a_recovery_counts_from_when_it_lasts() -> None:
    def at(moment: float, *, good: bool) -> Look:
        return Look(moment, moment, {"one": GOOD if good else None}, 1)

    seen = [at(1, good=True), at(2, good=False), at(3, good=True), at(4, good=True)]
    assert account.recovered(seen, 0.5, account.ready) == 2.5
    assert account.recovered(seen[:2], 0.5, account.ready) is None
    assert account.recovered([], 0.5, account.ready) is None
    assert account.recovered(seen, 3.5, account.ready) == 0.5


@pytest.mark.parametrize(
    "standing",
    [
        None,
        Standing("degraded", None, 0.0, 0, 0.0),
        Standing("ready", "it is away", 0.0, 0, 0.0),
        Standing("ready", None, 2.0, 0, 0.0),
    ],
)
def test_a_look_is_good_only_if_every_replica_is(standing: Standing | None) -> None:
    look = Look(0.0, 0.0, {"one": GOOD, "two": standing}, 1)
    assert not (account.ready(look) and account.written(look))


def test_the_table_has_each_step_its_errors_and_each_promise() -> None:
    lost = stream(11, replica="one", ended=12.1, **CUT)
    refused = note(14, replica=None, receipt=None, status=502)
    text = "\n".join(account.table(run(lost, refused, dropped={"one": 9, "two": 0})))
    assert (
        "| a replica is killed | 18 | 11 | 10 | 1 | 15 | 12 | 1 | 1.0 s | 2 | 100%, 150% | 5.0 s"
        in text
    )
    assert "a replica is killed: 1 x no [DONE], Pointsman" in text
    assert "a replica is killed: 1 x 502, balancer" in text
    assert "BROKEN no receipt is dropped (2 tried)\n       one dropped 9 receipts" in text
    assert text.count("kept  ") == len(account.PROMISES) - 1


def test_an_answer_that_names_no_receipt_has_none() -> None:
    for answer in (note(21, receipt=None), spend(21, receipt=None, **REFUSED)):
        (said,) = broken(run(answer))["each finished request has one receipt"]
        assert said.startswith("no receipt is named by two: ")


@pytest.mark.parametrize(
    ("of", "changes"),
    [
        (False, {"paid": Decimal(0)}),
        (False, {"status": 502}),
        (True, {"ending": "complete"}),
        (True, {"status": 200}),
        (True, {"paid": COST}),
    ],
)
def test_a_receipt_says_what_its_client_saw(*, of: bool, changes: dict[str, Any]) -> None:
    """Also that it was refused, and that it cost something."""
    good = run()
    name = next(each.receipt for each in good.notes if each.is_refused == of)
    rows = tuple(replace(each, **changes) if each.id == name else each for each in good.ledger.rows)
    found = replace(good, ledger=replace(good.ledger, rows=rows))
    assert len(broken(found)["receipts say what clients saw"]) == 1


def test_a_receipt_without_a_request_is_of_one_whose_answer_did_not_begin() -> None:
    """One for each of these; and the client may have given up before a frozen replica read it."""
    lost = note(13, ended=14.0, status=None, replica=None, receipt=None, whole=False)
    late = replace(row(note(15)), id="late", generation="gen-late")

    def having(*more: Row) -> Run:
        good = run(lost)
        rows = (*good.ledger.rows, *more)
        return replace(good, ledger=replace(good.ledger, rows=rows, counted=len(rows)))

    assert broken(having(late)) == {}
    for more in (
        (late, replace(late, id="later", generation="gen-later")),
        (replace(late, started=12.5),),
        (replace(late, caller="operator"),),
    ):
        assert list(broken(having(*more))) == ["each receipt is of a request that a client sent"]


async def test_an_answer_is_whole_only_at_its_end() -> None:
    """A stream also needs its last word: some balancers end a cut one as if it were complete."""

    class Transport:
        def write(self, data: bytes) -> None:
            self.sent = data

        def close(self) -> None:
            pass

    def answered(*parts: bytes, stream: bool) -> Asking:
        asking = Asking(b"GET", stream=stream)
        asking.connection_made(Transport())  # type: ignore[arg-type]  # all that it uses
        for part in parts:
            asking.data_received(part)
        asking.connection_lost(None)
        return asking

    head = b"HTTP/1.1 200 OK\r\nX-Served-By: a:1\r\nTransfer-Encoding: chunked\r\n\r\n"
    one, end = b"6\r\ndata: \r\n", b"0\r\n\r\n"
    done = b"7\r\n[DONE]\n\r\n"
    for parts, stream, whole, fault in (
        ((head, one, done, end), True, True, ""),
        ((head, one, end), True, False, "no [DONE]"),
        ((head, one, done), True, False, "closed early"),
        ((head, one, end), False, True, ""),
        ((head[:20],), False, False, "closed early"),
        ((b"nonsense",), False, False, "unreadable"),
    ):
        found = answered(*parts, stream=stream)
        assert (found.whole, found.fault.partition(":")[0]) == (whole, fault)
    refused = b'{"error": {"code": "budget_exceeded"}}'
    error = b"HTTP/1.1 402 No\r\nContent-Length: %d\r\n\r\n%s" % (len(refused), refused)
    found = answered(error, stream=True)
    assert (found.status, found.whole, found.fault) == (402, True, "budget_exceeded")
