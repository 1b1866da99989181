"""Audits in the ledger: findings and hashes are kept, and figures about clients don't see them."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from app.ledger.audits import Answer, Audit, EndpointVerdict, new_audit_id
from app.ledger.keep import Keep
from app.ledger.positions import START as START_POSITION
from app.ledger.spent import spent
from app.ledger.stats import DETAILS, DIMENSIONS
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt
from tests.ledger.traffic import traffic

MODEL = "qwen/qwen3-coder"
DAY = timedelta(days=1)


def audit(number: int = 1, days: float = 0.0, **fields: Any) -> Audit:
    named = {"id": f"aud_{number}", "model": MODEL, "started_at": START + days * DAY}
    return Audit(**{**named, "plan": {"prompts": 50}, **fields})


def verdict(of: Audit, tag: str, word: str = "same", **fields: Any) -> EndpointVerdict:
    named = {"audit": of.id, "model": of.model, "tag": tag, "at": of.started_at, "verdict": word}
    return EndpointVerdict(**{**named, "found": {"rho": 0.98}, **fields})


def answer(of: Audit, tag: str = "novita/fp8", prompt: int = 0, **fields: Any) -> Answer:
    return Answer(**{"audit": of.id, "tag": tag, "prompt": prompt, "round": 0, **fields})


def test_an_audit_comes_back_as_it_went_and_goes_on_under_its_id(store: Store) -> None:
    begun = audit()
    store.keep_audit(begun)
    assert store.audit(begun.id) == begun
    ended = replace(begun, state="finished", ended_at=START + DAY, result={"endpoints": [{"p": 1}]})
    store.keep_audit(ended, [verdict(ended, "novita/fp8"), verdict(ended, "groq", "different")])
    assert store.audit(begun.id) == ended
    assert store.audits(limit=5) == [ended]
    assert store.audit("aud_none") is None


def test_the_newest_audits_come_first(store: Store) -> None:
    of_model = [audit(number, days=number) for number in range(3)]
    other = audit(9, days=9, model="a/b")
    for each in (*of_model, other):
        store.keep_audit(each)
    assert store.audits(MODEL, limit=2) == of_model[:0:-1]
    assert store.audits(limit=10) == [other, *of_model[::-1]]


def test_the_newest_verdict_counts_for_each_endpoint_and_older_ones_stay_in_its_history(
    store: Store,
) -> None:
    first, second = audit(1), audit(2, days=1)
    early = [verdict(first, "a"), verdict(first, "b", "different")]
    late = [verdict(second, "b", "undecided"), verdict(second, "c", against="aud_1")]
    store.keep_audit(first, early)
    store.keep_audit(second, late)
    assert store.verdicts(MODEL) == [early[0], late[0]]
    assert store.verdicts() == [early[0], late[0]]
    assert store.verdicts("a/b") == []
    assert store.verdicts(MODEL, against="aud_1") == [late[1]]
    assert store.history(MODEL, "b", limit=5) == [late[0], early[1]]


def test_findings_that_are_written_again_replace_the_first(store: Store) -> None:
    store.keep_audit(audit(), [verdict(audit(), "a"), verdict(audit(), "b")])
    store.keep_audit(audit(), [verdict(audit(), "a", "different")])
    assert [each.verdict for each in store.history(MODEL, "a", limit=5)] == ["different"]
    assert store.history(MODEL, "b", limit=5) == []


def test_answers_come_back_as_they_went_and_keep_their_places(store: Store) -> None:
    one = audit()
    store.keep_audit(one)
    given = [
        answer(one, prompt=7, hashes=bytes(range(256)), prompt_tokens=31, completion_tokens=16),
        answer(one, prompt=7, round=1, dropped="served from the response cache"),
        answer(one, tag="z", cost_usd=Decimal("0.000012"), receipt="rcp_1", reasoning_tokens=0),
    ]
    store.keep_answers(given[::-1])
    assert store.answers(one.id) == given
    again = answer(one, tag="z", hashes=b"x")
    store.keep_answers([again])
    assert store.answers(one.id)[-1] == again


def test_ids_of_audits_sort_by_time_and_differ() -> None:
    source = random.Random(1)
    ids = [new_audit_id(1_795_000_000 + second, source) for second in range(5)]
    assert sorted(ids) == ids
    assert all(name.startswith("aud_") for name in ids)


# --- figures about clients ------------------------------------------------------------------

SOME = {"model_asked": MODEL, "model_sent": MODEL, "provider": "novita", "verdict": "broken"}
OF_AUDITS = [
    receipt(
        seconds,
        audit="aud_1",
        ending=ending,
        status=status,
        cost_usd=Decimal("0.5"),
        prompt_tokens=999,
        defects=("repetition",),
        attempts=({"provider": "Novita", "model": None, "status": 502},),
        **SOME,
    )
    for seconds in (-7200.0, 1.0, 86_400.0 * 3, 86_400.0 * 6)
    for ending, status in (("complete", 200), ("upstream_error", 502), ("refused", 403))
]
NOW = START + 5 * DAY


def _in_order(card: Any, sent: Any) -> object:
    return card, sorted(map(repr, sent))


SINCE = Wanted(since=START - DAY)
BY: tuple[Any, ...] = (*DIMENSIONS, *sorted(DETAILS))
PUBLIC: dict[str, Callable[[Store], object]] = {
    **{f"stats by {name}": lambda store, by=name: store.stats(by=(by,)) for name in BY},  # type: ignore[misc]
    "stats": lambda store: store.stats(),
    "stats since": lambda store: store.stats(wanted=SINCE),
    "stats of a part of an hour": lambda store: store.stats(
        wanted=Wanted(since=START + timedelta(seconds=0.5), until=START + timedelta(minutes=5))
    ),
    "stats of failures": lambda store: store.stats(wanted=Wanted(failed=True, since=START - DAY)),
    "stats of a model": lambda store: store.stats(wanted=Wanted(model="qwen/*")),
    "series": lambda store: store.series(by=("provider",), wanted=SINCE, now=NOW),
    "series of all": lambda store: store.series(now=NOW),
    "series by the minute": lambda store: store.series(
        wanted=Wanted(since=START - timedelta(hours=1)), now=START + timedelta(hours=1)
    ),
    "sessions": lambda store: store.session_stats(),
    "trails": lambda store: store.session_trails(Wanted(), most=20),
    "scorecard": lambda store: store.scorecard(slug=str.lower),
    "scored and sent": lambda store: _in_order(
        *store.scored_and_sent(slug=str.lower, wanted=Wanted(), most=1000)
    ),
    "failed attempts": lambda store: store.failed_attempts(SINCE),
    "newest": lambda store: store.recent(limit=1000),
    "newest of a model": lambda store: store.recent(Wanted(model=MODEL), limit=1000),
    "newest of a verdict": lambda store: store.recent(Wanted(verdict="broken"), limit=1000),
    "last": lambda store: store.named("last"),
    "in the order of writing": lambda store: store.written_after(0)[1],
    "between positions": lambda store: store.written_between(
        START_POSITION, store.newest_position()
    )[1],
    "bound": lambda store: store.begin_of_newest(100),
    "broken": lambda store: store.broken_by_rule(START - DAY, NOW),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_receipts_of_audits_change_no_answer_about_clients(
    store: Store, tmp_path: Any, name: str
) -> None:
    """Whatever is asked of the ledger, unless it names audits."""
    plain = Store.open(f"sqlite:///{tmp_path}/plain.sqlite")
    receipts = traffic(150, days=5)
    plain.write(receipts)
    store.write([*OF_AUDITS[:6], *receipts[:75], *OF_AUDITS[6:], *receipts[75:]])
    assert repr(PUBLIC[name](store)) == repr(PUBLIC[name](plain))
    plain.close()


def test_every_public_question_of_the_ledger_is_among_these() -> None:
    """A new one has to say what audits' receipts do to it."""
    asked = {
        *("stats", "stats_by", "series", "series_by", "session_stats", "session_trails"),
        *("scorecard", "scored_and_sent", "failed_attempts", "recent", "named", "written_after"),
        *("written_between", "begin_of_newest", "broken_by_rule"),
    }
    not_about_receipts = {
        *(
            "open",
            "write",
            "note_costs",
            "note_listings",
            "tidy",
            "close",
            "listing",
            "listing_spans",
            "url",
        ),
        *("keep_audit", "keep_answers", "audit", "audits", "verdicts", "history", "answers"),
        *("put_notice", "take_notices", "notice_delivered", "notice_failed", "newest_notices"),
        *("undelivered_notices", "notices_told"),
        *("spent", "spent_since", "written", "tell_once"),  # no rule applies to an audit
        *("begin_sign_in", "sign_in", "end_sign_in"),
        *("keep_scores", "kept_scores", "scores", "connection"),
    }
    of_notices = {
        *("put_notice", "take_notices", "notice_delivered", "notice_failed", "newest_notices"),
        *("undelivered_notices", "notices_told", "tell_once"),
    }
    of_rules = {"broken_by_rule", "spent", "spent_since"}  # no rule applies to an audit's request
    of_positions = {  # in the order of writing; by whole ids
        *("first_since", "end", "get", "written"),
        *("newest_position", "position_of", "has_position", "lost_after"),
    }
    public = {name for name in vars(Store) if not name.startswith("_")}
    assert public == (asked | not_about_receipts | of_notices | of_rules | of_positions) - {"url"}


