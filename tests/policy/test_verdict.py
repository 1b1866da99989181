"""The verdict: what each kind of evidence proves, and what it leaves open."""

from decimal import Decimal
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.compliance import terms_of
from app.policy.cost import Bill
from app.policy.verdict import STALE_SECONDS, Served, judge
from tests.policy.listings import COMPOSED, MODEL, NOW, listed, row, rows_of

CATALOG = listed(COMPOSED)  # DeepInfra: bf16, fp4 (turbo) and fp8; Novita: fp8; Google: unknown
FP8_UP = {"quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"]}


def served(by: str | None = None, **facts: Any) -> Served:
    """An answer whose body names one provider, unless `facts` say otherwise."""
    named = {"named_by_body": (by,)} if by else {}
    return Served(**{"status": 200, "model": MODEL, **named, **facts})


def verdict(answer: Served, preferences: Any, catalog: Catalog = CATALOG) -> str | None:
    return judge(answer, terms_of(preferences), catalog, now=NOW).verdict


NOVITA, DEEPINFRA = {"only": ["novita"]}, {"only": ["deepinfra"]}


@pytest.mark.parametrize(
    ("body", "router", "preferences", "expected", "evidence"),
    [
        (("Novita",), "Novita", NOVITA, "kept", ("router_metadata", "body.provider", "catalog")),
        (("Novita",), "Novita", DEEPINFRA, "broken", None),
        (("Novita", "Novita"), None, NOVITA, "kept", ("body.provider", "catalog")),
        ((), "Novita", NOVITA, "kept", ("router_metadata", "catalog")),
        ((), "Novita", DEEPINFRA, "broken", ("router_metadata", "catalog")),
        (("novita",), "NOVITA", NOVITA, "kept", None),
        (("OpenAI",), "Novita", NOVITA, "unproven", ("router_metadata", "body.provider")),
        (("Novita",), "DeepInfra", NOVITA, "unproven", None),
        (("Novita", "DeepInfra"), None, NOVITA, "unproven", ("body.provider",)),
        ((), None, NOVITA, "unproven", ()),
    ],
)
def test_metadata_and_body_agree_disagree_or_are_missing(
    body: tuple[str, ...],
    router: str | None,
    preferences: Any,
    expected: str,
    evidence: tuple[str, ...] | None,
) -> None:
    told = judge(
        served(named_by_body=body, named_by_router=router), terms_of(preferences), CATALOG, now=NOW
    )
    assert told.verdict == expected
    assert evidence in {None, told.evidence}


@pytest.mark.parametrize(
    ("by", "preferences", "expected"),
    [
        ("Novita", FP8_UP, "kept"),
        ("Together", FP8_UP, "kept"),
        ("Chutes", FP8_UP, "broken"),  # int4
        ("Google", FP8_UP, "broken"),  # every row is `unknown`, and that isn't listed
        ("Google", {"quantizations": ["unknown"]}, "kept"),
        ("Mistral", {"quantizations": ["unknown"]}, "broken"),  # null matches nothing
        ("DeepInfra", FP8_UP, "unproven"),  # bf16, fp8 and fp4, and no bill
        ("DeepInfra", {"quantizations": ["fp4", "fp8", "bf16"]}, "kept"),
        ("DeepInfra", {"quantizations": ["fp32"]}, "broken"),
        ("DeepInfra", {"only": ["deepinfra/fp8"]}, "unproven"),
        ("DeepInfra", {"ignore": ["deepinfra/turbo"], **FP8_UP}, "unproven"),
        ("Google", {"only": ["google-vertex"]}, "unproven"),  # the flex row isn't covered
        ("Novita", {"max_price": {"prompt": 0.3, "completion": 1.2}}, "kept"),
        ("Novita", {"max_price": {"prompt": 0.2}}, "unproven"),
    ],
)
def test_every_row_of_the_provider_has_to_agree(by: str, preferences: Any, expected: str) -> None:
    assert verdict(served(by), preferences) == expected


def paid(prompt: str, completion: str, tokens: tuple[int, int, int] = (1000, 0, 100)) -> Bill:
    return Bill(*tokens, Decimal(prompt), Decimal(completion))


