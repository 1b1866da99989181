"""`pointsman audit` against the simulated OpenRouter, over sockets."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from app.cli.audit_plan import LONGEST_SPREAD, dollars_of, span_of
from app.cli.commands import commands
from app.errors import SettingsError
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from app.simulator import create_simulator
from app.simulator.hosts import Host
from app.simulator.switches import Switches
from tests.running import running

CODER = "qwen/qwen3-coder"
LEDGER = "sqlite:///ledger.sqlite"
LYING, NOISY = "novita/fp8", "siliconflow/fp8"
REFERENCE, HONEST = "gmicloud/bf16", "hyperbolic/fp8"
HOSTS = {LYING: Host(quirks={"delta": 0.5}), NOISY: Host(quirks={"temperature": 1.0})}
SOME = ("--endpoints", f"{LYING},{NOISY},{HONEST}", "--reference", REFERENCE)

Simulated = Callable[..., Any]  # starts a simulated OpenRouter, and returns its router


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    Path("policies").mkdir()
    _policy("[]")
    with ExitStack() as stack:

        def start(hosts: Any = HOSTS, switches: Switches = Switches()) -> Any:  # noqa: B008
            app = create_simulator(pace=0, hosts=hosts, switches=switches, remembered=5_000)
            port = stack.enter_context(running(app)).port
            monkeypatch.setenv("POINTSMAN_UPSTREAM_URL", f"http://127.0.0.1:{port}/api/v1")
            monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-x")
            return app.state.router

        yield start


def _policy(rules: str) -> None:
    Path("policies/p.yaml").write_text(f"version: 1\nrules: {rules}\n", encoding="utf-8")


def run(*options: str) -> Any:
    """What the command prints, and its exit code."""
    return CliRunner().invoke(commands, ["audit", *options, "--ledger", LEDGER])


def audited(*options: str, code: int | None = None) -> dict[str, Any]:
    """What the command found, as JSON."""
    ran = run(CODER, *SOME, "--yes", "--json", *options)
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    if code is not None:
        assert ran.exit_code == code, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {each["tag"]: each["verdict"] for each in found["result"]["compared"]}


def requests_of(router: Any) -> int:
    """How many requests for answers arrived."""
    return sum(1 for path, _, _ in router.requests if path.endswith("/chat/completions"))


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store.open(LEDGER)
    yield found
    found.close()


def test_endpoints_that_lie_are_found_and_honest_ones_are_not(
    simulated: Simulated, store: Store
) -> None:
    simulated()
    found = audited(code=1)
    assert verdicts(found) == {LYING: "different", NOISY: "different", HONEST: "same"}
    assert found["result"]["reference"]["tag"] == REFERENCE
    kept = {each.tag: each.verdict for each in store.verdicts(CODER)}
    assert kept == verdicts(found)
    assert store.stats().total.requests == 0
    assert store.stats(wanted=Wanted(audit=found["audit"])).total.requests == 400
    spent = Decimal(str(found["result"]["spent_usd"]))
    assert spent == store.stats(wanted=Wanted(audit=found["audit"])).total.cost_usd


def test_where_all_are_honest_the_exit_code_is_0(simulated: Simulated) -> None:
    simulated(hosts={})
    assert set(verdicts(audited(code=0)).values()) == {"same"}


def test_for_people_a_table_and_sentences(simulated: Simulated) -> None:
    simulated()
    ran = run(CODER, *SOME, "--yes")
    assert "400 requests to 4 endpoints of qwen/qwen3-coder" in ran.output
    assert re.search(rf"{LYING} +fp8 +0\.29 +1\.2 +different", ran.output)
    assert "part from the reference's sooner" in ran.output
    assert "This is a spot check" in ran.output
    assert re.search(r"Spent \$0\.0\d+\. Kept as aud_\w+\.", ran.output)


def test_the_ceiling_stops_it_and_a_later_run_goes_on_without_paying_twice(
    simulated: Simulated, store: Store
) -> None:
    router = simulated()
    found = audited("--max-usd", "0.004", code=3)
    assert found["state"] == "stopped"
    assert "could exceed the ceiling" in found["notes"][0]
    assert f"audit {found['audit']} --resume" in found["notes"][0]
    first = requests_of(router)
    assert 0 < first < 400
    by_receipts = store.stats(wanted=Wanted(audit="any")).total.cost_usd
    assert Decimal("0.0039") < by_receipts <= Decimal("0.004")
    assert store.verdicts() == []  # of an audit that is not finished

    ran = run(found["audit"], "--resume", "--yes", "--json")
    again = json.loads(ran.stdout)
    assert (ran.exit_code, again["audit"], again["state"]) == (1, found["audit"], "finished")
    assert verdicts(again) == {LYING: "different", NOISY: "different", HONEST: "same"}
    assert requests_of(router) == 400
    assert len(store.answers(found["audit"])) == 400
    assert (
        run(found["audit"], "--resume").exception.args[0].endswith("is finished; start another one")
    )


def test_the_plan_says_that_its_ceiling_is_too_low_for_a_verdict(simulated: Simulated) -> None:
    simulated(hosts={})
    assert (
        "it will stop before its end, without verdicts" in run(CODER, "--max-usd", "0.001").output
    )
    assert "it will stop before its end" not in run(CODER).output


def test_the_ceiling_counts_what_earlier_runs_spent(simulated: Simulated, store: Store) -> None:
    """What is left may do for an endpoint that is cheaper than the one that stopped the audit."""
    router = simulated()
    audited("--max-usd", "0.004", code=3)
    before = requests_of(router)
    ran = run("--resume", "--max-usd", "0.004", "--json", "--yes")
    assert ran.exit_code == 3
    assert requests_of(router) - before <= 2
    assert store.stats(wanted=Wanted(audit="any")).total.cost_usd <= Decimal("0.004")


def test_an_audit_that_was_killed_is_reckoned_with_what_was_under_way(
    simulated: Simulated, store: Store
) -> None:
    simulated()
    found = audited("--max-usd", "0.004", code=3)
    kept = store.audit(found["audit"])
    assert kept is not None
    store.keep_audit(msgspec.structs.replace(kept, state="running"))
    again = json.loads(run("--resume", "--json", "--yes").stdout)
    spent = Decimal(str(again["result"]["spent_usd"]))
    receipts = store.stats(wanted=Wanted(audit="any")).total.cost_usd
    assert receipts < spent < receipts + Decimal("0.01")


def test_a_plain_run_says_that_another_was_stopped(simulated: Simulated) -> None:
    simulated(hosts={})
    first = audited("--max-usd", "0.001", code=3)
    ran = run(CODER, *SOME, "--yes")
    assert f"The audit {first['audit']} of {CODER} was stopped after" in ran.output
    assert first["audit"] in run("--list").output


@pytest.mark.parametrize(("cache", "dropped"), [("on", None), ("always", 50)])
def test_no_answer_from_openrouters_cache_is_compared(
    simulated: Simulated, cache: Any, dropped: int | None
) -> None:
    """It is switched off for each request; where that does not help, hits are dropped."""
    simulated(hosts={}, switches=Switches(response_cache=cache))
    for each in audited("--max-usd", "1", code=0)["result"]["compared"]:
        assert each.get("dropped", {}).get("cached") == dropped
        assert each["verdict"] == ("same" if dropped is None else "undecided")


def test_answers_of_other_providers_are_dropped(simulated: Simulated) -> None:
    simulated(hosts={}, switches=Switches(disobey=True))
    found = audited("--max-usd", "1")
    for each in found["result"]["compared"]:
        assert each["dropped"].get("other_provider", 0) > 0
        assert each["reason"] == "too_few_answers"


def test_the_policy_shuts_out_what_it_does_not_allow_unless_named(simulated: Simulated) -> None:
    simulated(hosts={})
    _policy('[{name: all, models: ["*"], ignore: [novita], quantization_floor: fp8}]')
    ran = run(CODER, "--yes", "--json", "--prompts", "40", "--max-usd", "0.0001")
    found = json.loads(ran.stdout)
    refused = {each["tag"]: each["reason"] for each in found["result"]["refused"]}
    assert refused[LYING] == "outside_policy"
    assert refused["deepinfra/fp4"] == "outside_policy"
    assert refused["baseten/fp8"] == "tag_not_unique"
    assert refused["chutes/fp8"] == "degraded"
    ran = run(CODER, *SOME)
    assert "Not audited, outside your own policy: novita/fp8." in str(ran.exception)
    named = audited("--outside-policy", LYING, "--max-usd", "0.0001")
    assert LYING in verdicts(named)


def test_a_policy_that_allows_no_endpoint_leaves_nothing_to_audit(simulated: Simulated) -> None:
    simulated(hosts={})
    _policy('[{name: all, models: ["qwen/*"], only: [nosuch]}]')
    ran = run(CODER, "--yes")
    assert "None of its endpoints can be audited" in str(ran.exception)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name a model, such as qwen/qwen3-coder; or use --resume or --list"),
        (["acme/none"], "OpenRouter lists no endpoints of acme/none"),
        (["qwen"], "is neither an alias in the policies nor a model"),
        ([CODER, "--reference", "groq/none"], "The reference can't be audited"),
        ([CODER, "--reference", "chutes/fp8"], "listed by OpenRouter as degraded: chutes/fp8"),
        ([CODER, "--endpoints", "novita/fp9"], "no such endpoint; did you mean novita/fp8?"),
        ([CODER, "--endpoints", "chutes/fp8"], "listed by OpenRouter as degraded: chutes/fp8"),
        (
            [CODER, "--endpoints", REFERENCE, "--reference", REFERENCE],
            "--endpoints names only the reference",
        ),
        (["openai/gpt-oss-120b"], "reasoning can't be switched off"),
        ([f"{CODER}:free"], "Not audited, free, with few requests allowed"),
        ([CODER, "--include", "x"], "x: qwen/qwen3-coder has no such endpoint"),
        ([CODER, "--prompts", "39"], "--prompts 39: an audit takes 40 to"),
        ([CODER, "--prompts", "100000"], "--prompts 100000: an audit takes 40 to"),
        ([CODER, "--max-usd", "0"], "--max-usd 0: not an amount of US dollars"),
        ([CODER, "--max-usd", "much"], "--max-usd much: not an amount of US dollars"),
        ([CODER, "--spread", "soon"], "--spread soon: not a duration"),
        ([CODER, "--since", "aud_none"], "--since aud_none: there is no such file"),
        ([CODER, "--since", "last"], "--since last: there is no such file"),
        (["--resume"], "there is no audit to go on with"),
        ([CODER, "--resume"], f"there is no audit of {CODER} to go on with"),
        (["aud_none", "--resume"], "the ledger has no audit aud_none"),
        ([CODER], "this is not a terminal to ask on: add --yes to spend up to $0.25"),
    ],
    ids=str,
)
def test_what_can_not_be_run_says_why_and_what_to_do(
    simulated: Simulated, options: list[str], words: str
) -> None:
    router = simulated()
    ran = run(*options)
    assert isinstance(ran.exception, SettingsError), ran.output
    assert words in str(ran.exception)
    assert requests_of(router) == 0


def test_without_a_key_and_without_a_demo_it_says_what_to_set(simulated: Simulated) -> None:
    del simulated
    ran = run(CODER, "--yes")
    assert "set OPENROUTER_API_KEY, or start" in str(ran.exception)


def test_without_a_key_a_running_demo_is_audited(
    simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated(hosts={})
    note = tmp_path / "state" / "pointsman" / "demo.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"upstream": os.environ["POINTSMAN_UPSTREAM_URL"]}))
    monkeypatch.delenv("OPENROUTER_API_KEY")
    monkeypatch.delenv("POINTSMAN_UPSTREAM_URL")
    ran = CliRunner().invoke(commands, ["audit", CODER, *SOME, "--yes", "--max-usd", "0.0005"])
    assert ran.exit_code == 3, ran.output
    assert (note.parent / "demo-ledger.db").exists()


def _asked(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Have someone at a terminal answer so."""
    monkeypatch.setattr("app.cli.audit_job.is_asked", lambda: True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(readline=lambda: f"{answer}\n"))


