"""The verdict: what each kind of evidence proves, and what it leaves open."""

from decimal import Decimal
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, STALE_SECONDS, Catalog
from app.policy.tags import with_tiers
from app.policy.terms import terms_of
from app.policy.verdict.attempts import Tried
from app.policy.verdict.cost import Bill
from app.policy.verdict.judge import Served, judge, stricter
from tests.policy.listings import COMPOSED, MODEL, NOW, listed, row, rows_of

CATALOG = listed(COMPOSED)  # DeepInfra: bf16, fp4 (turbo) and fp8; Novita: fp8; Google: unknown
FP8_UP = {"quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"]}


def served(by: str | None = None, **facts: Any) -> Served:
    """An answer whose body names one provider, unless `facts` say otherwise."""
    named = {"named_by_body": (by,)} if by else {}
    tried = {"attempted": tuple(Tried(name, (MODEL,)) for name in facts.pop("attempted", ()))}
    return Served(**{"status": 200, "model": MODEL, **named, **tried, **facts})


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
    """Nothing in an answer tells two such rows apart (openrouter.md §1.3)."""
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
        (
            {"server_tools": True},
            "OpenRouter ran server tools, so the provider that it names may be wrong",
        ),
        ({"cache_hit": True}, "response cache"),
        ({"named_by_body": ()}, "the answer does not name the provider"),
        ({"named_by_router": "OpenAI"}, "the sources name different providers: Novita, OpenAI"),
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
        (("DeepInfra",), FP8_UP, "unproven"),  # one of its rows may have it
        (("Nobody Known",), {"only": ["novita"]}, "unproven"),  # its slug would be a guess
        (("Novita",), {"only": ["novita"], "max_price": {"prompt": 9}}, "kept"),
        (("Novita",), {"only": ["novita"], "max_price": {"prompt": 0.1}}, "unproven"),
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
    assert told.verdict == (None if status == 502 and expected != "broken" else expected)
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
        (EMPTY, "Novita", NOVITA, "kept", "served by Novita, which is allowed"),
        (EMPTY, "Novita", DEEPINFRA, "broken", "exclude"),
        (EMPTY, "Novita", {"ignore": with_tiers(["novita"])}, "broken", "exclude"),
        (
            EMPTY,
            "Novita",
            {"ignore": ["novita"]},
            "unproven",
            "served by Novita, but the model's endpoints have not been fetched yet",
        ),
        (
            EMPTY,
            "Novita",
            FP8_UP,
            "unproven",
            "served by Novita, but the model's endpoints have not been fetched yet",
        ),
        (
            EMPTY,
            "Novita",
            {**NOVITA, "max_price": {"prompt": 9}},
            "unproven",
            "served by Novita, but the model's endpoints have not been fetched yet",
        ),
        (
            EMPTY,
            "Novita",
            {"only": ["novita/fp8"]},
            "unproven",
            "served by Novita, but the model's endpoints have not been fetched yet",
        ),
        (
            EMPTY,
            "Google",
            {"only": ["google-vertex"]},
            "kept",
            "served by Google, which is allowed",
        ),
        (
            EMPTY,
            "New Host Inc.",
            NOVITA,
            "unproven",
            "served by New Host Inc., whose slug is not certain",
        ),
        (
            EMPTY,
            "New Host Inc.",
            {"ignore": ["novita"]},
            "unproven",
            "served by New Host Inc., whose slug is not certain",
        ),
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
    assert told.reason.endswith("; answers do not show data_collection, zdr")


# --- a strict order (T-48) --------------------------------------------------------------------

STRICT = {"order": ["novita"], "allow_fallbacks": False}


