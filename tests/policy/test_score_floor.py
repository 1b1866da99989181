"""A score floor admits what scores high enough, never widens, and is never silently ignored."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import EMPTY, Catalog
from app.catalog.scores import Row, Scores, Snapshot
from app.errors import PolicyConflict
from app.policy.bar import max_days
from app.policy.filters import Asked
from app.policy.forecast.explain import as_json_object, explain
from app.policy.forecast.forecast import Forecast, forecasts
from app.policy.request import read_request
from app.policy.routed import routed
from tests.policy.sending import as_bytes, book_of, preferences, route, send, sent

GPQA, TAU = "gpqa_diamond", "tau2_bench_airline"
SCORES = {
    "good": {GPQA: "0.7", TAU: "0.5"},
    "poor": {GPQA: "0.4", TAU: "0.5"},
    "half": {GPQA: "0.8"},
    "new/fp8": {GPQA: "0.6", TAU: "0.6"},
}


def kept(scores: Mapping[str, Mapping[str, str]] = SCORES, *, age: int = 0) -> Catalog:
    rows = tuple(
        Row(benchmark, "a/b", provider, Decimal(accuracy))
        for provider, found in scores.items()
        for benchmark, accuracy in found.items()
    )
    return EMPTY.with_scores(Scores(Snapshot("2026-11-21", "c0ffee" * 10, rows), age))


def wanted(floor: Mapping[str, Any], catalog: Catalog | None = None, **rule: Any) -> dict[str, Any]:
    book = book_of({"score_floor": floor, **rule})
    return preferences(book, "a/b", catalog=catalog or kept())


# --- what it sends ----------------------------------------------------------------------------


def test_only_providers_with_every_score_high_enough_are_sent() -> None:
    assert wanted({GPQA: 0.6}) == {"only": ["good", "half", "new/fp8"]}
    assert wanted({GPQA: 0.7}) == {"only": ["good", "half"]}
    assert wanted({GPQA: 0.6, TAU: 0.4}) == {"only": ["good", "new/fp8"]}
    assert wanted({GPQA: 0.6, TAU: 0.55}) == {"only": ["new/fp8"]}


def test_unscored_allow_excludes_only_what_scores_too_low() -> None:
    ignored = wanted({GPQA: 0.6, TAU: 0.4, "unscored": "allow"})
    assert ignored["ignore"][0] == "poor"
    assert "poor/priority" in ignored["ignore"]  # a provider is all of it
    assert not any(each.startswith(("good", "half", "other")) for each in ignored["ignore"])
    assert wanted({GPQA: 0.1, "unscored": "allow"}) == {}


def test_a_slug_is_not_admitted_where_one_of_the_providers_tags_fails() -> None:
    whole = {"two": {GPQA: "0.1"}, "two/fp8": {GPQA: "0.8"}, "good": {GPQA: "0.8"}}
    assert wanted({GPQA: 0.5}, kept(whole)) == {"only": ["good"]}
    scores = {"two": {GPQA: "0.9"}, "two/fp4": {GPQA: "0.1"}, "two/fp8": {GPQA: "0.8"}}
    assert wanted({GPQA: 0.5}, kept(scores)) == {"only": ["two/fp8"]}
    assert wanted({GPQA: 0.5, "unscored": "allow"}, kept(scores)) == {"ignore": ["two/fp4"]}


def test_it_joins_the_rules_other_clauses_and_the_request() -> None:
    floor = {GPQA: 0.6}
    assert wanted(floor, only=["half", "poor", "new"]) == {"only": ["half", "new/fp8"]}
    assert wanted(floor, ignore=["half"])["only"] == ["good", "new/fp8"]
    pinned = {"only": ["good"], "order": ["good"]}
    assert wanted(floor, pin=["poor", "good"]) == pinned
    asked = {"model": "a/b", "provider": {"only": ["new", "good", "poor"]}}
    found = sent(book_of({"score_floor": floor}), asked, catalog=kept())
    assert sorted(found["provider"]["only"]) == ["good", "new/fp8"]


def test_several_models_have_to_be_met_by_each_of_their_scores() -> None:
    asked = {"models": ["a/b", "c/d"]}
    with pytest.raises(PolicyConflict, match="leaves no provider"):
        send(book_of({"score_floor": {GPQA: 0.6}}), asked, catalog=kept())
    lax = book_of({"score_floor": {GPQA: 0.6, "unscored": "allow"}})
    assert sent(lax, asked, catalog=kept())["provider"]["ignore"][0] == "poor"
    assert len(route(lax, asked, catalog=kept()).bars) == 2


def test_the_more_specific_rules_floor_replaces_the_other_as_a_whole() -> None:
    book = book_of(
        {"name": "all", "score_floor": {GPQA: 0.6, TAU: 0.4}},
        {"name": "one", "models": ["a/b"], "score_floor": {TAU: 0.4}},
    )
    assert preferences(book, "a/b", catalog=kept()) == {"only": ["good", "poor", "new/fp8"]}


def test_an_alias_may_have_a_floor_of_its_own() -> None:
    alias = {"model": "a/b", "preferences": {"score_floor": {GPQA: 0.75}}}
    assert preferences(book_of(aliases={"smart": alias}), "smart", catalog=kept()) == {
        "only": ["half"]
    }


# --- what it does where it can't apply ---------------------------------------------------------

NOTHING_KEPT = EMPTY
TOO_OLD = kept(age=46)


@pytest.mark.parametrize(
    ("catalog", "why"),
    [
        (NOTHING_KEPT, "no benchmark scores are kept"),
        (TOO_OLD, r"the benchmark scores of 2026-11-21 \(sha256 \w+\) are 46 days old, over 45d"),
    ],
)
def test_without_usable_scores_unscored_decides_for_all_and_says_so(
    catalog: Catalog, why: str
) -> None:
    floor = {GPQA: 0.6, "max_age": "45d"}
    with pytest.raises(PolicyConflict, match=f"requires benchmark scores: {why}; run `pointsman"):
        wanted(floor, catalog)
    lax = {**floor, "unscored": "allow"}
    assert wanted(lax, catalog) == {}
    assert wanted(lax, catalog, only=["poor"]) == {"only": ["poor"]}
    (bar,) = route(book_of({"score_floor": lax}), {"model": "a/b"}, catalog=catalog).bars
    assert bar.told.startswith("score_floor not applied: ")


def test_scores_of_the_highest_age_still_count() -> None:
    assert wanted({GPQA: 0.75, "max_age": "45d"}, kept(age=45)) == {"only": ["half"]}
    assert wanted({GPQA: 0.75}, kept(age=9999)) == {"only": ["half"]}
    assert (max_days({"max_age": "6w"}), max_days({})) == (42, None)


def test_a_floor_that_no_provider_reaches_is_refused_with_the_scores_it_went_by() -> None:
    with pytest.raises(PolicyConflict) as refused:
        wanted({GPQA: 0.9, TAU: 0.5})
    assert (
        'rule "rule-0" (test.yaml:1) leaves no provider: none has a score of at least '
        "gpqa_diamond 0.9, tau2_bench_airline 0.5 in the benchmark scores of 2026-11-21 "
        "(sha256 c0ffeec0ffee); lower the floor, or write `unscored: allow`"
    ) in str(refused.value)


def test_a_floor_and_an_only_that_have_nothing_in_common_are_refused() -> None:
    with pytest.raises(PolicyConflict, match="contradict each other"):
        wanted({GPQA: 0.6}, only=["poor"])
    with pytest.raises(PolicyConflict, match="contradict each other"):
        wanted({GPQA: 0.6, "unscored": "allow"}, only=["poor"])


def test_what_contradicts_itself_without_a_floor_is_told_as_that() -> None:
    book = book_of(
        {"name": "all", "score_floor": {GPQA: 0.6}, "only": ["good"]},
        {"name": "one", "models": ["a/*"], "ignore": ["good"]},
    )
    with pytest.raises(PolicyConflict, match=r"contradict each other \(only, ignore\)"):
        send(book, {"model": "a/b"}, catalog=kept())


def test_a_file_is_valid_whether_or_not_scores_are_kept() -> None:
    book = book_of({"models": ["a/b"], "score_floor": {GPQA: 1}})
    assert preferences(book, "a/b", catalog=kept().with_scores(None)) == {}


def test_scores_that_change_change_the_route() -> None:
    book = book_of({"score_floor": {GPQA: 0.75}})
    assert preferences(book, "a/b", catalog=kept()) == {"only": ["half"]}
    better = kept({"poor": {GPQA: "0.9"}})
    assert preferences(book, "a/b", catalog=better) == {"only": ["poor"]}


# --- laws -------------------------------------------------------------------------------------

_providers = st.sampled_from(["a", "b", "c", "a/fp8", "b/fp4", "a/priority"])
_accuracies = st.integers(0, 10).map(lambda tenths: str(Decimal(tenths) / 10))
_benchmarks = st.sampled_from([GPQA, TAU])
_scores = st.dictionaries(_providers, st.dictionaries(_benchmarks, _accuracies, min_size=1))
_floors = st.dictionaries(_benchmarks, st.integers(0, 10).map(lambda n: n / 10), min_size=1)
_unscored = st.sampled_from(["allow", "deny"])
_lists = st.lists(_providers, unique=True, min_size=1)
_rules = st.fixed_dictionaries(
    {}, optional={"only": _lists, "order": _lists, "allow_fallbacks": st.booleans()}
)
ROWS = [
    {"tag": tag, "provider_name": tag.partition("/")[0].upper()}
    for tag in ("a", "a/fp8", "a/priority", "b/fp4", "b/fp8", "c", "d", "openai/fast")
]


def left(floor: Mapping[str, Any] | None, rule: Mapping[str, Any], catalog: Catalog) -> set[str]:
    """The endpoints that may serve; none where the request is refused."""
    full = {**rule, **({} if floor is None else {"score_floor": floor})}
    book = book_of(full or {"zdr": False})
    request = read_request(as_bytes({"model": "a/b"}))
    by = route(book, {"model": "a/b"}, catalog=catalog)
    if by.conflict:
        return set()
    (found,) = forecasts(request, by, by.preferences, catalog)
    return {endpoint.tag for endpoint in found.funnel.survivors}


@given(_scores, _floors, _unscored, _rules)
def test_a_floor_never_widens(
    scores: dict[str, dict[str, str]], floors: dict[str, float], unscored: str, rule: dict[str, Any]
) -> None:
    catalog = kept(scores).with_listing("a/b", ROWS, 0)
    floor = {**floors, "unscored": unscored}
    assert left(floor, rule, catalog) <= left(None, rule, catalog)


@given(_scores, _floors, _unscored, _benchmarks, st.integers(1, 10))
def test_a_higher_floor_never_allows_more(
    scores: dict[str, dict[str, str]],
    floors: dict[str, float],
    unscored: str,
    benchmark: str,
    tenths: int,
) -> None:
    catalog = kept(scores).with_listing("a/b", ROWS, 0)
    higher = {**floors, benchmark: max(floors.get(benchmark, 0), tenths / 10)}
    low, high = ({**each, "unscored": unscored} for each in (floors, higher))
    assert left(high, {}, catalog) <= left(low, {}, catalog)
    assert left({**low, "unscored": "deny"}, {}, catalog) <= left(low, {}, catalog)


# --- the funnel -------------------------------------------------------------------------------

LISTED = [
    {"tag": "good", "provider_name": "Good", "quantization": "fp8"},
    {"tag": "poor", "provider_name": "Poor", "quantization": "fp8"},
    {"tag": "stranger", "provider_name": "Stranger", "quantization": "fp8"},
]


def foreseen(
    rule: Mapping[str, Any],
    rows: list[dict[str, str]] = LISTED,
    scores: Mapping[str, Mapping[str, str]] = SCORES,
    **asked: Any,
) -> Forecast:
    catalog = kept(scores).with_listing("a/b", rows, 0)
    request = read_request(as_bytes({"model": "a/b", **asked}))
    outgoing = send(book_of(rule), {"model": "a/b", **asked}, catalog=catalog)
    by = route(book_of(rule), {"model": "a/b", **asked}, catalog=catalog)
    (found,) = forecasts(request, by, outgoing.preferences, catalog)
    return found


def test_the_floor_is_a_line_of_the_funnel_with_its_clause() -> None:
    found = foreseen({"score_floor": {GPQA: 0.6}, "only": ["good", "poor"]})
    assert str(found.funnel) == "3 -> score_floor 1"
    assert {d.endpoint.tag: d.because for d in found.funnel.dropped} == {
        "poor": 'rule "rule-0" (test.yaml:1)',
        "stranger": 'rule "rule-0" (test.yaml:1)',
    }
    assert {c.key for d in found.funnel.dropped for c in d.clauses} == {"score_floor"}


def test_what_the_rules_own_list_drops_is_not_blamed_on_the_floor() -> None:
    found = foreseen({"score_floor": {GPQA: 0.1, "unscored": "allow"}, "only": ["good"]})
    assert str(found.funnel) == "3 -> only 1"
    assert {c.key for d in found.funnel.dropped for c in d.clauses} == {"only"}
    narrow = foreseen({"score_floor": {GPQA: 0.1}, "only": ["good"]})
    assert str(narrow.funnel) == "3 -> score_floor 2 -> only 1"
    assert {c.key for c in narrow.funnel.dropped[-1].clauses} == {"only"}


BOTH = (
    "score_floor.gpqa_diamond: 0.6 -> 0.4 and only: good is not a provider, add poor (allows poor)"
)


@pytest.mark.parametrize(
    ("rule", "rows", "way"),
    [
        ({"score_floor": {GPQA: 0.6}}, LISTED[1:2],
         "score_floor.gpqa_diamond: 0.6 -> 0.4 (allows poor)"),
        ({"score_floor": {GPQA: 0.6, "unscored": "allow"}}, LISTED[1:2],
         "score_floor.gpqa_diamond: 0.6 -> 0.4 (allows poor)"),
        ({"score_floor": {GPQA: 0.6}}, LISTED[2:],
         "score_floor.unscored: deny -> allow (allows stranger)"),
        ({"score_floor": {GPQA: 0.9, TAU: 0.6, "unscored": "allow"}, "only": ["poor", "half", "x"]},
         [*LISTED[1:2], {"tag": "half", "provider_name": "Half"}],
         "score_floor.gpqa_diamond: 0.9 -> 0.8 (allows half)"),
        ({"score_floor": {GPQA: 0.6}, "only": ["good"]}, LISTED[1:2], BOTH),
        ({"score_floor": {GPQA: 0.6}, "only": ["poor", "good"]}, LISTED[1:2],
         "score_floor.gpqa_diamond: 0.6 -> 0.4 (allows poor)"),
    ],
)  # fmt: skip
def test_the_way_out_is_the_endpoints_own_score(
    rule: dict[str, Any], rows: list[dict[str, str]], way: str
) -> None:
    assert foreseen(rule, rows).way_out == way


def test_there_is_no_way_out_of_the_score_of_another_endpoint() -> None:
    scores = {"two": {GPQA: "0.9"}, "two/fp4": {GPQA: "0.1"}, "good": {GPQA: "0.9"}}
    found = foreseen({"score_floor": {GPQA: 0.6}}, [{"tag": "two", "provider_name": "Two"}], scores)
    assert str(found.funnel) == "1 -> score_floor 0"
    assert found.way_out is None


def test_an_explanation_names_the_scores_that_a_floor_went_by() -> None:
    book = book_of({"score_floor": {GPQA: 0.6}})
    by = routed(book, read_request(b'{"model": "a/b"}'), caller=None, user_agent="", catalog=kept())
    told = as_json_object(explain(by), book.revision)
    assert told["scores"] == [
        "score_floor by the benchmark scores of 2026-11-21 (sha256 c0ffeec0ffee)"
    ]
    (field,) = told["fields"]
    assert (field["field"], [each["key"] for each in field["from"]]) == (
        "provider.only",
        ["score_floor"],
    )


def test_scores_are_evidence_only_where_they_could_be_used() -> None:
    (bar,) = route(book_of({"score_floor": {GPQA: 0.6}}), {"model": "a/b"}, catalog=kept()).bars
    assert bar.source == "scores 2026-11-21 sha256:c0ffeec0ffee"
    (bar,) = route(book_of({"score_floor": {GPQA: 0.6}}), {"model": "a/b"}).bars
    assert bar.source is None


def test_the_request_is_blamed_for_its_own_list_beside_a_floor() -> None:
    found = foreseen({"score_floor": {GPQA: 0.6}}, LISTED, provider={"only": ["half", "good"]})
    assert str(found.funnel) == "3 -> score_floor 1"
    assert [e.tag for e in found.funnel.survivors] == ["good"]


def test_a_request_that_fills_the_list_itself_is_not_under_the_floor() -> None:
    rule = {"score_floor": {GPQA: 0.6}, "merge": "fill"}
    found = foreseen(rule, provider={"only": ["poor"]})
    assert str(found.funnel) == "3 -> only 1"
    still = foreseen(rule, provider={"sort": "price"})
    assert str(still.funnel) == "3 -> score_floor 1"


def test_a_side_without_a_floor_has_no_way_to_lower_it() -> None:
    assert Asked().bars_of("score_floor") == ()
