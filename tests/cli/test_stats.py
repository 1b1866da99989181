"""`pointsman stats`: a table that fits, numbers as people read them, JSON for programs."""

import io
import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.stats import dollars, notes_on, number, percent, print_stats
from app.cli.terminal import Console
from app.ledger.receipt import Receipt
from app.ledger.stats import DIMENSIONS, Dimension, Stats
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt

BY: tuple[Dimension, ...] = ("provider", "quantization")


def served(provider: str | None, count: int, **fields: object) -> list[Receipt]:
    known = {
        "provider": provider,
        "quantizations_listed": ("fp8",) if provider else (),
        "model_sent": "qwen/qwen3-coder",
        "verdict": "kept" if provider else None,
        "ttft_ms": 412.0,
        "tokens_per_second": 61.0,
        "prompt_tokens": 1000,
        "cached_tokens": 900,
        "completion_tokens": 100,
        "cost_usd": Decimal("0.0011"),
        "session": "s",
    }
    return [receipt(second, **{**known, **fields}) for second in range(count)]


@pytest.fixture
def store() -> Store:
    ledger = Store.open("sqlite:///ledger.sqlite")
    ledger.write(served("novita", 60))
    ledger.write(served("deepinfra", 30, verdict="broken", cached_tokens=0))
    ledger.write(served(None, 10, ending="upstream_error", ttft_ms=None, prompt_tokens=None))
    return ledger


def shown(stats: Stats, width: int) -> list[str]:
    out = io.StringIO()
    print_stats(stats, as_json=False, console=Console(file=out, width=width))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
@pytest.mark.parametrize("by", [(), ("provider",), BY, DIMENSIONS], ids=len)
def test_every_line_fits_and_no_figure_is_cut(
    store: Store, width: int, by: tuple[Dimension, ...]
) -> None:
    store.write(served("a" * 50, 1, caller="c" * 50, rules=("r" * 50,)))
    lines = shown(store.stats(by=by), width)
    groups = 4 if by else 0
    assert max(map(len, lines)) <= width
    rows = lines[1 : groups + 2]
    assert "reqs" in lines[0]
    assert "101" in rows[-1].split()
    for row in rows:
        assert "…" not in row.split()[-1]


def test_a_wide_terminal_shows_it_all(store: Store) -> None:
    heading, first, second, third, total, *_ = shown(store.stats(by=BY), 200)
    assert heading.split() == [
        *("provider", "quantization", "reqs", "share", "errors", "TTFT", "p95", "tok/s", "cached"),
        *("cost", "per", "1k", "kept", "broken", "unproven", "flips", "lost", "by", "flips"),
    ]
    assert first.split()[:4] == ["novita", "fp8", "60", "60%"]
    assert second.split()[:4] == ["deepinfra", "fp8", "30", "30%"]
    assert third.split()[:2] == ["-", "-"]
    assert "100%" in third  # its error rate
    assert total.split()[:3] == ["all", "100", "100%"]
    assert "$0.0660" in first  # 60 times 0.0011
    assert first.split()[-2:] == ["-", "-"]  # no flips
    assert second.split()[-3:] == ["1", "900,", "~$0.000900"]  # one flip, 0.9 of a thousand tokens


def test_without_groups_there_is_one_line(store: Store) -> None:
    assert len([line for line in shown(store.stats(), 100) if "%" in line]) == 1


def test_what_has_to_be_known_is_said_below(store: Store) -> None:
    found = store.stats(by=("rule", "quantization"), wanted=Wanted(since=START, until=START))
    notes = "\n".join(notes_on(found))
    assert "from 2026-11-21" in notes
    assert "until 2026-11-21" in notes
    assert "counts for each rule" in notes
    assert "as listed by OpenRouter" in notes


def test_a_name_cannot_steer_the_terminal(store: Store) -> None:
    store.write(served("novita", 1, caller="\x1b[31mred\x07"))
    text = "\n".join(shown(store.stats(by=("caller",)), 100))
    assert "red" in text
    assert not {"\x1b", "\x07"} & set(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (7_368_000, "7.4M"),
        (14_000_000, "14M"),
        (5_000_000_000, "5.0G"),
        (7 * 10**12, "7.0T"),
        (2**63 - 1, "9.2E"),
        (10**30, "1000000Y"),
    ],
)
def test_counts_are_short(count: int, text: str) -> None:
    assert number(count) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0.0, "0%"), (0.004, "0.4%"), (0.5, "50%"), (0.997, "99.7%"), (1.0, "100%")],
)
def test_shares_are_short_but_never_round_a_failure_away(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (None, "-"),
        (Decimal(0), "$0.00"),
        (Decimal("0.000032"), "$0.000032"),
        (Decimal("0.0321"), "$0.0321"),
        (Decimal("12.345"), "$12.34"),
    ],
)
def test_money_has_as_many_places_as_say_something(cost: Decimal | None, text: str) -> None:
    assert dollars(cost) == text


def test_the_command_prints_json_for_programs(store: Store) -> None:
    store.close()
    ran = CliRunner().invoke(
        commands,
        [
            *("stats", "--by", "provider", "--since", "2026-11-01", "--until", "2026-12-01"),
            *("--verdict", "broken", "--json", "--ledger", "sqlite:///ledger.sqlite"),
        ],
    )
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    (group,) = told["groups"]
    assert (group["provider"], group["requests"], group["share"]) == ("deepinfra", 30, 1.0)
    assert group["verdicts"] == {"kept": 0, "broken": 30, "unproven": 0, "none": 0}
    assert told["total"]["requests"] == 30


def test_an_unknown_word_to_group_by_is_told() -> None:
    ran = CliRunner().invoke(commands, ["stats", "--by", "host"])
    assert ran.exit_code == 2
    assert "'host' is not one of provider" in ran.output


def test_an_empty_ledger_says_what_to_do() -> None:
    Store.open("sqlite:///empty.sqlite").close()
    ran = CliRunner().invoke(commands, ["stats", "--ledger", "sqlite:///empty.sqlite"])
    assert (ran.exit_code, "No receipt matches" in ran.output) == (0, True)


def test_a_pipe_gets_names_uncut(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    print_stats(store.stats(by=("provider", "model")), as_json=False)
    assert "…" not in capsys.readouterr().out