@pytest.mark.parametrize(
    ("by", "is_byok", "preferences", "expected"),
    [
        ("Novita", False, STRICT, "kept"),
        ("Novita", None, STRICT, "kept"),
        ("Together", False, STRICT, "broken"),
        ("Together", True, STRICT, "unproven"),  # own keys come before any order
        ("Together", None, STRICT, "unproven"),
        ("Together", True, {**STRICT, "only": ["novita"]}, "broken"),  # ... but not before `only`
        ("Chutes", True, {**STRICT, **FP8_UP}, "broken"),
        ("Cerebras", False, STRICT, "broken"),  # not in the listing
        ("Cerebras", None, STRICT, "unproven"),
        ("New Host Inc.", False, STRICT, "unproven"),
        ("DeepInfra", False, {"order": ["deepinfra/turbo"], "allow_fallbacks": False}, "unproven"),
        ("DeepInfra", False, {"order": ["deepinfra"], "allow_fallbacks": False}, "kept"),
        ("Google", False, {"order": ["google-vertex"], "allow_fallbacks": False}, "unproven"),
        ("Together", False, {"order": ["novita"]}, "kept"),
        ("Together", False, {"order": ["novita"], "allow_fallbacks": True}, "kept"),
        ("Together", False, {"allow_fallbacks": False}, "kept"),
    ],
)
def test_t48_an_order_without_fallbacks_is_a_list_that_nothing_may_leave(
    by: str, preferences: Any, expected: str, *, is_byok: bool | None
) -> None:
    told = judge(served(by, is_byok=is_byok), terms_of(preferences), CATALOG, now=NOW)
    assert told.verdict == expected
    assert told.awaits_bill or is_byok is not None or expected == "kept"


@pytest.mark.parametrize(
    ("by", "is_byok", "order", "expected"),
    [
        ("Novita", None, ["novita"], "kept"),
        ("Together", False, ["novita"], "broken"),
        ("Together", True, ["novita"], "unproven"),
        ("Together", None, ["novita"], "unproven"),
        ("Novita", False, ["novita/fp8"], "unproven"),
        ("New Host Inc.", False, ["novita"], "unproven"),
    ],
)
def test_t48_where_nothing_is_listed_the_name_is_held_to_the_order(
    by: str, order: list[str], expected: str, *, is_byok: bool | None
) -> None:
    strict = {"order": order, "allow_fallbacks": False}
    assert verdict(served(by, is_byok=is_byok), strict, EMPTY) == expected


def test_t48_the_reason_says_that_an_own_key_may_leave_the_order() -> None:
    own = judge(served("Together", is_byok=True), terms_of(STRICT), CATALOG, now=NOW)
    assert (
        "served by Together (together/mxfp8), listed as mxfp8, outside the strict order, "
        "through the account's own provider key (BYOK), which takes precedence over any order"
        in own.reason
    )
    untold = judge(served("Together"), terms_of(STRICT), CATALOG, now=NOW)
    assert (
        "served by Together (together/mxfp8), listed as mxfp8, outside the strict order, "
        "and OpenRouter does not report whether the account's own provider key (BYOK) was used"
        in untold.reason
    )


def test_a_row_out_of_order_beside_one_that_a_filter_bars_is_doubted_for_the_order() -> None:
    rows = [row("x/fp8", "X"), row("x/fp4", "X", "fp4")]
    terms = terms_of({**STRICT, **FP8_UP})
    assert judge(served("X", is_byok=False), terms, listed(rows), now=NOW).verdict == "broken"
    told = judge(served("X", is_byok=True), terms, listed(rows), now=NOW)
    assert (told.verdict, "outside the strict order" in told.reason) == ("unproven", True)


def test_one_endpoint_without_fallbacks_is_doubted_where_two_were_tried() -> None:
    terms = terms_of({"allow_fallbacks": False})
    alone = judge(served("Novita"), terms, CATALOG, now=NOW)
    assert alone.verdict == "kept"
    assert "served by Novita; answers do not show allow_fallbacks" in alone.reason
    tried = judge(served("Novita", attempted=("Groq",)), terms, CATALOG, now=NOW)
    assert (tried.verdict, "more than one endpoint" in tried.reason) == ("unproven", True)
    other = Served(
        status=200,
        model=MODEL,
        named_by_body=("Novita",),
        attempted=(Tried("Groq", ("acme/other",)),),
    )
    assert judge(other, terms, CATALOG, now=NOW).verdict == "kept"