def test_at_a_terminal_it_asks_first(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    router = simulated(hosts={})
    _asked(monkeypatch, "")
    with pytest.raises(SettingsError, match="nothing was asked, and nothing spent"):
        _invoked(CODER, *SOME)
    assert requests_of(router) == 0
    _asked(monkeypatch, "y")
    assert _invoked(CODER, *SOME, "--max-usd", "0.0002") == 3
    assert 0 < requests_of(router) < 20
    before = requests_of(router)
    assert _invoked(CODER, *SOME) == 0  # it offers to go on, and y does
    assert requests_of(router) == 400
    assert before < 20


def _invoked(*options: str) -> int:
    """As `run`, with this process's own standard input."""
    code: int = commands(["audit", *options, "--ledger", LEDGER], standalone_mode=False) or 0
    return code


# --- since ----------------------------------------------------------------------------------


def test_since_needs_two_days(simulated: Simulated, store: Store) -> None:
    simulated(hosts={})
    first = audited(code=0)["audit"]
    same_day = audited("--since", first, code=0)
    assert same_day["findings"] == []
    assert "The stored answers are of the same day" in " ".join(same_day["says"])
    _shift(store, first, 3)
    _shift(store, same_day["audit"], 3)

    simulated(hosts={HONEST: Host(quirks={"delta": 0.5})})  # an endpoint changes
    once = audited("--since", first, code=0)
    assert _finding(once, HONEST) == ("undecided", "needs_another_day")
    assert _finding(once, LYING) == ("unchanged", "same")
    _shift(store, once["audit"], 1)
    twice = audited("--since", first, code=1)
    assert _finding(twice, HONEST) == ("changed", "two_days_differ")
    assert _finding(twice, LYING) == ("unchanged", "same")


def _shift(store: Store, name: str, days: int) -> None:
    """Have an audit of today look like one of some days ago."""
    kept = store.audit(name)
    assert kept is not None
    then = kept.started_at - timedelta(days=days)
    own = [
        msgspec.structs.replace(each, at=then)
        for tag in (LYING, NOISY, HONEST)
        for each in store.history(CODER, tag, limit=20)
        if each.audit == name
    ]
    store.keep_audit(msgspec.structs.replace(kept, started_at=then), own)


def _finding(found: dict[str, Any], tag: str) -> tuple[str, str]:
    (one,) = (each for each in found["findings"] if each["tag"] == tag)
    return one["verdict"], one["reason"]


def test_since_last_goes_on_comparing_with_the_same_answers(
    simulated: Simulated, store: Store
) -> None:
    """Were each day compared with the day before, no two audits could ever agree on a change."""
    simulated(hosts={})
    first = audited(code=0)["audit"]
    _shift(store, first, 3)
    simulated(hosts={HONEST: Host(quirks={"delta": 0.5})})
    once = audited("--since", "last", code=0)
    assert _finding(once, HONEST) == ("undecided", "needs_another_day")
    _shift(store, once["audit"], 1)
    assert _finding(audited("--since", "last", code=1), HONEST) == ("changed", "two_days_differ")


def test_a_verdict_that_another_version_kept_is_passed_over(
    simulated: Simulated, store: Store
) -> None:
    simulated(hosts={})
    first = audited(code=0)["audit"]
    second = audited("--since", first, code=0)["audit"]
    _shift(store, first, 3)
    kept = store.audit(second)
    assert kept is not None
    odd = [
        msgspec.structs.replace(each, found={"verdict": "splendid"})
        for each in store.history(CODER, HONEST, limit=20)
        if each.audit == second
    ]
    store.keep_audit(kept, odd)
    assert _finding(audited("--since", first, code=0), HONEST) == ("unchanged", "same")


def test_since_takes_a_saved_file(simulated: Simulated, tmp_path: Path) -> None:
    simulated(hosts={})
    saved = tmp_path / "audit.json"
    first = audited("--save", str(saved), code=0)
    text = saved.read_text(encoding="utf-8")
    told = json.loads(text)
    assert (told["format"], told["audit"]) == ("pointsman-audit/1", first["audit"])
    assert len(told["answers"]) == 400
    told["started_at"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    saved.write_text(json.dumps(told), encoding="utf-8")
    again = audited("--since", str(saved), code=0)
    assert {each["verdict"] for each in again["findings"]} == {"unchanged"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mark": "0" * 16}, "can't be compared with: the key of the hashes differ"),
        ({"pool": "0" * 16}, "can't be compared with: the pool of prompts differ"),
    ],
)
def test_answers_that_can_not_be_compared_are_an_error(
    simulated: Simulated, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    simulated(hosts={})
    saved = tmp_path / "audit.json"
    audited("--save", str(saved), "--max-usd", "0.001")
    told = json.loads(saved.read_text(encoding="utf-8"))
    for name, value in change.items():
        (told["task"] if name == "mark" else told["task"]["drawn"])[name] = value
    saved.write_text(json.dumps(told), encoding="utf-8")
    ran = run(CODER, "--since", str(saved), "--yes")
    assert words in str(ran.exception)


def test_a_file_that_is_no_audit_is_an_error_with_a_way_out(
    simulated: Simulated, tmp_path: Path
) -> None:
    simulated()
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert "is not an audit" in str(run(CODER, "--since", str(file), "--yes").exception)
    assert "can't read" in str(run(CODER, "--since", str(tmp_path), "--yes").exception)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("audit",), "aud_\x1b[2J"),
        (("audit",), "aud_" + "x" * 5_000),
        (("task", "drawn", "prompts"), 100_000),
        (("task", "drawn", "prompts"), -1),
        (("task", "drawn", "seed"), 2**80),
        (("task", "drawn", "seed"), -1),
        (("task", "plan", "endpoints", 0, "prompt_price"), []),
        (("answers", 0, "prompt"), -1),
        (("answers", 0, "prompt"), 50),
        (("answers", 0, "round"), 2),
        (("answers", 0, "dropped"), "for fun"),
        (("answers", 0, "hashes"), "not base64"),
        (("started_at",), "yesterday"),
        (("format",), "pointsman-audit/2"),
    ],
    ids=str,
)
def test_a_file_that_was_damaged_or_made_to_do_damage_is_an_error(
    simulated: Simulated, tmp_path: Path, place: tuple[Any, ...], value: Any
) -> None:
    router = simulated(hosts={})
    saved = tmp_path / "audit.json"
    audited("--save", str(saved), "--max-usd", "0.0005", code=3)
    asked = requests_of(router)
    told = json.loads(saved.read_text(encoding="utf-8"))
    *steps, last = place
    within = told
    for step in steps:
        within = within[step]
    within[last] = value
    saved.write_text(json.dumps(told), encoding="utf-8")
    ran = run(CODER, "--since", str(saved), "--yes")
    assert isinstance(ran.exception, SettingsError), ran.output
    assert "is not an audit: " in str(ran.exception)
    assert "\x1b" not in str(ran.exception)
    assert requests_of(router) == asked


