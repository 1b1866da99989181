"""`pointsman log` as a person reads it, at every width, and as a program does."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.cli.log import log, moment, show, show_one
from app.cli.terminal import Console
from app.errors import SettingsError
from app.ledger.receipt import Receipt, as_json_object
from app.ledger.store import Store

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
    time_shown, verdict, *rest = text.splitlines()[1].split()
    assert (len(time_shown), verdict) == (8, "kept")
    assert rest[-1].endswith("…") or "…" in text


def test_a_wide_terminal_shows_all_that_matters() -> None:
    line = table(receipt()).splitlines()[1].split()
    assert line[1:] == [
        *("kept", "qwen/qwen3-coder", "deepinfra,", "fp8", "0.28s", "16+28", "$0.000032"),
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


def test_an_alias_shows_its_model() -> None:
    assert "quick > qwen/qwen3-coder" in table(receipt(alias="quick", model_asked="quick"))


def test_a_model_named_by_a_caller_can_not_steer_the_terminal() -> None:
    text = table(receipt(model_asked="a/b\x1b[2Jx\nforged"))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-20T00:00:00+00:00", datetime(2026, 11, 20, tzinfo=UTC)),
    ],
)
def test_since_takes_a_span_or_a_date(since: str, expected: datetime) -> None:
    assert moment(since, NOW) == expected


@pytest.mark.parametrize("since", ["", "h", "1y", "yesterday", "-3h"])
def test_a_since_that_can_not_be_read_says_what_can(since: str) -> None:
    with pytest.raises(SettingsError, match="30m, 24h or 7d"):
        moment(since)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    store.write([receipt(1), receipt(2, model_asked="other/model", verdict="broken")])
    return store


def test_json_is_one_receipt_a_line_oldest_first(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, follow=False, as_json=True, limit=10, filters={})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["rcp_001", "rcp_002"]


def test_filters_leave_out_what_was_not_asked_for(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, follow=False, as_json=True, limit=10, filters={"verdict": "broken"})
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["id"] == "rcp_002"


def test_an_empty_ledger_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = Store.open(f"sqlite:///{tmp_path / 'empty.db'}")
    log(empty, follow=False, as_json=False, limit=10, filters={})
    assert "No receipts yet" in capsys.readouterr().out


def test_filters_that_nothing_fits_are_told_from_an_empty_ledger(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, follow=False, as_json=False, limit=10, filters={"provider": "nobody"})
    assert "No receipt matches; write models and providers in full" in capsys.readouterr().out


def test_what_is_shown_later_stays_in_line() -> None:
    first, later = table(receipt(1)), table(receipt(2, model_asked="a/b"), width=140)
    assert first.splitlines()[1].index("deepinfra") == later.splitlines()[1].index("deepinfra")


def test_one_receipt_is_shown_whole(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    show_one(store, "rcp_002")
    text = capsys.readouterr().out
    assert "other/model" in text
    assert "broken" in text
    with pytest.raises(SettingsError, match="rcp_9"):
        show_one(store, "rcp_9")


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
        log(store, follow=True, as_json=True, limit=10, filters={"since": NOW})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines][-2:] == ["rcp_010", "rcp_011"]