# --- failed attempts at other models (T-59) ---------------------------------------------------

TWO = CATALOG.with_listing("acme/two", [row("chutes/fp8", "Chutes"), row("x/fp4", "X", "fp4")], NOW)


@pytest.mark.parametrize(
    ("tried", "preferences", "expected"),
    [
        (Tried("Chutes", ("acme/two",)), {"ignore": ["chutes"]}, "broken"),
        (Tried("Chutes", ("acme/two",)), FP8_UP, "kept"),  # fp8 there, int4 at the first model
        (Tried("Chutes", (MODEL,)), FP8_UP, "broken"),
        (Tried("Chutes", (MODEL, "acme/two")), FP8_UP, "unproven"),  # at which isn't told
        (Tried("Chutes", (MODEL, "acme/two")), {"ignore": ["chutes"]}, "broken"),
        (Tried("X", ("acme/two",)), FP8_UP, "broken"),
        (Tried("Groq", ("acme/unlisted",)), {"ignore": with_tiers(["groq"])}, "broken"),
        (Tried("Groq", ("acme/unlisted",)), {"ignore": ["groq"]}, "unproven"),
        (Tried("Groq", ("acme/unlisted",)), FP8_UP, "unproven"),
        (Tried("Groq", ("acme/unlisted",)), STRICT, "unproven"),
        (Tried("Novita", (MODEL,)), STRICT, "kept"),
        (Tried("Together", (MODEL,)), STRICT, "unproven"),  # perhaps by an own key
        (Tried("Novita", ("acme/unlisted",)), {"max_price": {"prompt": 9}}, "unproven"),
    ],
)
def test_t59_a_failed_attempt_is_judged_at_the_model_it_was_made_at(
    tried: Tried, preferences: Any, expected: str
) -> None:
    answer = Served(status=200, model=MODEL, named_by_body=("Novita",), attempted=(tried,))
    told = judge(answer, terms_of(preferences), TWO, now=NOW)
    assert told.verdict == expected
    if expected != "kept":
        assert tried.provider in told.reason


# --- errors, and answers that can't be read ---------------------------------------------------


def test_t51_an_error_in_place_of_an_answer_has_no_verdict() -> None:
    for by in ("Novita", None):
        told = judge(served(by, failed=True), terms_of(NOVITA), CATALOG, now=NOW)
        assert (told.verdict, told.reason) == (None, "OpenRouter answered with an error")
    tried = served(failed=True, attempted=("Groq",))
    assert judge(tried, terms_of(NOVITA), CATALOG, now=NOW).verdict == "broken"


def test_why_an_answer_could_not_be_read_is_the_reason() -> None:
    told = judge(
        served(unreadable="the answer is compressed (br)"), terms_of(NOVITA), CATALOG, now=NOW
    )
    assert told.verdict == "unproven"
    assert told.reason == "the provider is not known, because the answer is compressed (br)"
    named = served("Novita", unreadable="an event is not JSON")
    assert judge(named, terms_of(NOVITA), CATALOG, now=NOW).verdict == "kept"


def test_an_answer_that_was_not_read_to_the_end_may_name_another_provider_there() -> None:
    facts: dict[str, Any] = {"unreadable": "an event is larger than 8 MB", "partly_read": True}
    told = judge(served("Novita", **facts), terms_of(NOVITA), CATALOG, now=NOW)
    assert told.verdict == "unproven"
    assert told.reason == (
        "part of the answer could not be read, because an event is larger than 8 MB; "
        "another provider may be named there"
    )
    assert verdict(served("Novita", **facts, attempted=("Groq",)), NOVITA) == "broken"


# --- what the bill may still decide, and what rests on a listing ------------------------------


