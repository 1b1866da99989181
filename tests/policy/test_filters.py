"""Each filter: whom it lets through, whom it doesn't, and what can't be told."""

from typing import Any

import pytest

from app.catalog.endpoint import Endpoint
from app.catalog.model import Model
from app.policy.filters import Asked
from app.policy.forecast.funnel import funnel
from app.policy.requirements import Needs
from tests.policy.listings import row
from tests.policy.reading import read

SEES = Model("acme/sim-1", None, frozenset({"text", "image"}), frozenset({"text"}))
READS = Model("acme/sim-1", None, frozenset({"text"}), frozenset({"text"}))


def offers(*tags: str, **fields: Any) -> list[Endpoint]:
    return [offer(tag, **fields) for tag in tags]


def offer(tag: str, quantization: str | None = "fp8", **fields: Any) -> Endpoint:
    return read({**row(tag, tag.partition("/")[0].title(), quantization), **fields})


def left(endpoints: list[Endpoint], /, **asked: Any) -> list[str]:
    needs = {name: asked.pop(name) for name in ("variants", "needs", "model") if name in asked}
    return [e.tag for e in funnel(endpoints, Asked(preferences=asked, **needs)).survivors]


# --- names (openrouter.md §1.3) ---------------------------------------------------------------

HOSTS = offers("deepinfra", "deepinfra/fp8", "openai", "openai/priority", "novita/fp4")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("deepinfra", ["deepinfra", "deepinfra/fp8"]),
        ("deepinfra/fp8", ["deepinfra/fp8"]),
        ("openai", ["openai"]),  # a base slug never means a service tier
        ("openai/priority", ["openai/priority"]),
        ("provider not named", []),
    ],
)
def test_a_base_slug_means_its_provider_and_a_tag_itself(entry: str, expected: list[str]) -> None:
    assert left(HOSTS, only=[entry]) == expected
    untiered = [e.tag for e in HOSTS if not e.tier]
    assert left(HOSTS, ignore=[entry]) == [tag for tag in untiered if tag not in expected]


@pytest.mark.parametrize("entry", ["Deepinfra", "DeepInfra/FP8", "Novita Inc"])
def test_a_display_name_or_another_case_may_or_may_not_match(entry: str) -> None:
    """Sources disagree (openrouter.md §1.3), so nobody falls by it, and the funnel says so."""
    endpoints = [*HOSTS, offer("novita/bf16", provider_name="Novita Inc")]
    for field in ("only", "ignore"):
        found = funnel(endpoints, Asked({field: [entry]}))
        assert field in found.unsure
        (step,) = [step for step in found.steps if step.filter == field]
        assert str(step).endswith("?")


def test_empty_and_null_lists_filter_nothing() -> None:
    plain = left(HOSTS)
    assert left(HOSTS, only=[], ignore=None, quantizations=[], order=[], max_price=None) == plain
    assert left(HOSTS, only="deepinfra", max_price=3) == plain  # upstream's to refuse, not ours


def test_order_is_no_filter_unless_nothing_may_leave_it() -> None:
    assert left(HOSTS, order=["novita"]) == left(HOSTS)
    assert left(HOSTS, order=["novita"], allow_fallbacks=False) == ["novita/fp4"]
    assert left(HOSTS, order=["nobody"], allow_fallbacks=False) == []
    assert left(HOSTS, allow_fallbacks=False) == left(HOSTS)  # one of these; nobody knows which


# --- tiers (openrouter.md §2.7) ---------------------------------------------------------------

TIERS = offers("openai", "openai/priority", "openai/flex", "openai/ultrafast")


@pytest.mark.parametrize(
    ("tier", "variants", "expected"),
    [
        (None, (), ["openai"]),
        ("priority", (), ["openai", "openai/priority"]),
        ("fast", (), ["openai", "openai/priority"]),
        ("ultrafast", (), ["openai", "openai/priority", "openai/ultrafast"]),
        ("flex", (), ["openai/flex"]),
        (None, ("nitro",), ["openai", "openai/priority"]),
        (None, ("floor",), ["openai", "openai/flex"]),
        ("default", ("nitro",), ["openai"]),
    ],
)
def test_tiers_are_for_those_who_ask(
    tier: str | None, variants: tuple[str, ...], expected: list[str]
) -> None:
    assert left(TIERS, needs=Needs(service_tier=tier), variants=variants) == expected


def test_an_order_cancels_the_tier_of_a_variant_and_admits_the_tag_it_names() -> None:
    assert left(TIERS, variants=("nitro",), order=["openai"]) == ["openai"]
    assert left(TIERS, order=["openai/flex"]) == ["openai", "openai/flex"]


def test_flex_where_nobody_offers_it_is_served_as_usual() -> None:
    assert left(HOSTS[:2], needs=Needs(service_tier="flex")) == ["deepinfra", "deepinfra/fp8"]


def test_a_surcharged_row_is_for_those_who_name_it() -> None:
    endpoints = offers("fireworks", "fireworks/us")

    def tells(name: str, endpoint: Endpoint) -> bool | None:
        return endpoint.tag != "fireworks/us" if name == "regional_surcharge" else None

    for only, expected in (([], 1), (["fireworks"], 1), (["fireworks", "fireworks/us"], 2)):
        found = funnel(endpoints, Asked({"only": only}, tells=tells))
        assert len(found.survivors) == expected


# --- labels, prices, privacy ------------------------------------------------------------------