@pytest.mark.parametrize(
    ("bill", "preferences", "expected", "labels"),
    [
        (paid("0.0003", "0.00012"), FP8_UP, "kept", ("bf16",)),
        (paid("0.0002", "0.00008"), FP8_UP, "kept", ("fp8",)),
        (paid("0.0001", "0.00004"), FP8_UP, "broken", ("fp4",)),
        (paid("0.00022", "0.00008"), FP8_UP, "unproven", ("bf16", "fp4", "fp8")),
        (paid("0", "0"), FP8_UP, "unproven", ("bf16", "fp4", "fp8")),
        (paid("0.0002", "0.00008"), {"only": ["deepinfra/turbo"]}, "broken", ("fp8",)),
        (paid("0.0001", "0.00004"), {"only": ["deepinfra/turbo"]}, "kept", ("fp4",)),
        # the cap is above one row and below another; the bill says which of them it was
        (paid("0.0003", "0.00012"), {"max_price": {"prompt": 0.25}}, "broken", ("bf16",)),
        (paid("0.0002", "0.00008"), {"max_price": {"prompt": 0.25}}, "kept", ("fp8",)),
    ],
)
def test_exact_cost_singles_out_the_row_among_several(
    bill: Bill, preferences: Any, expected: str, labels: tuple[str, ...]
) -> None:
    told = judge(served("DeepInfra", bill=bill), terms_of(preferences), CATALOG, now=NOW)
    assert (told.verdict, told.quantizations_listed) == (expected, labels)
    assert ("cost" in told.evidence) == (len(labels) == 1)


def test_two_rows_at_one_price_stay_unproven() -> None:
    """Nothing in an answer tells two such rows apart (contract §1.3)."""
    twins = listed([row("baseten/fp8", "BaseTen"), row("baseten/fp4", "BaseTen", "fp4")])
    answer = served("BaseTen", bill=paid("0.001", "0.0002"))
    assert verdict(answer, FP8_UP, twins) == "unproven"
    assert verdict(answer, {"quantizations": ["fp4", "fp8"]}, twins) == "kept"


def test_a_row_whose_price_varies_is_never_ruled_out_by_cost() -> None:
    rows = [row("x/fp8", "X"), row("x/fp4", "X", "fp4", overrides=[{"utc_start": 0}])]
    assert verdict(served("X", bill=paid("0.001", "0.0002")), FP8_UP, listed(rows)) == "unproven"


def test_a_real_listing_and_its_fast_row_are_told_apart() -> None:
    """BaseTen: two rows `baseten/fp8` at 0.3/1.2, and `baseten/fast`, fp32, at 0.6/2.4."""
    catalog = listed(rows_of("deepseek-v4.1-flash_2026-10-02.json"))
    floor = {"quantizations": ["fp32"]}
    assert verdict(served("BaseTen", bill=paid("0.0006", "0.00024")), floor, catalog) == "kept"
    assert verdict(served("BaseTen", bill=paid("0.0003", "0.00012")), floor, catalog) == "broken"
    assert verdict(served("BaseTen"), floor, catalog) == "unproven"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"server_tools": True}, "tools of its own"),
        ({"cache_hit": True}, "response cache"),
        ({"named_by_body": ()}, "nothing in the answer names"),
        ({"named_by_router": "OpenAI"}, "more than one provider: Novita, OpenAI"),
    ],
)
@pytest.mark.parametrize("preferences", [NOVITA, DEEPINFRA, FP8_UP, {"sort": "price"}])
def test_doubt_about_the_evidence_proves_nothing_either_way(
    facts: dict[str, Any], why: str, preferences: Any
) -> None:
    told = judge(served("Novita", **facts), terms_of(preferences), CATALOG, now=NOW)
    assert told.verdict == "unproven"
    assert why in told.reason


@pytest.mark.parametrize(
    ("attempted", "preferences", "expected"),
    [
        (("DeepInfra",), NOVITA, "broken"),
        (("Novita",), NOVITA, "kept"),
        (("Novita", "Chutes"), {"ignore": ["chutes"]}, "broken"),
        (("Chutes",), FP8_UP, "broken"),
        (("DeepInfra",), FP8_UP, "kept"),  # one of its rows may have it
        (("Nobody Known",), {"only": ["novita"]}, "kept"),  # its slug would be a guess
        (("OpenAI",), {"only": ["novita"]}, "broken"),
        (("Groq",), {"order": ["novita"]}, "kept"),  # a wish
    ],
)
@pytest.mark.parametrize("status", [200, 502])
def test_a_failed_attempt_outside_the_policy_breaks_it(
    attempted: tuple[str, ...], preferences: Any, expected: str, status: int
) -> None:
    told = judge(
        served("Novita", attempted=attempted, status=status),
        terms_of(preferences),
        CATALOG,
        now=NOW,
    )
    assert told.verdict == (None if status == 502 and expected == "kept" else expected)
    if expected == "broken":
        assert attempted[-1] in told.reason


