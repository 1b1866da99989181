"""Lint: what a sound book says that will not do what it seems to say."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.lint.checks import CHECKS, lint
from tests.policy.listings import MODEL, listed, row
from tests.policy.sending import book_of

ROWS = [row("novita/fp8", "Novita"), row("deepinfra/fp4", "DeepInfra", "fp4")]
TWO = [*ROWS, row("deepinfra/bf16", "DeepInfra", "bf16")]
KNOWN = listed(TWO).with_models(
    [{"id": slug, "hugging_face_id": "a/b"} for slug in (MODEL, "acme/sim-1.5")]
)
PROVIDERS = KNOWN.with_providers([{"slug": "novita"}, {"slug": "deepinfra"}, "junk", {"slug": 3}])


def found(*rules: dict[str, Any], catalog: Catalog = EMPTY, **more: Any) -> list[tuple[str, str]]:
    """Each finding's severity and code."""
    return [(each.severity, each.code) for each in lint(book_of(*rules, **more), catalog)]


def said(code: str, *rules: dict[str, Any], catalog: Catalog = EMPTY, **more: Any) -> str:
    """The message of the one finding of a code."""
    (message,) = [
        each.message for each in lint(book_of(*rules, **more), catalog) if each.code == code
    ]
    return message


def test_an_empty_book_has_nothing_to_say() -> None:
    assert lint(book_of()) == ()
    assert lint(book_of(), PROVIDERS) == ()


def test_codes_are_told_apart() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS)


def test_a_finding_begins_with_its_place_and_ends_with_its_code() -> None:
    (finding,) = lint(book_of({"models": [MODEL], "order": ["novta", "together"], "sort": None}))[
        :1
    ]
    assert str(finding).startswith("test.yaml:1: note: rules.rule-0.order: ")
    assert str(finding).endswith("[order-without-stickiness]")


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("novta", "did you mean novita?"),
        ("novta/fp8", "did you mean novita?"),
        ("atlascloud", "did you mean atlas-cloud?"),  # its display name
        ("qqqqqqqqqq", "GET /api/v1/providers"),
    ],
)
@pytest.mark.parametrize("key", ["only", "order", "pin", "ignore"])
def test_unknown_providers_are_named_with_who_may_be_meant(
    key: str, entry: str, meant: str
) -> None:
    rule = {"models": [MODEL], key: [entry, "novita"], "quantization_floor": "fp8"}
    assert ("warning", "unknown-provider") in found(rule)
    assert meant in said("unknown-provider", rule)


def test_with_a_list_of_providers_an_unknown_one_is_an_error() -> None:
    rule = {"models": [MODEL], "ignore": ["together"]}  # it is on the shipped list
    assert found(rule) == []
    assert ("error", "unknown-provider") in found(rule, catalog=PROVIDERS)
    assert found({"models": [MODEL], "ignore": ["novita"]}, catalog=PROVIDERS) == []


def test_options_are_looked_at_as_well() -> None:
    assert found({"models": [MODEL], "options": {"novta": {}}}) == [("warning", "unknown-provider")]


@pytest.mark.parametrize(
    ("key", "entry", "message"),
    [
        (
            "only",
            "novita/fp4",
            "novita/fp4 is not an endpoint of acme/sim-1; novita offers novita/fp8",
        ),
        ("order", "deepinfra/turbo", "deepinfra offers deepinfra/bf16, deepinfra/fp4"),
        ("only", "together", "together is not an endpoint of acme/sim-1"),
        ("ignore", "novita/turbo", "novita offers novita/fp8"),
    ],
)
def test_entries_that_name_no_endpoint_are_told(key: str, entry: str, message: str) -> None:
    rule = {"models": [MODEL], key: [entry, "novita", "deepinfra"][: 1 if key == "ignore" else 3]}
    assert message in said("unmatched-entry", rule, catalog=KNOWN)


def test_ignoring_somebody_who_is_not_there_is_prudent() -> None:
    assert found({"models": [MODEL], "ignore": ["together"]}, catalog=KNOWN) == []


def test_an_alias_is_held_to_the_model_it_stands_for() -> None:
    aliases = {"quick": {"model": MODEL, "preferences": {"only": ["novita/fp4", "deepinfra"]}}}
    assert said("unmatched-entry", aliases=aliases, catalog=KNOWN).startswith("novita/fp4")
    elsewhere = {"quick": {"model": "acme/unlisted", "preferences": {"only": ["novita/fp4"]}}}
    codes = [code for _, code in found(aliases=elsewhere, catalog=KNOWN)]
    assert "unmatched-entry" not in codes


