"""`audited` admits endpoints by their last audit, never widens, and is never silently ignored."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.audits import Audit, Audits
from app.catalog.catalog import EMPTY, Catalog
from app.errors import PolicyConflict
from app.policy.forecast.explain import as_json_object, explain
from app.policy.forecast.forecast import Forecast, forecasts
from app.policy.forecast.forecast import as_json_object as forecast_json
from app.policy.request import read_request
from app.policy.routed import routed
from tests.policy.sending import as_bytes, book_of, preferences, route, send
from tests.policy.test_score_floor import GPQA, ROWS
from tests.policy.test_score_floor import kept as scored

SAID = {
    "ref/bf16": "reference",
    "good/fp8": "same",
    "vague/fp8": "undecided",
    "bad/fp8": "different",
}
SAME: Mapping[str, Any] = {"verdict": "same"}
LOOSE: Mapping[str, Any] = {"verdict": "not_different"}


def known(
    said: Mapping[str, str] = SAID,
    *,
    ages: Mapping[str, int] | None = None,
    why_none: str = "",
    upon: Catalog = EMPTY,
) -> Catalog:
    audits = tuple(
        Audit(tag, verdict, "c0ffee", "2026-11-21", (ages or {}).get(tag, 0), "ref/bf16")
        for tag, verdict in said.items()
    )
    return upon.with_audits(Audits({"a/b": audits} if audits else {}, why_none))


def wanted(value: Mapping[str, Any], catalog: Catalog | None = None, **rule: Any) -> dict[str, Any]:
    return preferences(book_of({"audited": value, **rule}), "a/b", catalog=catalog or known())


# --- what it sends ----------------------------------------------------------------------------


def test_only_endpoints_with_an_accepted_verdict_are_sent_and_the_reference_with_them() -> None:
    assert wanted(SAME) == {"only": ["ref/bf16", "good/fp8"]}
    assert wanted(LOOSE) == {"only": ["ref/bf16", "good/fp8", "vague/fp8"]}


def test_unaudited_allow_excludes_only_endpoints_with_another_verdict() -> None:
    assert wanted({**SAME, "unaudited": "allow"}) == {"ignore": ["vague/fp8", "bad/fp8"]}
    assert wanted({**LOOSE, "unaudited": "allow"}) == {"ignore": ["bad/fp8"]}
    assert wanted({**LOOSE, "unaudited": "allow"}, known({"x/fp8": "same"})) == {}


def test_an_audit_older_than_max_age_counts_as_none() -> None:
    ages = {"good/fp8": 31, "bad/fp8": 31, "ref/bf16": 30}
    monthly = {**SAME, "max_age": "30d"}
    assert wanted(monthly, known(ages=ages)) == {"only": ["ref/bf16"]}
    lax = {**monthly, "unaudited": "allow"}
    assert wanted(lax, known(ages=ages)) == {"ignore": ["vague/fp8"]}


def test_a_tag_without_a_slash_passes_only_if_all_passes_that_it_would_admit() -> None:
    said = {"two": "same", "two/fp8": "different", "one": "same"}
    assert wanted(SAME, known(said)) == {"only": ["one"]}
    rows = [{"tag": tag, "provider_name": "x"} for tag in ("one", "one/fp8", "two/fp4")]
    listed = EMPTY.with_listing("a/b", rows, 0)
    only = {"one": "same", "two/fp4": "same"}
    assert wanted(SAME, known(only, upon=listed)) == {"only": ["two/fp4"]}
    both = {**only, "one/fp8": "same"}
    assert wanted(SAME, known(both, upon=listed)) == {"only": ["one", "two/fp4", "one/fp8"]}
    tier = EMPTY.with_listing("a/b", [{"tag": "one/priority", "provider_name": "One"}], 0)
    assert wanted(SAME, known(only, upon=tier)) == {"only": ["one", "two/fp4"]}


def test_it_joins_the_rules_other_clauses_and_a_score_floor() -> None:
    assert wanted(SAME, only=["good", "bad"]) == {"only": ["good/fp8"]}
    assert wanted(SAME, ignore=["good"])["only"] == ["ref/bf16"]
    scores = {"good": {GPQA: "0.7"}, "vague": {GPQA: "0.7"}, "ref": {GPQA: "0.1"}}
    both = known(upon=scored(scores))
    assert wanted(LOOSE, both, score_floor={GPQA: 0.6}) == {"only": ["good/fp8", "vague/fp8"]}
    floor = {GPQA: 0.6, "unscored": "allow"}
    met = wanted(SAME, both, score_floor=floor)
    assert met["only"] == ["good/fp8"]
    assert "ref" in met["ignore"]


def test_two_bars_that_have_nothing_in_common_are_refused_by_their_names() -> None:
    both = known(upon=scored({"bad": {GPQA: "0.7"}}))
    with pytest.raises(PolicyConflict, match=r"contradict each other \(only, score_floor, audited"):
        wanted(SAME, both, score_floor={GPQA: 0.6})
    with pytest.raises(PolicyConflict, match=r"requires audits: no endpoint of a/b"):
        wanted(SAME, known({}, upon=scored({"bad": {GPQA: "0.7"}})), score_floor={GPQA: 0.6})


def test_an_alias_may_have_one_of_its_own() -> None:
    alias = {"model": "a/b", "preferences": {"audited": SAME}}
    book = book_of(aliases={"sure": alias})
    assert preferences(book, "sure", catalog=known()) == {"only": ["ref/bf16", "good/fp8"]}


def test_the_more_specific_rules_replaces_the_other_as_a_whole() -> None:
    book = book_of(
        {"name": "all", "audited": {**SAME, "max_age": "1d"}},
        {"name": "one", "models": ["a/b"], "audited": LOOSE},
    )
    old = known(ages=dict.fromkeys(SAID, 9))
    assert preferences(book, "a/b", catalog=old)["only"] == ["ref/bf16", "good/fp8", "vague/fp8"]


def test_a_service_tier_is_named_only_if_the_rule_names_it_itself() -> None:
    tiers = known({"x/priority": "same", "x/fp8": "same"})
    assert wanted(SAME, tiers) == {"only": ["x/fp8"]}
    assert wanted(SAME, tiers, only=["x/priority"]) == {"only": ["x/priority"]}
    assert wanted(SAME, tiers, pin=["x/priority", "x"])["order"] == ["x/priority", "x/fp8"]
    with pytest.raises(PolicyConflict, match="say same only of endpoints that no list can name"):
        wanted(SAME, known({"x/priority": "same"}))


# --- what it does where it can't apply --------------------------------------------------------


@pytest.mark.parametrize(
    ("catalog", "why"),
    [
        (known({}), "no endpoint of a/b has been audited"),
        (known({}, why_none="the ledger can't be read"), "the ledger can't be read"),
        (known(ages=dict.fromkeys(SAID, 31)), "the last audit of a/b is 31 days old, over 30d"),
    ],
)
def test_without_usable_audits_unaudited_decides_for_all_and_says_so(
    catalog: Catalog, why: str
) -> None:
    value = {**SAME, "max_age": "30d"}
    said = f"requires audits: {why}; run `pointsman audit a/b`, or write `unaudited: allow`"
    with pytest.raises(PolicyConflict, match=said):
        wanted(value, catalog)
    lax = {**value, "unaudited": "allow"}
    assert wanted(lax, catalog) == {}
    (bar,) = route(book_of({"audited": lax}), {"model": "a/b"}, catalog=catalog).bars
    assert (bar.told, bar.source) == (f"audited not applied: {why}", None)


def test_what_no_audit_says_is_refused_with_what_they_say_and_the_way_out() -> None:
    with pytest.raises(PolicyConflict) as refused:
        wanted(SAME, known({"x/fp8": "different", "y/fp8": "undecided"}))
    assert (
        'rule "rule-0" (test.yaml:1) leaves no provider: the last audits say different of x/fp8; '
        "undecided of y/fp8; write `verdict: not_different`, run `pointsman audit a/b` again, or "
        "write `unaudited: allow` to accept endpoints without an audit"
    ) in str(refused.value)
    with pytest.raises(PolicyConflict, match=r"say different of x/fp8; run `pointsman audit a/b` "):
        wanted(LOOSE, known({"x/fp8": "different"}))
    rows = [{"tag": tag, "provider_name": "One"} for tag in ("one", "one/fp8")]
    shared = known({"one": "same"}, upon=EMPTY.with_listing("a/b", rows, 0))
    with pytest.raises(PolicyConflict, match="say same only of endpoints that no list can name"):
        wanted(SAME, shared)


def test_a_file_is_valid_whether_or_not_there_are_audits() -> None:
    book = book_of({"models": ["a/b"], "audited": SAME})
    assert preferences(book, "a/b", catalog=known().with_audits(None)) == {}


def test_an_endpoint_whose_verdict_changes_leaves_the_policy() -> None:
    book = book_of({"audited": SAME})
    assert preferences(book, "a/b", catalog=known())["only"] == ["ref/bf16", "good/fp8"]
    drifted = known({**SAID, "good/fp8": "different"})
    assert preferences(book, "a/b", catalog=drifted)["only"] == ["ref/bf16"]


# --- laws -------------------------------------------------------------------------------------

_tags = st.sampled_from(["a", "b", "c", "a/fp8", "b/fp4", "a/priority"])
_said = st.dictionaries(_tags, st.sampled_from(["same", "undecided", "different", "reference"]))
_ages = st.dictionaries(_tags, st.integers(0, 40))
_values = st.fixed_dictionaries(
    {"verdict": st.sampled_from(["same", "not_different"])},
    optional={"max_age": st.just("30d"), "unaudited": st.sampled_from(["allow", "deny"])},
)
_lists = st.lists(_tags, unique=True, min_size=1)
_rules = st.fixed_dictionaries(
    {},
    optional={
        "only": _lists,
        "order": _lists,
        "allow_fallbacks": st.booleans(),
        "score_floor": st.just({GPQA: 0.5, "unscored": "allow"}),
    },
)


def left(value: Mapping[str, Any] | None, rule: Mapping[str, Any], catalog: Catalog) -> set[str]:
    """The endpoints that may serve; none where the request is refused."""
    full = {**rule, **({} if value is None else {"audited": value})}
    book = book_of(full or {"zdr": False})
    by = route(book, {"model": "a/b"}, catalog=catalog)
    if by.conflict:
        return set()
    request = read_request(as_bytes({"model": "a/b"}))
    (found,) = forecasts(request, by, by.preferences, catalog)
    return {endpoint.tag for endpoint in found.funnel.survivors}


def listed_with(said: Mapping[str, str], ages: Mapping[str, int]) -> Catalog:
    upon = scored({"a": {GPQA: "0.9"}, "b": {GPQA: "0.1"}}).with_listing("a/b", ROWS, 0)
    return known(said, ages=ages, upon=upon)


@given(_said, _ages, _values, _rules)
def test_it_never_widens(
    said: dict[str, str], ages: dict[str, int], value: dict[str, Any], rule: dict[str, Any]
) -> None:
    catalog = listed_with(said, ages)
    assert left(value, rule, catalog) <= left(None, rule, catalog)


@given(_said, _ages, _values)
def test_what_is_left_has_an_accepted_verdict_or_none_where_that_is_accepted(
    said: dict[str, str], ages: dict[str, int], value: dict[str, Any]
) -> None:
    most = 30 if "max_age" in value else 99
    for tag in left(value, {}, listed_with(said, ages)):
        verdict = said.get(tag) if ages.get(tag, 0) <= most else None
        if verdict is None:
            assert value.get("unaudited") == "allow"
        else:
            assert verdict in {"same", "reference", "undecided"}
            assert verdict != "undecided" or value["verdict"] == "not_different"


@given(_said, _ages, _rules)
def test_a_stricter_value_never_allows_more(
    said: dict[str, str], ages: dict[str, int], rule: dict[str, Any]
) -> None:
    catalog = listed_with(said, ages)
    for lax in ("allow", "deny"):
        strict = left({**SAME, "unaudited": lax}, rule, catalog)
        assert strict <= left({**LOOSE, "unaudited": lax}, rule, catalog)
    for value in (SAME, LOOSE):
        denied = left({**value, "unaudited": "deny"}, {}, catalog)
        # A list can't exclude a tag without a slash alone: all of its provider leaves with it.
        bare = {tag.partition("/")[0] for tag in denied if said.get(tag.partition("/")[0])}
        denied = {tag for tag in denied if tag.partition("/")[0] not in bare}
        assert denied <= left({**value, "unaudited": "allow"}, {}, catalog)


# --- the funnel -------------------------------------------------------------------------------

SLIP = "only: good is not a provider, add vague"
LISTED = [{"tag": tag, "provider_name": tag.partition("/")[0]} for tag in (*SAID, "new/fp8")]


def foreseen(
    rule: Mapping[str, Any],
    rows: list[dict[str, str]] = LISTED,
    said: Mapping[str, str] = SAID,
    upon: Catalog = EMPTY,
    **asked: Any,
) -> Forecast:
    catalog = known(said, upon=upon.with_listing("a/b", rows, 0))
    request = read_request(as_bytes({"model": "a/b", **asked}))
    outgoing = send(book_of(rule), {"model": "a/b", **asked}, catalog=catalog)
    by = route(book_of(rule), {"model": "a/b", **asked}, catalog=catalog)
    (found,) = forecasts(request, by, outgoing.preferences, catalog)
    return found


def test_it_is_a_line_of_the_funnel_with_its_clause() -> None:
    found = foreseen({"audited": SAME, "only": ["good", "bad"]})
    assert str(found.funnel) == "5 -> audited 2 -> only 1"
    assert {c.key for d in found.funnel.dropped[:3] for c in d.clauses} == {"audited"}
    assert {c.key for c in found.funnel.dropped[-1].clauses} == {"only"}


def test_rows_that_share_a_tag_share_its_verdict() -> None:
    found = foreseen({"audited": SAME}, [LISTED[1], LISTED[1], LISTED[3], LISTED[3]])
    assert str(found.funnel) == "4 -> audited 2"


def test_two_bars_are_two_lines() -> None:
    upon = scored({"good": {GPQA: "0.7"}, "bad": {GPQA: "0.7"}, "ref": {GPQA: "0.1"}})
    found = foreseen({"score_floor": {GPQA: 0.6}, "audited": SAME}, upon=upon)
    assert str(found.funnel) == "5 -> score_floor 2 -> audited 1"


@pytest.mark.parametrize(
    ("rule", "rows", "way"),
    [
        ({"audited": SAME}, LISTED[2:3],
         "audited.verdict: same -> not_different (allows vague/fp8)"),
        ({"audited": SAME}, LISTED[4:], "audited.unaudited: deny -> allow (allows new/fp8)"),
        ({"audited": SAME}, LISTED[3:4],
         "audited: remove it (the last audit says different) (allows bad/fp8)"),
        ({"audited": SAME}, LISTED[3:], "audited.unaudited: deny -> allow (allows new/fp8)"),
        ({"audited": {**LOOSE, "unaudited": "allow"}}, LISTED[3:4],
         "audited: remove it (the last audit says different) (allows bad/fp8)"),
        ({"audited": SAME, "only": ["good", "ref"]}, LISTED[2:3],
         f"audited.verdict: same -> not_different and {SLIP} (allows vague/fp8)"),
    ],
)  # fmt: skip
def test_the_way_out_accepts_the_endpoints_own_verdict(
    rule: dict[str, Any], rows: list[dict[str, str]], way: str
) -> None:
    assert foreseen(rule, rows).way_out == way


def test_a_way_out_may_lead_past_two_bars() -> None:
    upon = scored({"good": {GPQA: "0.7"}, "vague": {GPQA: "0.4"}})
    found = foreseen({"score_floor": {GPQA: 0.6}, "audited": SAME}, LISTED[2:3], upon=upon)
    assert found.way_out == (
        "score_floor.gpqa_diamond: 0.6 -> 0.4 and audited.verdict: same -> not_different "
        "(allows vague/fp8)"
    )


@pytest.mark.parametrize("unaudited", ["allow", "deny"])
def test_there_is_no_way_out_of_the_verdict_on_another_endpoint(unaudited: str) -> None:
    said = {"two": "different", "good/fp8": "same"}
    rows = [{"tag": "two/fp8", "provider_name": "Two"}]
    value = {"verdict": "not_different", "unaudited": unaudited}
    found = foreseen({"audited": value}, rows, said)
    assert str(found.funnel) == "1 -> audited 0"
    assert found.way_out is None
    same = foreseen({"audited": SAME}, [{"tag": "two", "provider_name": "Two"}],
                    {"two": "same", "two/fp8": "different", "good/fp8": "same"})  # fmt: skip
    assert same.way_out is None


def test_a_forecast_has_the_last_audit_of_each_endpoint_that_is_left() -> None:
    told = forecast_json(foreseen({"only": ["good", "bad", "new"]}))
    assert [(each["tag"], each["verdict"], each["against"]) for each in told["audits"]] == [
        ("good/fp8", "same", "ref/bf16"),
        ("bad/fp8", "different", "ref/bf16"),
    ]
    assert forecast_json(foreseen({"only": ["new"]}))["audits"] == []


def test_an_explanation_and_a_receipt_name_the_audits_that_were_applied() -> None:
    book = book_of({"audited": SAME, "score_floor": {GPQA: 0.1, "unscored": "allow"}})
    catalog = known(upon=scored())
    request = read_request(b'{"model": "a/b"}')
    by = routed(book, request, caller=None, user_agent="", catalog=catalog)
    told = as_json_object(explain(by), book.revision)
    assert told["audits"] == ["audited by c0ffee of 2026-11-21"]
    assert [each[:14] for each in told["scores"]] == ["score_floor by"]
    assert [bar.source for bar in by.route.bars][1:] == ["audits c0ffee of 2026-11-21"]
    (field,) = (each for each in told["fields"] if each["field"] == "provider.only")
    assert [each["key"] for each in field["from"]] == ["audited"]


def test_a_request_that_fills_the_list_itself_is_not_under_it() -> None:
    rule = {"audited": SAME, "merge": "fill"}
    assert str(foreseen(rule, provider={"only": ["bad"]}).funnel) == "5 -> only 1"
    assert str(foreseen(rule, provider={"sort": "price"}).funnel) == "5 -> audited 2"