def test_labels_are_compared_as_they_are() -> None:
    endpoints = [offer(f"p{n}", label) for n, label in enumerate(("fp8", "mxfp8", "unknown", None))]
    assert left(endpoints, quantizations=["fp16", "fp8"]) == ["p0", "p1"]  # mxfp8: §1.5
    assert left(endpoints, quantizations=["mxfp8"]) == ["p1"]
    assert left(endpoints, quantizations=["unknown"]) == ["p2"]


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        ({"prompt": 1}, True),  # the listing says 0.000001 a token: equal is within, by the guide
        ({"prompt": "0.99"}, False),
        ({"prompt": 1, "completion": 1.5}, False),
        ({"prompt": None}, True),
        ({"request": 0}, True),  # no such fee
        ({"cached": 0}, True),  # no such key
    ],
)
def test_prices_per_token_are_held_to_caps_per_million(caps: Any, *, expected: bool) -> None:
    assert bool(left([offer("novita")], max_price=caps)) is expected


def test_a_fee_is_held_to_its_own_cap() -> None:
    dear = offer("novita", pricing={"prompt": "0", "completion": "0", "request": "0.01"})
    assert left([dear], max_price={"request": 0.005}) == []
    assert left([dear], max_price={"request": "0.01"}) == ["novita"]


@pytest.mark.parametrize("cap", ["cheap", True, "9" * 5000 + "x", float("nan")])
def test_a_cap_that_is_no_number_decides_nothing(cap: Any) -> None:
    found = funnel([offer("novita")], Asked({"max_price": {"prompt": cap}}))
    assert found.unsure == ("max_price",)


def test_a_price_that_is_not_listed_decides_nothing() -> None:
    varies = offer("novita", pricing={"prompt": "-1", "completion": "-1"})
    found = funnel([varies], Asked({"max_price": {"prompt": 1}}))
    assert (str(found), found.unsure) == ("1 -> max_price 1?", ("max_price",))


@pytest.mark.parametrize(
    "wish", [{"zdr": True}, {"data_collection": "deny"}, {"enforce_distillable_text": True}]
)
def test_what_no_listing_tells_is_unsure_until_somebody_tells(wish: dict[str, Any]) -> None:
    ((name, _),) = wish.items()
    unsure = funnel(HOSTS[:2], Asked(wish))
    assert (len(unsure.survivors), unsure.unsure) == (2, (name,))
    assert str(unsure) == f"2 -> {name} 2?"
    told = funnel(HOSTS[:2], Asked(wish, tells=lambda _, e: e.tag == "deepinfra"))
    assert ([e.tag for e in told.survivors], told.unsure) == (["deepinfra"], ())
    (off,) = ({name: None if value is True else "allow"} for value in wish.values())
    assert not funnel(HOSTS[:2], Asked(off)).unsure


# --- what the request needs -------------------------------------------------------------------


def able(*parameters: str, **fields: Any) -> Endpoint:
    return offer("-".join(("p", *parameters)), supported_parameters=[*parameters], **fields)


def test_tools_ask_for_who_takes_them_and_the_choice_given() -> None:
    refuses = able("tools", "x", supports_tool_choice={"required": False, "auto": True})
    endpoints = [able(), able("tools"), refuses]
    assert left(endpoints, needs=Needs(tools=True)) == ["p-tools", "p-tools-x"]
    assert left(endpoints, needs=Needs(tools=True, tool_choice="required")) == ["p-tools"]
    assert len(left(endpoints, needs=Needs(tool_choice="required"))) == 3


def test_pictures_and_outputs_are_the_models_own() -> None:
    (one,) = offers("novita")
    for model, seen in ((SEES, ["novita"]), (READS, [])):
        assert left([one], model=model, needs=Needs(images=True)) == seen
    speech = Needs(outputs=frozenset({"text", "audio"}))
    assert left([one], model=SEES, needs=speech) == []
    for needs in (Needs(images=True), speech):
        assert funnel([one], Asked(needs=needs)).unsure  # the list of models is not known


@pytest.mark.parametrize(
    ("context", "most", "needs", "expected"),
    [
        (1000, None, Needs(max_tokens=900, prompt_tokens=100), True),
        (1000, None, Needs(max_tokens=900, prompt_tokens=101), False),
        (1000, 800, Needs(max_tokens=900), False),
        (1000, 800, Needs(prompt_tokens=1001), False),
        (None, 800, Needs(max_tokens=800), True),
    ],
)
def test_the_answer_must_fit(
    context: int | None, most: int | None, needs: Needs, *, expected: bool
) -> None:
    one = offer("novita", context_length=context, max_completion_tokens=most)
    found = funnel([one], Asked(needs=needs))
    assert bool(found.survivors) is expected
    assert bool(found.unsure) is (context is None)


def test_required_parameters_are_all_of_them() -> None:
    needs = Needs(parameters=frozenset({"logprobs", "seed"}))
    endpoints = [able("logprobs"), able("logprobs", "seed")]
    assert left(endpoints, needs=needs, require_parameters=True) == ["p-logprobs-seed"]
    assert len(left(endpoints, needs=needs, require_parameters=False)) == 2


def test_a_wish_for_a_format_restricts_only_where_somebody_can() -> None:
    needs = Needs(parameters=frozenset({"response_format"}))
    assert left([able(), able("response_format")], needs=needs) == ["p-response_format"]
    assert left([able(), able("seed")], needs=needs) == ["p", "p-seed"]
