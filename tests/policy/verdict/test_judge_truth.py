"""Whoever really served, a verdict never says the opposite of the truth."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.catalog.catalog import EMPTY, STALE_SECONDS, Catalog
from app.policy.terms import terms_of
from app.policy.verdict.attempts import Tried
from app.policy.verdict.cost import Bill
from app.policy.verdict.judge import Served, judge
from tests.policy.listings import MODEL, NOW, row

# Names on the shipped list, and one that only a listing can translate.
PROVIDERS = {"deepinfra": "DeepInfra", "moonshotai": "Moonshot AI", "novel": "Novel Hosting, Inc."}
TAGS = [slug + suffix for slug in PROVIDERS for suffix in ("", "/fp8", "/turbo")]
LABELS = ["fp4", "fp8", "bf16", "unknown"]
PRICES = ["0.000001", "0.000002", "0.000003"]


def rows_of(tags: list[str], tiers: list[str | None]) -> st.SearchStrategy[dict[str, Any]]:
    """Rows under these tags; a tier is known from the listing alone, whatever the tag."""
    return st.builds(
        lambda tag, label, prompt, completion, extra, tier: (
            row(
                tag,
                PROVIDERS[tag.partition("/")[0]],
                label,
                **{"prompt": prompt, "completion": completion, **extra},
            )
            | ({"service_tier": tier} if tier else {})
        ),
        st.sampled_from(tags),
        st.sampled_from([*LABELS, None]),
        st.sampled_from(PRICES),
        st.sampled_from(PRICES),
        st.sampled_from([{}, {"input_cache_read": "0.0000001"}, {"overrides": [{"utc_days": []}]}]),
        st.sampled_from(tiers),
    )


ROWS = rows_of(TAGS, [None])
TIERED_ROWS = rows_of([*TAGS, *(f"{slug}/flex" for slug in PROVIDERS)], [None, None, "priority"])
PREFERENCES = st.fixed_dictionaries(
    {},
    optional={
        "only": st.lists(st.sampled_from(TAGS), min_size=1, max_size=3),
        "ignore": st.lists(st.sampled_from(TAGS), min_size=1, max_size=2),
        "quantizations": st.lists(st.sampled_from(LABELS), min_size=1, max_size=3),
        "max_price": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("prompt", "completion"), st.sampled_from([1, 2.5, "3"]))
        ),
    },
)
TOKENS = st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 500))


def keeps(preferences: dict[str, Any], truth: dict[str, Any]) -> bool:
    """The promise in plain words, for a row whose tag, label and prices are known for certain."""
    provider, _, end = truth["tag"].partition("/")
    in_a_tier = "service_tier" in truth or end == "flex"
    own = {truth["tag"]} | (set() if in_a_tier else {provider})  # no tier (openrouter.md §1.3)
    caps = preferences.get("max_price", {})
    return (
        ("only" not in preferences or not own.isdisjoint(preferences["only"]))
        and own.isdisjoint(preferences.get("ignore", ()))
        and truth["quantization"] in preferences.get("quantizations", [truth["quantization"]])
        and all(
            Decimal(truth["pricing"][k]) * 1_000_000 <= Decimal(str(c)) for k, c in caps.items()
        )
    )


def charged(truth: dict[str, Any], tokens: tuple[int, int, int]) -> Bill:
    uncached, cached, completion = tokens
    prices = {name: Decimal(str(p)) for name, p in truth["pricing"].items() if name != "overrides"}
    cache_read = prices.get("input_cache_read", prices["prompt"])
    return Bill(
        uncached + cached,
        cached,
        completion,
        uncached * prices["prompt"] + cached * cache_read,
        completion * prices["completion"],
        0,
    )


def answer_of(truth: dict[str, Any], **facts: Any) -> Served:
    return Served(status=200, model=MODEL, named_by_body=(truth["provider_name"],), **facts)


def assert_true(said: str | None, preferences: dict[str, Any], truth: dict[str, Any]) -> None:
    if preferences:
        assert said in {"unproven", "kept" if keeps(preferences, truth) else "broken"}
    else:
        assert said is None


@given(st.lists(TIERED_ROWS, min_size=1, max_size=6), PREFERENCES, TOKENS, st.data())
@settings(max_examples=250, deadline=None)
def test_with_a_true_listing(
    rows: list[dict[str, Any]],
    preferences: dict[str, Any],
    tokens: tuple[int, int, int],
    data: st.DataObject,
) -> None:
    truth = data.draw(st.sampled_from(rows))
    catalog = EMPTY.with_listing(MODEL, rows, NOW)
    answer = answer_of(truth, bill=data.draw(st.sampled_from([charged(truth, tokens), None])))
    assert_true(judge(answer, terms_of(preferences), catalog, now=NOW).verdict, preferences, truth)


@given(st.lists(ROWS, max_size=4), ROWS, PREFERENCES, TOKENS)
@settings(max_examples=150, deadline=None)
def test_with_a_listing_that_is_old_and_now_wrong(
    old: list[dict[str, Any]],
    truth: dict[str, Any],
    preferences: dict[str, Any],
    tokens: tuple[int, int, int],
) -> None:
    stale = EMPTY.with_listing(MODEL, old, NOW - STALE_SECONDS - 1)
    for catalog in (EMPTY, stale):
        answer = answer_of(truth, bill=charged(truth, tokens))
        assert_true(
            judge(answer, terms_of(preferences), catalog, now=NOW).verdict, preferences, truth
        )
        tried = replace(answer, attempted=(Tried(truth["provider_name"], (MODEL,)),), status=502)
        if judge(tried, terms_of(preferences), catalog, now=NOW).verdict == "broken":
            assert not keeps(preferences, truth)


@given(st.lists(TIERED_ROWS, min_size=1, max_size=6), PREFERENCES, st.data())
@settings(max_examples=150, deadline=None)
def test_of_failed_attempts(
    rows: list[dict[str, Any]], preferences: dict[str, Any], data: st.DataObject
) -> None:
    """An attempt breaks a policy or leaves doubt; inside, it proves nothing about who served."""
    truth, tried = data.draw(st.sampled_from(rows)), data.draw(st.sampled_from(rows))
    catalog = EMPTY.with_listing(MODEL, rows, NOW)
    without = judge(answer_of(truth), terms_of(preferences), catalog, now=NOW)
    told = judge(
        answer_of(truth, attempted=(Tried(tried["provider_name"], (MODEL,)),)),
        terms_of(preferences),
        catalog,
        now=NOW,
    )
    if told.verdict == "unproven" and without.verdict == "kept":
        return
    if told != without:
        assert told.verdict == "broken"
        unpriced = {name: value for name, value in preferences.items() if name != "max_price"}
        assert not keeps(unpriced, tried)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
CLAUSES = ("only", "ignore", "quantizations", "max_price", "zdr", "data_collection")


@given(
    st.dictionaries(st.sampled_from(CLAUSES), JSON | st.fixed_dictionaries({"prompt": JSON})),
    st.lists(ROWS, max_size=3),
    st.text(max_size=10),
)
@settings(max_examples=150, deadline=None)
def test_any_preferences_are_judged_without_a_crash(
    preferences: dict[str, Any], rows: list[dict[str, Any]], name: str
) -> None:
    """Where no rule matched they are the caller's own, as they came."""
    catalog: Catalog = EMPTY.with_listing(MODEL, rows, NOW)
    for named in (name, "Moonshot AI"):
        bill = Bill(10, 0, 10, Decimal("0.1"), Decimal("0.1"))
        answer = Served(status=200, model=MODEL, named_by_body=(named,), bill=bill)
        assert judge(answer, terms_of(preferences), catalog, now=NOW).evidence is not None