def test_receipts_of_audits_are_found_where_they_are_asked_for(store: Store) -> None:
    store.write([*OF_AUDITS, receipt(5, **SOME)])
    assert store.stats(wanted=Wanted(audit="any")).total.requests == len(OF_AUDITS)
    assert store.stats(wanted=Wanted(audit="aud_1")).total.cost_usd == Decimal("0.5") * len(
        OF_AUDITS
    )
    assert store.stats(wanted=Wanted(audit="aud_2")).total.requests == 0
    assert len(store.recent(Wanted(audit="any", ending="refused"), limit=99)) == 4
    assert store.first_since(None, audit="any") < store.first_since(None)


def test_a_turn_after_an_audits_request_is_compared_with_the_turn_before(store: Store) -> None:
    """An audit names no session; were one to have any, it would not take part in flips."""
    turn = {"session": "s1", "model_sent": MODEL, "prompt_tokens": 10, "cached_tokens": 10}
    store.write([receipt(0, provider="a", **turn)])
    store.write([receipt(1, provider="b", audit="aud_1", model_sent=MODEL)])
    store.write([receipt(2, provider="a", **turn)])
    assert store.stats().total.flips == 0


# --- how long it is kept --------------------------------------------------------------------


def kept_by(store: Store, keep: Keep, now_days: float) -> None:
    limited = Store.open(store.url, keep)
    while limited.tidy(START + now_days * DAY):
        pass
    limited.close()