@pytest.mark.parametrize("name", ["x" * 300, "file/below", "\0"], ids=["long", "below", "nul"])
def test_a_name_that_no_file_can_have_is_an_error(simulated: Simulated, name: str) -> None:
    router = simulated(hosts={})
    Path("file").touch()
    assert isinstance(run(CODER, "--since", name, "--yes").exception, SettingsError)
    if name != "\0":
        ran = run(CODER, *SOME, "--yes", "--save", name)
        assert isinstance(ran.exception, SettingsError)
    assert requests_of(router) == 0


@pytest.mark.parametrize("place", ["no/such/folder/x.json", ".", "/", "folder"])
def test_that_a_file_can_not_be_written_is_said_before_anything_is_paid_for(
    simulated: Simulated, place: str
) -> None:
    router = simulated(hosts={})
    Path("folder").mkdir()
    ran = run(CODER, *SOME, "--yes", "--max-usd", "0.0005", "--save", place)
    assert f"can't write {place}" in str(ran.exception)
    assert requests_of(router) == 0


def test_what_was_found_is_printed_even_if_the_file_can_not_be_written_in_the_end(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated(hosts={})

    def full(_file: Path, _saved: Any) -> None:
        raise SettingsError("can't write x.json: No space left on device")

    monkeypatch.setattr("app.cli.audit.save", full)
    ran = run(CODER, *SOME, "--yes", "--max-usd", "0.0005", "--save", "x.json")
    assert "No space left on device" in str(ran.exception)
    assert "Kept as aud_" in ran.output
    assert not list(Path().glob("x.json*"))


# --- going on -------------------------------------------------------------------------------


def test_to_go_on_costs_money_so_it_is_asked_for(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = simulated(hosts={})
    audited("--max-usd", "0.001", code=3)
    before = requests_of(router)
    assert "add --yes to spend up to $0.25" in str(run("--resume").exception)
    _asked(monkeypatch, "n")
    with pytest.raises(SettingsError, match="nothing was asked"):
        _invoked("--resume")
    assert requests_of(router) == before


def test_an_audit_goes_on_by_the_policy_of_today(simulated: Simulated) -> None:
    router = simulated(hosts={})
    name = audited("--max-usd", "0.001", code=3)["audit"]
    before = requests_of(router)
    _policy('[{name: all, models: ["*"], ignore: [novita]}]')
    ran = run(name, "--resume", "--yes")
    assert f"Not audited, outside your own policy: {LYING}." in str(ran.exception)
    assert requests_of(router) == before
    assert run(name, "--resume", "--yes", "--outside-policy", LYING).exit_code == 0
    assert requests_of(router) > before


def test_an_endpoint_outside_the_policy_that_was_named_need_not_be_named_again(
    simulated: Simulated,
) -> None:
    simulated(hosts={})
    _policy('[{name: all, models: ["*"], ignore: [novita]}]')
    name = audited("--max-usd", "0.001", "--outside-policy", LYING, code=3)["audit"]
    assert run(name, "--resume", "--yes").exit_code == 0


def test_a_run_that_goes_on_knows_what_endpoints_have_charged(
    simulated: Simulated, store: Store
) -> None:
    """Those that ignore `max_tokens` get no second answer that comes as a surprise."""
    router = simulated(hosts={LYING: Host(quirks={"unlimited": 1})})
    name = audited("--max-usd", "0.004", code=3)["audit"]
    found = json.loads(run(name, "--resume", "--yes", "--json", "--max-usd", "0.006").stdout)
    assert found["state"] == "stopped"
    assert Decimal(str(found["result"]["spent_usd"])) <= Decimal("0.006")
    assert store.stats(wanted=Wanted(audit=name)).total.cost_usd <= Decimal("0.006")
    assert requests_of(router) == len(store.answers(name))


def test_each_kill_counts_what_was_under_way_then(simulated: Simulated, store: Store) -> None:
    simulated(hosts={})
    name = audited("--max-usd", "0.001", code=3)["audit"]
    spent = []
    for _ in range(3):
        kept = store.audit(name)
        assert kept is not None
        store.keep_audit(msgspec.structs.replace(kept, state="running", result=None))
        found = json.loads(run(name, "--resume", "--yes", "--json", "--max-usd", "0.001").stdout)
        spent.append(Decimal(str(found["result"]["spent_usd"])))
    assert spent[0] < spent[1] < spent[2]


def test_one_audit_is_never_run_by_two_processes(simulated: Simulated, tmp_path: Path) -> None:
    """Both would ask, and pay for, all that is left."""
    router = simulated(hosts={})
    name = audited("--max-usd", "0.001", code=3)["audit"]
    before = requests_of(router)
    state = tmp_path / "state" / "pointsman"
    held = subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", _HOLDS, str(state), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert held.stdin is not None
    assert held.stdout is not None
    assert held.stdout.readline() == b"held\n"
    ran = run(name, "--resume", "--yes")
    assert f"another process runs the audit {name}" in str(ran.exception)
    assert requests_of(router) == before
    told = run(CODER, *SOME, "--yes", "--max-usd", "0.0005").output
    assert f"The audit {name} of {CODER} is still running elsewhere" in told
    held.communicate()
    assert run(name, "--resume", "--yes").exit_code == 0


_HOLDS = """
import sys
from pathlib import Path
from app.cli.audit_lock import alone
with alone(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_with_a_key_that_is_wrong_it_stops_soon_and_can_go_on(simulated: Simulated) -> None:
    """An account without credit, or a lost network, says nothing of any endpoint."""
    router = simulated(hosts={tag: Host(fail_rate=1, status=402) for tag in _ALL})
    found = audited(code=3)
    assert found["state"] == "stopped"
    assert any("given up: 10 requests in a row failed, the last" in one for one in found["notes"])
    assert requests_of(router) < 120
    simulated(hosts={})
    again = json.loads(run(found["audit"], "--resume", "--yes", "--json").stdout)
    assert set(verdicts(again).values()) == {"same"}


_ALL = (LYING, NOISY, HONEST, REFERENCE)


def test_spans_and_amounts() -> None:
    assert span_of("1h") == timedelta(hours=1)
    assert span_of(None) == timedelta(0)
    assert span_of("7d") == LONGEST_SPREAD
    assert dollars_of("$0.50") == Decimal("0.50")
    for text in ("8d", "2026-11-27", "-1h"):
        with pytest.raises(SettingsError):
            span_of(text)
    for text in ("NaN", "inf", "-1"):
        with pytest.raises(SettingsError):
            dollars_of(text)
