"""`pointsman log` as a person reads it, at every width, and as a program does."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.cli.log import found, log, show_one
from app.cli.log_table import show
from app.cli.terminal import Console
from app.errors import SettingsError
from app.ledger.receipt import Receipt, as_json_object
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, Wanted

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def receipt(number: int = 1, **known: Any) -> Receipt:
    values = {
        "id": f"rcp_{number:03}",
        "started_at": NOW + timedelta(seconds=number),
        "path": "/v1/chat/completions",
        "model_asked": "qwen/qwen3-coder",
        "model_sent": "qwen/qwen3-coder",
        "provider": "deepinfra",
        "quantizations_listed": ("fp8",),
        "verdict": "kept",
        "status": 200,
        "ttft_ms": 280.0,
        "prompt_tokens": 16,
        "completion_tokens": 28,
        "cost_usd": Decimal("0.000032"),
        "ending": "complete",
        "rules": ("careful",),
        **known,
    }
    return Receipt(**values)


def table(*receipts: Receipt, width: int = 140) -> str:
    out = io.StringIO()
    show([as_json_object(each) for each in receipts], Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 100, 140, 200])
def test_one_receipt_is_one_line_at_any_width(width: int) -> None:
    text = table(receipt(1), receipt(2, model_asked="m" * 300), width=width)
    assert len(text.splitlines()) == 3
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 100, 140])
def test_t63_a_long_name_takes_no_room_from_time_and_verdict(width: int) -> None:
    """A client that names a model does not decide whether its verdict can be seen."""
    long = "m" * 500
    text = table(receipt(1, model_asked=long, provider=long, rules=(long,)), width=width)
    date, time_shown, short_id, verdict, *rest = text.splitlines()[1].split()
    assert (date, len(time_shown), short_id, verdict) == ("11-21", 5, "rcp_001", "kept")
    assert "$0.000032" in rest
    assert "…" in text


@pytest.mark.parametrize("width", [60, 70, 80, 90, 100, 110, 120, 140])
def test_a_figure_is_whole_or_left_out(width: int) -> None:
    """`$12.50` of `$12.500000` would be another cost."""
    old = receipt(started_at=NOW - timedelta(days=400), cost_usd=Decimal(12345), ttft_ms=98765.0)
    head, line = table(old, width=width).splitlines()
    for heading, figure in (("cost", "$12345.000000"), ("TTFT", "98.77s"), ("tokens", "16+28")):
        assert (heading in head.split()) is (figure in line.split()), line
    assert ("cost" in head) is (width >= 80)
    assert len(line) <= width


def test_a_request_without_a_policy_is_no_failure() -> None:
    passed = receipt(
        path="/v1/files",
        dialect=None,
        provider=None,
        verdict=None,
        reason="no policy on this route",
    )
    assert "no policy on this route" in table(passed)
    assert "provider not named" in table(receipt(provider=None, verdict="unproven"))


def test_a_wide_terminal_shows_all_that_matters() -> None:
    line = table(receipt()).splitlines()[1].split()
    assert line[2:] == [
        *(
            "rcp_001",
            "kept",
            "qwen/qwen3-coder",
            "deepinfra,",
            "fp8",
            "0.28s",
            "16+28",
            "$0.000032",
        ),
        "careful",
    ]


def test_who_did_not_serve_has_the_reason_in_that_place() -> None:
    refused: dict[str, Any] = {
        "provider": None,
        "quantizations_listed": (),
        "verdict": None,
        "ending": "refused",
    }
    ours = receipt(**refused, status=403, error_code="policy_conflict")
    assert "403 policy_conflict" in table(ours)
    theirs = receipt(**refused, status=429, error_code="429")
    assert "429 upstream error" in table(theirs)
    left = receipt(ending="caller_left")
    assert "deepinfra, fp8 (caller_left)" in table(left)


def test_a_receipt_of_today_has_no_date_and_one_of_another_year_has_its_year() -> None:
    today = datetime.now(UTC)
    assert table(receipt(started_at=today)).splitlines()[1].split()[1] == "rcp_001"
    old = table(receipt(started_at=NOW - timedelta(days=400))).splitlines()[1]
    assert old.startswith("2025-10-17 ")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_what_matters_is_there_at_every_width(width: int) -> None:
    text = table(receipt(), receipt(2, alias="quick"), width=width)
    for word in ("time", "id", "verdict", "model", "served by", "TTFT", "cost", "$0.000032"):
        assert word in text, text
    assert ("qwen/qwen3-coder" in text.splitlines()[1]) is (width >= 100)
    assert "qwen3-coder" in text.splitlines()[1]
    assert "quick" in text.splitlines()[2]


def test_a_path_without_a_policy_stands_where_a_model_would() -> None:
    passed = receipt(path="/v1/files", dialect=None, model_asked=None, provider=None, verdict=None)
    assert "/v1/files" in table(passed, width=80)


def test_nothing_is_cut_in_a_pipe(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    long = "author/" + "m" * 300
    store.write([receipt(3, model_asked=long, rules=("r" * 200,))])
    log(store, EVERYTHING, follow=False, as_json=False, limit=10)
    printed = capsys.readouterr().out
    assert long in printed
    assert "r" * 200 in printed
    assert len(printed.splitlines()) == 4


def test_an_alias_shows_its_model() -> None:
    assert "quick > qwen/qwen3-coder" in table(receipt(alias="quick", model_asked="quick"))


def test_a_model_named_by_a_caller_can_not_steer_the_terminal() -> None:
    text = table(receipt(model_asked="a/b\x1b[2Jx\nforged"))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    store.write([receipt(1), receipt(2, model_asked="other/model", verdict="broken")])
    return store


def test_json_is_one_receipt_a_line_oldest_first(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, EVERYTHING, follow=False, as_json=True, limit=10)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["rcp_001", "rcp_002"]


def test_filters_leave_out_what_was_not_asked_for(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, Wanted(verdict="broken"), follow=False, as_json=True, limit=10)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["id"] == "rcp_002"


def test_an_empty_ledger_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = Store.open(f"sqlite:///{tmp_path / 'empty.db'}")
    log(empty, EVERYTHING, follow=False, as_json=False, limit=10)
    told = f"no receipts in sqlite:///{tmp_path / 'empty.db'} yet"
    assert told in capsys.readouterr().out
    with pytest.raises(SettingsError, match=r"no receipts in .* yet; send a request"):
        show_one(empty, "last")


def test_80_columns_show_the_quantization_beside_a_long_model() -> None:
    text = table(receipt(1), receipt(2, model_asked="anthropic/claude-sonnet-4.6"), width=80)
    assert text.count("deepinfra, fp8") == 2


def test_filters_that_nothing_fits_are_told_from_an_empty_ledger(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, Wanted(provider="nobody"), follow=False, as_json=False, limit=10)
    assert "No receipt matches these filters" in capsys.readouterr().out


def test_what_is_shown_later_stays_in_line() -> None:
    first, later = table(receipt(1)), table(receipt(2, model_asked="a/b"), width=140)
    assert first.splitlines()[1].index("deepinfra") == later.splitlines()[1].index("deepinfra")


def test_one_receipt_is_shown_whole(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    show_one(store, "rcp_002")
    text = capsys.readouterr().out
    assert "other/model" in text
    assert "broken" in text
    assert "verify rcp_002" not in text  # it names no generation
    with pytest.raises(SettingsError, match="rcp_9"):
        show_one(store, "rcp_9")


def test_one_receipt_is_json_if_that_is_asked_for(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    show_one(store, "last", as_json=True)
    (newest,) = store.recent(limit=1)
    assert json.loads(capsys.readouterr().out)["id"] == newest.id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("last", ["rcp_0b0000000000tt5678"]),
        ("rcp_0a0000000000ss5678", ["rcp_0a0000000000ss5678"]),
        ("ss5678", ["rcp_0a0000000000ss5678"]),
        ("5678", ["rcp_0b0000000000tt5678", "rcp_0a0000000000ss5678"]),
        ("678", []),
        ("%5678", []),
        ("tt567", []),
    ],
)
def test_a_receipt_is_named_by_its_id_its_end_or_last(
    tmp_path: Path, name: str, expected: list[str]
) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'named.db'}")
    store.write([receipt(1, id="rcp_0a0000000000ss5678"), receipt(2, id="rcp_0b0000000000tt5678")])
    assert [each.id for each in store.named(name)] == expected


def test_an_end_that_several_ids_have_is_told(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'named.db'}")
    store.write([receipt(1, id="rcp_aaaa5678"), receipt(2, id="rcp_bbbb5678")])
    assert found(store, "aaaa5678").id == "rcp_aaaa5678"
    with pytest.raises(SettingsError, match="several receipts end in 5678: rcp_bbbb5678, rcp_aaaa"):
        found(store, "5678")
    with pytest.raises(SettingsError, match=r"no receipt nothere1.*newest 100,000"):
        found(store, "nothere1")


def test_one_receipt_is_grouped_and_says_how_to_judge_it_again(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = receipt(
        7,
        generation_id="gen-1",
        reason="deepinfra is outside\nFORGED",
        evidence=("body: deepinfra",),
        preferences_sent={"only": ["novita"]},
        attempts=({"provider": "novita", "model": "a/b", "status": 503},),
        overruled=({"field": "sort", "asked": "price", "sent": None, "rule": "r", "why": "w"},),
    )
    store.write([whole])
    show_one(store, "rcp_007")
    text = capsys.readouterr().out
    parts = ["Provider", "Request", "Policy", "Speed", "Tokens and cost", "Result", "Attempts"]
    places = [text.index(f"\n{part}\n") for part in (*parts, "Overruled", "Evidence")]
    assert places == sorted(places)
    assert "verify rcp_007" in text
    assert not any(line.startswith("FORGED") for line in text.splitlines())


def test_a_wall_clock_set_back_does_not_stall_following(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New receipts follow in the order of writing, whatever time they bear."""
    written = iter(
        [
            [receipt(10, started_at=NOW - timedelta(days=365))],
            [receipt(11, started_at=NOW - timedelta(days=800))],
        ]
    )

    def instead_of_sleep(_seconds: float) -> None:
        try:
            store.write(next(written))
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("app.cli.log.time.sleep", instead_of_sleep)
    with pytest.raises(KeyboardInterrupt):
        log(store, Wanted(since=NOW), follow=True, as_json=True, limit=10)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines][-2:] == ["rcp_010", "rcp_011"]


def test_the_cost_is_all_that_was_paid() -> None:
    own = receipt(is_byok=True, cost_usd=Decimal("0.001"), upstream_cost_usd=Decimal("0.02"))
    assert "$0.021000" in table(own)
    assert "$0.000032" in table(receipt(is_byok=False, upstream_cost_usd=Decimal("0.02")))
    assert "$0.020000" in table(
        receipt(is_byok=True, cost_usd=None, upstream_cost_usd=Decimal("0.02"))
    )