@pytest.mark.parametrize("preferences", [None, {}])
def test_without_preferences_there_is_nothing_to_judge(preferences: Any) -> None:
    told = judge(served("Novita", attempted=("Chutes",)), terms_of(preferences), CATALOG, now=NOW)
    assert told.verdict is None
    assert (told.provider, told.quantizations_listed) == ("novita", ("fp8",))


@pytest.mark.parametrize(
    ("catalog", "by", "preferences", "expected", "why"),
    [
        (EMPTY, "Novita", NOVITA, "kept", "may serve"),
        (EMPTY, "Novita", DEEPINFRA, "broken", "exclude"),
        (EMPTY, "Novita", {"ignore": ["novita"]}, "broken", "exclude"),
        (EMPTY, "Novita", FP8_UP, "unproven", "not been listed yet"),
        (EMPTY, "Novita", {**NOVITA, "max_price": {"prompt": 9}}, "unproven", "not been listed"),
        (EMPTY, "Novita", {"only": ["novita/fp8"]}, "unproven", "not been listed yet"),
        (EMPTY, "Google", {"only": ["google-vertex"]}, "kept", "may serve"),
        (EMPTY, "New Host Inc.", NOVITA, "unproven", "slug is not known"),
        (EMPTY, "New Host Inc.", {"ignore": ["novita"]}, "unproven", "slug is not known"),
        (CATALOG, "Cerebras", FP8_UP, "unproven", "not in the listing"),
        (CATALOG, "Cerebras", NOVITA, "broken", "exclude"),
    ],
)
def test_where_its_rows_are_not_known_the_name_has_to_do(
    catalog: Catalog, by: str, preferences: Any, expected: str, why: str
) -> None:
    told = judge(served(by), terms_of(preferences), catalog, now=NOW)
    assert told.verdict == expected
    assert why in told.reason


@pytest.mark.parametrize(
    ("age", "expected"), [(0, "broken"), (STALE_SECONDS, "broken"), (STALE_SECONDS + 1, "unproven")]
)
def test_labels_drift_so_an_old_listing_judges_no_quantization(age: float, expected: str) -> None:
    drifted = listed([row("chutes", "Chutes", "int4")], age=age)
    told = judge(served("Chutes"), terms_of(FP8_UP), drifted, now=NOW)
    assert told.verdict == expected
    attempt = judge(served("Novita", attempted=("Chutes",)), terms_of(FP8_UP), drifted, now=NOW)
    assert (attempt.verdict == "broken") == (expected == "broken")


def test_an_old_listing_still_tells_whose_name_it_is() -> None:
    stale = listed([row("new-host/fp8", "New Host Inc.")], age=30 * 3600)
    assert verdict(served("New Host Inc."), {"only": ["new-host"]}, stale) == "kept"
    assert verdict(served("New Host Inc."), NOVITA, stale) == "broken"
    told = judge(served("New Host Inc."), terms_of(FP8_UP), stale, now=NOW)
    assert "30 hours old" in told.reason


@pytest.mark.parametrize(
    "wish",
    [
        {"order": ["deepinfra"]},
        {"sort": "price"},
        {"preferred_min_throughput": 1000},
        {"order": ["deepinfra"], "allow_fallbacks": True},
        {"only": [], "quantizations": None},
    ],
)
def test_a_wish_is_never_broken(wish: dict[str, Any]) -> None:
    assert verdict(served("Novita"), wish) == "kept"
    assert verdict(served("New Host Inc."), wish, EMPTY) == "kept"


@pytest.mark.parametrize("catalog", [CATALOG, EMPTY])
def test_clauses_that_no_answer_shows_are_named_and_do_not_prevent_kept(catalog: Catalog) -> None:
    private = {**NOVITA, "zdr": True, "data_collection": "deny"}
    told = judge(served("Novita"), terms_of(private), catalog, now=NOW)
    assert told.verdict == "kept"
    assert told.reason.endswith("; no answer can show data_collection, zdr")