@pytest.mark.parametrize(
    ("pattern", "fine"),
    [
        (MODEL, True),
        (f"{MODEL}:nitro", True),
        ("acme/*", True),
        ("*:online", True),
        ("acme/sim-2", False),
        ("acme/sim-1:batch", False),
        ("other/*", False),
        ("@preset/*", True),
    ],
)
def test_patterns_that_match_no_listed_model_are_told(pattern: str, *, fine: bool) -> None:
    codes = [code for _, code in found({"models": [pattern], "zdr": True}, catalog=KNOWN)]
    assert ("unknown-model" not in codes) is fine
    assert "unknown-model" not in [code for _, code in found({"models": [pattern], "zdr": True})]


def test_a_misspelled_model_gets_the_one_that_may_be_meant() -> None:
    rule = {"models": ["acme/sim-11"], "zdr": True}
    assert "did you mean acme/sim-1" in said("unknown-model", rule, catalog=KNOWN)


@pytest.mark.parametrize(
    ("model", "fine"),
    [
        (MODEL, True),
        (f"{MODEL}:floor", True),
        ("acme/sim-1-5", True),  # OpenRouter takes dashes for dots
        ("acme/sim-1-20261001", True),
        ("acme/sim-2", False),
        ("qqqqqqqqqq/qqqqqqqqqqqq", False),
    ],
)
def test_an_alias_needs_a_model_that_there_is(model: str, *, fine: bool) -> None:
    catalog = KNOWN.with_models([{"id": MODEL, "canonical_slug": "acme/sim-1-20261001"}])
    aliases = {"quick": {"model": model}}
    assert (("error", "unknown-alias-model") not in found(aliases=aliases, catalog=catalog)) is fine
    assert found(aliases=aliases) == []


# --- pins, orders, proof ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "warned"),
    [
        ({"pin": ["deepinfra"]}, True),
        ({"pin": ["deepinfra/fp8"]}, False),
        ({"pin": ["deepinfra"], "quantization_floor": "fp8"}, False),
        ({"pin": ["deepinfra"], "quantizations": ["fp8"]}, False),
        ({"only": ["deepinfra"]}, False),
        ({"pin": ["acme"]}, False),  # nobody should know better than the author
        ({"pin": ["anthropic"], "models": ["anthropic/*"]}, False),  # no weights, no choice
    ],
)
def test_a_pin_without_precision(rule: dict[str, Any], *, warned: bool) -> None:
    codes = [code for _, code in found({"models": ["acme/*"], **rule})]
    assert ("pin-without-precision" in codes) is warned


def test_a_floor_of_another_rule_counts_for_a_pin() -> None:
    wide = {"models": ["*"], "quantization_floor": "fp8"}
    assert found(wide, {"models": ["acme/?im"], "pin": ["deepinfra"]}) == []


def test_where_all_endpoints_of_the_provider_are_alike_a_pin_needs_no_floor() -> None:
    for provider, warned in (("novita", False), ("deepinfra", True)):
        codes = [c for _, c in found({"models": [MODEL], "pin": [provider]}, catalog=KNOWN)]
        assert ("pin-without-precision" in codes) is warned


@pytest.mark.parametrize(
    ("rule", "noted"),
    [
        ({"order": ["novita"]}, True),
        ({"pin": ["novita/fp8", "together/fp8"]}, True),
        ({"pin": ["novita/fp8"]}, False),
        ({"only": ["novita", "together"]}, False),
    ],
)
def test_an_order_ends_stickiness(rule: dict[str, Any], *, noted: bool) -> None:
    assert (("note", "order-without-stickiness") in found({"models": [MODEL], **rule})) is noted


@pytest.mark.parametrize(
    ("rule", "expected", "word"),
    [
        ({"on_violation": "log"}, [], ""),
        ({"on_violation": "block"}, ["note"], "held back until then"),
        ({"on_violation": "block", "router_metadata": False}, ["warning"], "nothing is blocked"),
        (
            {"on_violation": "block_unproven", "router_metadata": False},
            ["warning"],
            "every answer is refused",
        ),
    ],
)
def test_blocking_where_proof_comes_late(
    rule: dict[str, Any], expected: list[str], word: str
) -> None:
    findings = lint(book_of({"models": [MODEL], **rule}))
    assert [each.severity for each in findings if each.code == "late-evidence"] == expected
    assert all(word in each.message for each in findings)


