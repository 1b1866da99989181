"""Which receipts: every way of asking the ledger gives the receipts that fit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.ledger.keep import Keep
from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, MAY_BE_NONE, NAMES, FilterError, Wanted, is_glob, read
from tests.ledger.receipts import FULL, START, receipt

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
QWEN, DATED = "qwen/qwen3-coder", "qwen/qwen3-coder-480b-a35b-07-25"

# Spread over hours, so that tallies, edges and other names all take part.
FIELDS: list[dict[str, Any]] = [
    {"model_asked": "fast", "alias": "fast", "model_sent": QWEN, "provider": "novita"},
    {"model_asked": QWEN, "model_sent": QWEN, "model_served": DATED, "verdict": "kept"},
    {"model_asked": "a/auto", "model_sent": "a/auto", "model_served": DATED},
    {"model_asked": QWEN, "status": 403, "ending": "refused", "path": "/v1/messages"},
    {"model_asked": DATED, "model_sent": "fast", "verdict": "broken"},
    {"model_asked": "x[1]%_\\", "model_sent": "x[1]%_\\", "caller": "a*"},
    {"model_asked": "X[1]%_\\", "caller": "ab", "user_agent": "OpenAI/Python 3.1"},
    {"status": 429, "ending": "upstream_error", "rules": ("base", 'a"b')},
    {"status": 200, "ending": "upstream_cut", "session": "s1", "provider": "novita"},
    {"session": "s1", "rules": ("base",), "dialect": "chat"},
    {"session": "s2", "ending": "caller_left", "rules": ("b", "a\\")},
    {"model_served": "only/served", "provider": "novita", "verdict": "unproven"},
    {"quantizations_listed": ("fp8", "bf16"), "provider": "none"},
    {"quantizations_listed": ("fp8",), "caller": "a*", "alias": "none"},
    {"defects": ("tool_call_not_json", "repetition")},
    {"defects": ("empty",), "ending": "empty"},
    {"audit": "aud_1", "model_sent": QWEN, "provider": "novita", "verdict": "kept"},
    {"audit": "aud_2", "model_asked": QWEN, "ending": "upstream_error"},
]
RECEIPTS = [receipt(1700.0 * place, **fields) for place, fields in enumerate(FIELDS * 2)]
FILTERS: list[dict[str, Any]] = [
    {},
    *({"model": model} for model in (QWEN, DATED, "fast", "a/auto", "only/served", "none/such")),
    *({"model": model} for model in ("qwen/*", "*", "?ast", "*-07-25", "*coder*", "QWEN/*", "fa")),
    *({"model": model} for model in ("x[1]%_\\", "x[1]*", "x[1]%?\\*", "x_1*", "[x]*", "x%")),
    {"model": "qwen/*", "provider": "novita"},
    {"model": DATED, "verdict": "broken", "until": START + timedelta(hours=9)},
    {"model": "*", "since": START + timedelta(hours=2, minutes=3)},
    *({"alias": alias} for alias in ("fast", "f*", "*", QWEN)),
    *({"provider": provider} for provider in ("novita", "nov*", "groq")),
    *({"caller": caller} for caller in ("a*", "ab", "a")),
    *({"user_agent": agent} for agent in ("OpenAI/*", "*python*", "OpenAI/Python 3.1")),
    *({"rule": rule} for rule in ("base", 'a"b', "b", "a", "a\\", "base*")),
    *({"verdict": verdict} for verdict in ("kept", "broken", "unproven", "none")),
    *({"status": status} for status in (200, 403, 500)),
    *({"failed": failed} for failed in (True, False)),
    *({"session": session} for session in ("s1", "s2", "s*")),
    *({"ending": ending} for ending in ("empty", "complete", "draining")),
    *({"defect": defect} for defect in ("any", "none", "empty", "repetition", "cut_short")),
    *({"defect": group} for group in ("tool_calls", "json", "text", "ending")),
    *({"refused": refused} for refused in (True, False)),
    *({"quantization": label} for label in ("fp8", "bf16", "bf16 or fp8", "fp8 or bf16")),
    *({name: "none"} for name in MAY_BE_NONE),
    {"provider": "none", "refused": False},
    {"path": "/v1/messages"},
    {"path": "*/chat/*"},
    {"dialect": "chat"},
    *({"audit": audit} for audit in ("any", "none", "aud_1", "aud_3")),
    {"audit": "any", "model": QWEN},
    {"since": START + timedelta(hours=3), "until": START + timedelta(hours=5, minutes=1)},
    {"failed": True, "since": START + timedelta(hours=4), "rule": "base"},
]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A ledger that no test writes to."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('wanted')}/ledger.sqlite")
    store.write(RECEIPTS)
    yield store
    store.close()


def fitting(wanted: Wanted) -> list[Receipt]:
    """What is wanted, newest first."""
    return [one for one in reversed(RECEIPTS) if wanted.fits(one)]


def held_by(store: Store, wanted: Wanted) -> None:
    """Every way of asking finds the same receipts."""
    expected = fitting(wanted)
    assert store.recent(wanted, limit=100) == expected
    assert store.recent(wanted, limit=2) == expected[:2]
    assert _paged(store, wanted) == expected
    assert store.written_after(0, wanted)[1] == expected[::-1]
    found = store.stats(by=("provider",), wanted=wanted)
    assert found.total.requests == len(expected)
    assert sum(group.figures.requests for group in found.groups) == len(expected)
    end = RECEIPTS[-1].started_at + timedelta(hours=1)
    until = replace(wanted, since=wanted.since or START - timedelta(hours=1), until=None)
    for points in (3, 12):
        series = store.series(wanted=until, now=end, points=points)
        # Whole buckets are counted, so the first may begin before what was asked.
        rounded = replace(until, since=series.starts[0])
        assert sum(point.requests for point in series.total) == len(fitting(rounded))


def _paged(store: Store, wanted: Wanted) -> list[Receipt]:
    """All of them, older page by older page; and what newer pages give again."""
    found: list[Receipt] = []
    while page := store.recent(wanted, limit=3, before=found[-1].id if found else None):
        if found:
            assert store.recent(wanted, limit=3, after=page[0].id) == found[-3:]
        found += page
    return found


def test_every_way_of_asking_finds_what_fits(store: Store) -> None:
    store.write(RECEIPTS)
    for filters in FILTERS:
        held_by(store, Wanted(**filters))


def test_each_filter_tells_some_receipts_from_others(sqlite: Store) -> None:
    telling = {
        name
        for filters in FILTERS
        for name in filters
        if 0 < len(sqlite.recent(Wanted(**filters), limit=100)) < len(RECEIPTS)
    }
    assert telling == set(NAMES)


@pytest.mark.parametrize("model", ["qwen-precise", QWEN, DATED, "qwen/*", "*-07-25"])
def test_a_model_is_known_by_every_name_it_has(model: str) -> None:
    assert Wanted(model=model).fits(FULL)


def test_a_pattern_that_begins_like_a_million_others_ends_soon() -> None:
    hostile = "*a" * 200 + "b"
    assert not Wanted(model=hostile).fits(receipt(model_asked="a" * 600))


def test_where_receipts_are_gone_figures_begin_with_the_first_that_is_left(url: str) -> None:
    store = Store.open(url, Keep(age=timedelta(hours=3)))
    store.write(RECEIPTS)
    assert store.stats(wanted=Wanted(failed=True)).since is None
    now = RECEIPTS[-1].started_at
    while store.tidy(now):
        pass
    left = [one for one in RECEIPTS if one.started_at >= now - timedelta(hours=3)]
    found = store.stats(wanted=Wanted(failed=True, since=START))
    assert found.since == left[0].started_at
    assert found.total.requests == sum(map(Wanted(failed=True).fits, left))
    later = left[1].started_at
    assert store.stats(wanted=Wanted(failed=True, since=later)).since == later
    store.close()


def test_an_empty_ledger_has_nothing_to_count(store: Store) -> None:
    found = store.stats(wanted=Wanted(failed=True, since=START))
    assert (found.since, found.total.requests) == (START, 0)


def test_filters_are_read_from_text() -> None:
    given = dict.fromkeys(NAMES, "x") | {
        "provider": "Novita",
        "verdict": "none",
        "status": "429",
        "failed": "false",
        "refused": "true",
        "ending": "empty",
        "defect": "tool_calls",
        "since": "90m",
        "until": "2026-11-28T10:00+00:00",
    }
    assert read(given, now=NOW) == Wanted(
        **dict.fromkeys(("model", "alias", "caller", "user_agent", "rule", "session"), "x"),
        **dict.fromkeys(("path", "dialect", "quantization", "audit"), "x"),
        provider="novita",
        verdict="none",
        status=429,
        failed=False,
        refused=True,
        ending="empty",
        defect="tool_calls",
        since=NOW - timedelta(minutes=90),
        until=NOW - timedelta(hours=2),
    )
    assert read({}) == EVERYTHING


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("verdict", "good", "verdict: 'good' is not one of kept, broken, unproven, none"),
        ("status", "4xx", "status: '4xx' is not an HTTP status; use e.g. 200 or 429"),
        ("status", "999", "is not an HTTP status"),
        ("status", "٤٢٩", "is not an HTTP status"),
        ("ending", "over", "ending: 'over' is not one of complete, empty, unfinished,"),
        ("defect", "repetitions", "ending, any, none; did you mean repetition?"),
        ("failed", "1", "failed: '1' is not one of true, false"),
        ("since", "yesterday", "since: 'yesterday' is not a time; use e.g. 90m"),
        ("until", "9" * 99 + "d", "is not a time"),
        ("model", " ", "model: there is no value"),
        ("modle", "x", "modle: not known; did you mean model?; known are model, alias, "),
    ],
)
def test_what_can_not_be_read_is_named_with_the_way_out(name: str, text: str, words: str) -> None:
    with pytest.raises(FilterError) as raised:
        read({name: text})
    assert raised.value.name == name
    assert words in str(raised.value)


def test_a_glob_is_a_text_with_wildcards() -> None:
    assert [is_glob(text) for text in ("a*", "a?b", "a[b]")] == [True, True, False]