def full_of_audits(store: Store) -> list[Audit]:
    """One every 40 days, each finished, with an answer and a verdict."""
    made = [audit(number, days=40 * number, state="finished") for number in range(4)]
    for each in made:
        store.keep_audit(each, [verdict(each, "a")])
        store.keep_answers([answer(each, hashes=b"x" * 99)])
    return made


def with_answers(store: Store, audits: list[Audit]) -> list[int]:
    return [number for number, each in enumerate(audits) if store.answers(each.id)]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Keep(), [0, 1, 2, 3]),
        (Keep(age=timedelta(days=1)), [2, 3]),
        (Keep(megabytes=500.0), [2, 3]),
        (Keep(age=timedelta(days=130)), [1, 2, 3]),
    ],
)
def test_answers_stay_ninety_days_or_as_long_as_receipts(
    store: Store, keep: Keep, left: list[int]
) -> None:
    audits = full_of_audits(store)
    kept_by(store, keep, 165)
    assert with_answers(store, audits) == left
    assert store.audits(limit=9) == audits[::-1]
    assert len(store.history(MODEL, "a", limit=9)) == 4


def test_the_newest_answers_of_a_model_stay_since_later_audits_compare_with_them(
    store: Store,
) -> None:
    audits = full_of_audits(store)
    store.keep_audit(running := audit(9, days=121))
    store.keep_answers([answer(running, hashes=b"x")])
    kept_by(store, Keep(age=timedelta(days=1)), 400)
    assert with_answers(store, [*audits, running]) == [3]


def test_findings_stay_eight_hundred_days(store: Store) -> None:
    audits = full_of_audits(store)
    kept_by(store, Keep(age=timedelta(days=1)), 850)
    assert store.audits(limit=9) == audits[:1:-1]
    assert len(store.history(MODEL, "a", limit=9)) == 2
    assert store.answers(audits[0].id) == []


def test_what_was_paid_with_the_key_includes_audits(store: Store) -> None:
    cost = Decimal("0.5")
    store.write([receipt(0, audit="aud_1", cost_usd=cost), receipt(5, cost_usd=cost)])
    assert spent(store, START) == dict.fromkeys(("daily", "weekly", "monthly"), 2 * cost)