def test_a_label_without_a_rank_is_told_where_a_floor_meets_it() -> None:
    catalog = listed([*ROWS, row("groq", "Groq", "q5_k"), row("azure", "Azure", None)])
    rule = {"models": [MODEL], "quantization_floor": "fp4"}
    assert (
        "acme/sim-1 is listed with q5_k, which is not on the ladder, so it never passes; "
        "add it in the file: ladder: {q5_k: BITS}" in said("unranked-label", rule, catalog=catalog)
    )
    codes = [code for _, code in found(rule, catalog=catalog, ladder={"q5_k": 5.5})]
    assert "unranked-label" not in codes
    explicit = {"models": [MODEL], "quantizations": ["fp8"]}
    assert "unranked-label" not in [code for _, code in found(explicit, catalog=catalog)]


@pytest.mark.parametrize(
    ("prices", "found"), [(("0.000001", "0.000002"), True), (("0.000001", "0.000001"), False)]
)
def test_streams_that_only_a_bill_decides_are_told_of(
    prices: tuple[str, str], *, found: bool
) -> None:
    rows = [row("x/fp8", "X", prompt=prices[0]), row("x/fp4", "X", "fp4", prompt=prices[1])]
    rule = {"models": [MODEL], "quantization_floor": "fp8", "on_violation": "block"}
    told = "".join(each.message for each in lint(book_of(rule), listed(rows)))
    assert ("x has endpoints inside and outside" in told) is found


ZDR = {"name": "a", "models": ["acme/*"], "zdr": True}


@pytest.mark.parametrize(
    ("over", "shadowed"),
    [
        ({}, True),
        ({"data_collection": "deny"}, True),
        ({"models": ["acme/*", "b/c"]}, True),
        ({"zdr": None, "data_collection": "deny"}, False),
        ({"models": ["acme/sim-*"]}, False),
        ({"models": ["*"]}, False),
        ({"callers": ["bob"]}, False),
        ({"user_agents": ["x/*"]}, False),
        ({"headers": {"x-a": "*"}}, False),
    ],
    ids=str,
)
def test_a_rule_that_never_decides_is_found(over: dict[str, Any], shadowed: bool) -> None:  # noqa: FBT001
    again = {key: value for key, value in {**ZDR, "name": "b", **over}.items() if value is not None}
    assert (("warning", "shadowed-rule") in found(ZDR, again)) is shadowed


def test_several_rules_together_may_shadow_one() -> None:
    wide = {**ZDR, "models": ["a/b", "a/c"], "pin": ["novita"]}
    one = {"name": "b", "models": ["a/b"], "zdr": False, "only": ["x"], "order": ["y"]}
    assert ("warning", "shadowed-rule") not in found(wide, one)
    two = {**one, "name": "c", "models": ["a/c"]}
    assert said("shadowed-rule", wide, one, two).startswith(
        'this rule never decides anything: wherever it applies, "b", "c" is more specific'
    )


def test_a_rule_for_fewer_callers_is_above_only_for_them() -> None:
    theirs = {**ZDR, "callers": ["bob"]}
    same = {**ZDR, "name": "b", "callers": ["bob", "eve"]}
    assert "this rule never decides" in said("shadowed-rule", theirs, same)
    assert not found({**theirs, "callers": ["bob", "eve"]}, {**same, "callers": ["bob"]})


@pytest.mark.parametrize(
    ("above", "below", "shadowed"),
    [
        ({"x-a": "1"}, {"x-a": "1"}, True),
        ({"X-A": "1"}, {"x-a": "1"}, True),
        ({"x-a": "*"}, {"x-a": "1"}, True),
        ({"x-a": "1"}, {"x-a": "*"}, False),
        ({"x-a": "1"}, {"x-b": "1"}, False),
        ({"x-a": "*"}, {"x-b": "*"}, False),
        ({"x-a": "*", "x-b": "*"}, {"x-a": "*", "x-b": "1"}, True),
        ({"x-a": "*"}, {"x-a": "*", "x-b": "*"}, False),  # more headers: more specific
    ],
)
def test_a_rule_for_headers_is_above_another_only_if_it_requires_no_more(
    above: dict[str, str],
    below: dict[str, str],
    shadowed: bool,  # noqa: FBT001
) -> None:
    under = {**ZDR, "name": "b", "headers": below}
    over = {**ZDR, "headers": above}
    assert (("warning", "shadowed-rule") in found(under, over)) is shadowed


def test_an_exact_name_is_above_a_later_glob_and_variants_are_seen() -> None:
    exact = {**ZDR, "models": ["acme/sim-1:free"]}
    assert not found(exact, {**ZDR, "name": "b"})
    assert said("shadowed-rule", exact, {**ZDR, "name": "b", "models": ["acme/sim-1:free"]})


def test_a_rule_that_an_alias_names_decides_for_the_alias() -> None:
    aliases = {"quick": {"model": "acme/sim-1", "rule": "a"}}
    assert not found(ZDR, {**ZDR, "name": "b"}, aliases=aliases)
