"""The router chooses among exactly the endpoints that openrouter.md §1 and §7 admit."""

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.simulator.ask import Ask, read_ask
from app.simulator.catalog import Catalog
from app.simulator.refusals import Refusal
from app.simulator.routed import Routed
from app.simulator.router import Router
from app.simulator.switches import Switches
from tests.simulator import naive
from tests.simulator.simulated import HELLO, NOW, TOOL, endpoint, model

PROVIDERS = ["deepinfra", "novita", "openai"]
TAGS = [
    f"{name}{tail}" for name in PROVIDERS for tail in ("", "/fp8", "/turbo", "/priority", "/flex")
]
LABELS = ["fp4", "mxfp4", "nvfp4", "fp8", "mxfp8", "bf16", "unknown"]
PRICES = ["0", "0.0000001", "0.0000003", "0.000001"]
TIERS = [None, None, None, "priority", "flex"]
OPTIONAL = ["tools", "temperature", "logprobs", "response_format", "max_tokens", "reasoning"]


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    tag = draw(st.sampled_from(TAGS))
    tier = tag.partition("/")[2]
    return endpoint(
        tag,
        draw(maybe(st.sampled_from(LABELS))),
        provider_name=tag.partition("/")[0].title(),
        # A tier can be known from the listing alone: `novita/turbo`, even `novita/fp8`.
        service_tier=tier if tier in {"priority", "flex"} else draw(st.sampled_from(TIERS)),
        trains=draw(st.booleans()),
        zdr=draw(st.booleans()),
        prompt=draw(st.sampled_from(PRICES)),
        completion=draw(st.sampled_from(PRICES)),
        request=draw(st.sampled_from(["0", "0.01"])),
        supported_parameters=draw(st.lists(st.sampled_from(OPTIONAL), unique=True)),
        max_completion_tokens=draw(st.sampled_from([None, 10, 1000])),
        status=draw(st.sampled_from([0, 0, -2])),
    )


names = st.lists(st.sampled_from([*TAGS, "provider not named", "Deepinfra"]), max_size=4)
# A cap is given as a number or as text; some equal a price, in USD per million.
caps = st.sampled_from([0, "0.1", 0.3, "0.30", 0.5, 1, "1e0", 2])
preferences = st.fixed_dictionaries(
    {},
    optional={
        "only": maybe(names),
        "ignore": maybe(names),
        "order": maybe(names),
        "allow_fallbacks": maybe(st.booleans()),
        "require_parameters": maybe(st.booleans()),
        "data_collection": maybe(st.sampled_from(["allow", "deny"])),
        "zdr": maybe(st.booleans()),
        "quantizations": maybe(st.lists(st.sampled_from(LABELS), max_size=3)),
        "max_price": st.dictionaries(st.sampled_from(["prompt", "completion"]), caps, max_size=2)
        | st.just({"request": 0.005}),
        "sort": maybe(st.sampled_from(["price", "throughput", "latency", "exacto"])),
        "preferred_min_throughput": maybe(st.just(50)),
    },
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.sampled_from([[], [TOOL]]),
        "temperature": maybe(st.just(0.5)),
        "logprobs": st.just(True),
        "reasoning": st.just({"effort": "low"}),
        "response_format": maybe(st.just({"type": "json_object"})),
        "max_tokens": st.sampled_from([5, 500]),
        "service_tier": st.sampled_from(["auto", "default", "priority", "flex"]),
    },
)
positions = st.fixed_dictionaries(
    {},
    optional={
        "display_names_match": st.booleans(),
        "max_price_strict": st.booleans(),
        "families_expand": st.booleans(),
        "drift": st.dictionaries(st.sampled_from(TAGS), st.sampled_from(LABELS), max_size=1),
        "byok": st.lists(st.sampled_from([*PROVIDERS, *TAGS]), max_size=2),
    },
)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(rows(), min_size=1, max_size=8),
    preferences,
    fields,
    st.sampled_from(["", ":nitro", ":floor", ":exacto"]),
    positions,
)
def test_the_router_chooses_among_exactly_those_that_the_words_admit(
    offered: list[dict[str, Any]],
    provider: dict[str, Any],
    extra: dict[str, Any],
    suffix: str,
    switched: dict[str, Any],
) -> None:
    for place, row in enumerate(offered):
        row["place"] = place  # two rows may look the same
    body = {"model": f"acme/sim-1{suffix}", "messages": HELLO, "provider": provider, **extra}
    catalog = Catalog([model(*offered)])
    ask = read_ask(body, "chat", {}, catalog, Switches().overridden(switched))
    admitted = {row["place"] for row in naive.may_serve(offered, body, suffix, switched)}
    routed = answer(catalog, ask)
    if isinstance(routed, Refusal):
        event("refused")
        assert (routed.status, admitted) == (404, set())
        return
    event("served")
    tried = [row.listed["place"] for row in routed.available]
    assert len(set(tried)) == len(tried)
    assert routed.completion.row.listed["place"] == tried[0]
    own = {row["place"] for row in offered if naive.has_own_key(row, switched)} & admitted
    assert set(tried[: len(own)]) == own, "own keys go first"
    if provider.get("allow_fallbacks") is False and not provider.get("order"):
        assert len(set(tried) - own) <= 1
        assert set(tried) <= admitted
    else:
        assert set(tried) == admitted


@settings(max_examples=150, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=6), preferences, fields)
def test_a_funnel_never_grows_and_ends_where_it_says(
    offered: list[dict[str, Any]], provider: dict[str, Any], extra: dict[str, Any]
) -> None:
    """Every 404 counts down from all endpoints and names the step that left none."""
    catalog = Catalog([model(*offered)])
    body = {"model": "acme/sim-1", "messages": HELLO, "provider": provider, **extra}
    refusal = answer(catalog, read_ask(body, "chat", {}, catalog, Switches()))
    if isinstance(refusal, Refusal):
        assert refusal.metadata is not None
        steps = refusal.metadata["routing_funnel"]
        counts = [step["endpoint_count"] for step in steps]
        assert steps[0] == {"step": "Initial Endpoints", "endpoint_count": len(offered)}
        assert counts == sorted(counts, reverse=True)
        failed = refusal.metadata["failed_routing_step"]
        assert (counts[-1] == 0) == (failed == steps[-1]["step"] == "Filter by Fallback")


def answer(catalog: Catalog, ask: Ask) -> Routed | Refusal:
    try:
        return Router(catalog, seed=0, clock=lambda: NOW).route(ask)
    except Refusal as refusal:
        return refusal
