"""What holds the verdicts to the truth is itself right, and can fail."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.ledger.receipt import Receipt
from app.simulator.ask import Ask, read_ask
from app.simulator.catalog import Catalog
from app.simulator.refusals import Refusal
from app.simulator.router import Router
from app.simulator.switches import Switches
from tests.simulator.simulated import NOW, endpoint

truth = pytest.importorskip("bench.truth", reason="a source distribution has no bench/")
held = pytest.importorskip("bench.held")
mixed = pytest.importorskip("bench.mixed")
verdicts = pytest.importorskip("bench.verdicts")

PAID = {"prompt": Decimal("0.000001"), "completion": Decimal("0.000002")}


def tried(tag: str, label: str | None = "fp8", **facts: Any) -> Any:
    told = {"own_key": False, "paid": PAID}
    told |= {name: facts.pop(name) for name in [*told] if name in facts}
    return truth.Tried(endpoint(tag, label, **facts), **told)


NOVITA = tried("novita/fp8")
FAST = tried("openai/fast", service_tier="priority")


@pytest.mark.parametrize(
    ("one", "sent", "inside"),
    [
        (NOVITA, {}, True),
        (NOVITA, {"only": ["novita"]}, True),
        (NOVITA, {"only": ["novita/fp8"]}, True),
        (NOVITA, {"only": ["Novita"]}, True),
        (NOVITA, {"only": ["novita/bf16", "deepinfra"]}, False),
        (NOVITA, {"only": [], "ignore": None}, True),
        (NOVITA, {"ignore": ["novita"]}, False),
        (FAST, {"ignore": ["openai"]}, True),
        (FAST, {"only": ["openai"]}, False),
        (FAST, {"only": ["openai/fast"]}, True),
        (NOVITA, {"order": ["deepinfra"]}, True),
        (NOVITA, {"order": ["deepinfra"], "allow_fallbacks": True}, True),
        (NOVITA, {"order": ["deepinfra"], "allow_fallbacks": False}, False),
        (NOVITA, {"order": ["novita"], "allow_fallbacks": False}, True),
        (NOVITA, {"allow_fallbacks": False}, True),
        (
            tried("novita/fp8", own_key=True),
            {"order": ["deepinfra"], "allow_fallbacks": False},
            True,
        ),
        (tried("novita/fp8", own_key=True), {"only": ["deepinfra"]}, False),
        (NOVITA, {"quantizations": ["fp8"]}, True),
        (NOVITA, {"quantizations": ["bf16"]}, False),
        (tried("a", "mxfp8"), {"quantizations": ["fp8"]}, None),
        (tried("a", "mxfp8"), {"quantizations": ["fp8", "mxfp8"]}, True),
        (tried("a", "nvfp4"), {"quantizations": ["fp8"]}, False),
        (tried("a", None), {"quantizations": ["fp8", "unknown"]}, False),
        (NOVITA, {"max_price": {"prompt": 1}}, True),
        (NOVITA, {"max_price": {"prompt": "0.99", "completion": None}}, False),
        (tried("novita/fp8", paid={}), {"max_price": {"prompt": 1}}, None),
        (tried("novita/fp8", paid=None), {"max_price": {"prompt": 0}}, True),
        (tried("a", "mxfp8"), {"quantizations": ["fp8"], "only": ["b"]}, False),
    ],
)
def test_the_promise_of_a_provider_object(one: Any, sent: Any, *, inside: bool | None) -> None:
    assert truth.every(truth.complies(one, sent).values()) is inside


@pytest.mark.parametrize(
    ("one", "rule", "inside"),
    [
        (NOVITA, {"name": "r", "zdr": True}, True),
        (NOVITA, {"pin": ["deepinfra"]}, False),
        (NOVITA, {"pin": ["novita"]}, True),
        (FAST, {"ignore": ["openai"]}, False),  # never means in no tier either
        (NOVITA, {"quantization_floor": "fp8"}, True),
        (NOVITA, {"quantization_floor": "bf16"}, False),
        (tried("a", "int8"), {"quantization_floor": "fp8"}, False),
        (tried("a", "mxfp8"), {"quantization_floor": "fp8"}, True),
        (tried("a", "unknown"), {"quantization_floor": "fp8"}, False),
        (
            tried("a", "unknown"),
            {"quantization_floor": "fp8", "unknown_quantization": "allow"},
            True,
        ),
        (tried("a", None), {"quantization_floor": "int4"}, False),
    ],
)
def test_the_promise_of_a_rule(one: Any, rule: Any, *, inside: bool | None) -> None:
    assert truth.every(truth.promised(one, rule, closed=False).values()) is inside


@pytest.mark.parametrize(("setting", "inside"), [("auto", True), ("allow", True), ("deny", False)])
def test_a_floor_lets_unknown_pass_where_weights_are_not_published(
    setting: str, *, inside: bool
) -> None:
    rule = {"quantization_floor": "fp8", "unknown_quantization": setting}
    assert truth.above_floor(tried("a", "unknown"), rule, closed=True) is inside


def test_an_obedient_router_serves_nothing_that_the_truth_calls_outside() -> None:
    """The two were written apart; of prices, the one charged may be above the one listed."""
    mix = mixed.Mix(7)
    router = Router(Catalog(mix.catalog), seed=7, clock=lambda: NOW)
    attempts = 0
    for ask, each in _attempts(mix, router):
        answers = truth.complies(each, ask.body.get("provider") or {})
        del answers["max_price"]
        assert False not in answers.values(), (ask.body, each)
        attempts += 1
    assert attempts > 300


def _attempts(mix: Any, router: Router) -> Iterator[tuple[Ask, Any]]:
    for one in mix.asks(1500):
        if one.rules or one.switches.get("disobey"):
            continue
        dialect = one.path.partition("/")[0]
        # A display name means its provider, whether or not OpenRouter reads it so.
        switches = Switches().overridden({**one.switches, "display_names_match": True})
        ask = read_ask(one.body, dialect, {}, router.catalog, switches)
        try:
            came = router.route(ask).attempts
        except Refusal as refusal:
            came = refusal.attempts
        for row, _ in came:
            yield ask, held.tried_of(ask, row, {}, None)


INSIDE, OUTSIDE = NOVITA, tried("parasail/fp4", "fp4")
FAILED_OUTSIDE = tried("parasail/fp4", "fp4", paid=None)
EITHER = tried("a", "mxfp8")


def case(
    verdict: str | None,
    *came: Any,
    status: int = 200,
    seen: int | None = None,
    rule: dict[str, Any] | None = None,
    **facts: Any,
) -> Any:
    """A request for fp8, and the endpoints that were sent the prompt."""
    shown = {"shows_attempts": True, "an_error": False, **facts}
    sent = {"quantizations": ["fp8"]}
    return held.Case(
        mixed.Ask(1, "chat/completions", {}, rules=(rule,) if rule else ()),
        held.Reply("rcp_1", status if seen is None else seen, whole=(seen or status) == 200),
        Receipt(
            id="rcp_1",
            started_at=datetime.now(UTC),
            path="/v1/chat/completions",
            verdict=verdict,  # type: ignore[arg-type]
            ending="complete",
        ),
        held.Truth(sent, came, status, **shown),
    )


BLOCK = {"name": "b", "on_violation": "block"}
STRICT_BLOCK = {"name": "b", "on_violation": "block_unproven"}


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (case("kept", INSIDE), None),
        (case("kept", OUTSIDE), "false kept"),
        (case("kept", EITHER), "false kept"),
        (case("kept", FAILED_OUTSIDE, INSIDE), "false kept"),
        (case("kept", FAILED_OUTSIDE, INSIDE, shows_attempts=False), None),
        (case("broken", OUTSIDE), None),
        (case("broken", INSIDE), "false broken"),
        (case("broken", EITHER), "false broken"),
        (case("broken", EITHER, OUTSIDE), None),
        (case("broken", FAILED_OUTSIDE, INSIDE, shows_attempts=False), None),
        (case("unproven", OUTSIDE), None),
        (case("unproven", INSIDE), None),
        (case(None, INSIDE), None),
        (case(None, OUTSIDE), "unnoticed"),
        (case(None, FAILED_OUTSIDE, status=429), None),
        (case("kept", INSIDE, rule={"name": "f", "quantization_floor": "bf16"}), "false kept"),
        (case("kept", INSIDE, an_error=True), "kept an error"),
        (case("kept", INSIDE, status=503), "kept an error"),
        (case(None, INSIDE, an_error=True), None),
        (case("unproven", INSIDE, an_error=True, seen=502), "withheld"),
        (case(None, INSIDE, status=429, seen=502), "withheld"),
        (case("broken", OUTSIDE, rule=BLOCK), "let through"),
        (case("broken", OUTSIDE, rule=BLOCK, seen=502), None),
        (case("unproven", OUTSIDE, rule=BLOCK), None),
        (case("unproven", OUTSIDE, rule=STRICT_BLOCK), "let through"),
        (case("unproven", INSIDE, rule=STRICT_BLOCK, seen=502), None),
        (case("kept", known=False), "untold"),
        (case(None, known=False), "untold"),
        (case(None, known=False, status=403), None),
    ],
)
def test_each_fault_is_noticed_and_nothing_else(one: Any, fault: str | None) -> None:
    assert one.fault == fault
    faults = verdicts.report([one], examples=1)
    assert dict(faults) == ({fault: 1} if fault else {})


def test_a_run_holds_every_request_to_the_truth(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of more requests than a router remembers by itself; the exit status tells of faults."""
    monkeypatch.setattr(verdicts, "PACE", 0)
    monkeypatch.setattr("sys.argv", ["verdicts", "--requests", "60", "--seed", "3", "--moved"])
    with pytest.raises(SystemExit) as ended:
        verdicts.main()
    told = capsys.readouterr().out
    faults = {line.split("  ")[1]: int(line.split()[-1]) for line in _faults_in(told)}
    assert set(faults) == set(verdicts.FAULTS)
    assert faults["untold"] == 0
    assert ended.value.code == any(faults.values())
    assert "requests 60; " in told


def _faults_in(report: str) -> list[str]:
    lines = report.partition("\nfaults:\n")[2].splitlines()
    return [line for line in lines if line.startswith("  ") and not line.startswith("   ")]


def test_what_a_router_served_is_found_by_the_request_s_number() -> None:
    ask = SimpleNamespace(
        body={"user": "ask-4", "provider": None},
        switches=Switches(error_in_200="text"),
        wants_metadata=True,
    )
    refusal = Refusal(429, "no")
    router = SimpleNamespace(served={}, refused=[(ask, refusal)])
    found = held.truths_of(router, drift={})
    assert found[4].status == 429
    assert found[4].sent == {}