@pytest.mark.parametrize(
    ("by", "preferences", "awaits"),
    [
        ("DeepInfra", FP8_UP, True),  # bf16, fp8 and fp4 at three prices
        ("Novita", {"max_price": {"prompt": 0.2}}, True),  # listed above, and prices change
        ("DeepInfra", {"quantizations": ["fp4", "fp8", "bf16"]}, False),  # kept
        ("DeepInfra", {"quantizations": ["fp32"]}, False),  # broken
        ("Cerebras", FP8_UP, False),  # a bill is no help where nothing is listed
    ],
)
def test_an_answer_is_worth_waiting_for_where_its_bill_may_decide(
    by: str, preferences: Any, *, awaits: bool
) -> None:
    assert judge(served(by), terms_of(preferences), CATALOG, now=NOW).awaits_bill is awaits
    early = served(by, is_byok=False)  # the router's account may come before the bill
    assert judge(early, terms_of(preferences), CATALOG, now=NOW).awaits_bill is awaits
    billed = served(by, billed=True)
    assert not judge(billed, terms_of(preferences), CATALOG, now=NOW).awaits_bill


def test_two_rows_at_one_price_are_not_worth_waiting_for() -> None:
    twins = listed([row("baseten/fp8", "BaseTen"), row("baseten/fp4", "BaseTen", "fp4")])
    assert not judge(served("BaseTen"), terms_of(FP8_UP), twins, now=NOW).awaits_bill


def test_a_label_accuses_only_as_of_the_listing_it_was_read_from() -> None:
    told = judge(served("Chutes"), terms_of(FP8_UP), CATALOG, now=NOW)
    assert told.rests_on == (MODEL, NOW - 60)
    assert told.as_of(NOW - 60) is told
    later = told.as_of(NOW)
    assert (later.verdict, later.rests_on) == ("unproven", None)
    assert (
        "served by Chutes (chutes/int4), listed as int4, outside the policy; but the "
        "listing is older than the request and could not be refreshed" in later.reason
    )
    tried = judge(served("Novita", attempted=("Chutes",)), terms_of(FP8_UP), CATALOG, now=NOW)
    assert tried.rests_on == (MODEL, NOW - 60)


@pytest.mark.parametrize("preferences", [DEEPINFRA, {"ignore": with_tiers(["novita"])}])
def test_a_name_accuses_whatever_is_listed(preferences: Any) -> None:
    told = judge(served("Novita"), terms_of(preferences), CATALOG, now=NOW)
    assert (told.verdict, told.rests_on) == ("broken", None)
    tried = judge(served("Novita", attempted=("Groq",)), terms_of(NOVITA), CATALOG, now=NOW)
    assert (tried.verdict, tried.rests_on) == ("broken", None)
    assert tried.as_of(NOW + 1) is tried


def test_t58_a_policy_that_ignores_openai_is_broken_by_its_priority_tier() -> None:
    rows = [row("openai", "OpenAI", "unknown"), row("openai/priority", "OpenAI", "unknown")]
    ignored = terms_of({"ignore": with_tiers(["openai"])})
    assert judge(served("OpenAI"), ignored, listed(rows), now=NOW).verdict == "broken"
    bare = terms_of({"ignore": ["openai"]})
    assert judge(served("OpenAI"), bare, listed(rows), now=NOW).verdict == "unproven"


def test_a_family_of_labels_proves_nothing_either_way() -> None:
    mx = listed([row("x/mxfp8", "X", "mxfp8")])
    assert verdict(served("X"), {"quantizations": ["fp8"]}, mx) == "unproven"
    assert verdict(served("X"), FP8_UP, mx) == "kept"
    assert verdict(served("X"), {"quantizations": ["fp16"]}, mx) == "broken"


def test_t57_the_rules_of_a_model_that_a_router_picked_prove_nothing_that_was_not_sent() -> None:
    kept = judge(served("Novita"), terms_of(NOVITA), CATALOG, now=NOW)
    assert stricter(kept, kept, MODEL, "").verdict == "kept"
    unasked = stricter(kept, kept, MODEL, "zdr")
    assert unasked.verdict == "unproven"
    assert unasked.reason.endswith(f"and the request did not require zdr (the rules for {MODEL})")
    broken = judge(served("Novita"), terms_of(DEEPINFRA), CATALOG, now=NOW)
    assert stricter(broken, kept, MODEL, "zdr") is broken
