"""The funnels of a request, one for each model that may answer."""

from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.endpoint import Endpoint
from app.policy.apply import apply
from app.policy.filters import Passes, Tells, nobody_tells
from app.policy.forecast.forecast import Forecast, as_json_object, forecasts
from app.policy.request import read_request
from tests.policy.listings import MODEL, NOW, listed, row
from tests.policy.sending import as_bytes, book_of

ROWS = [row("novita/fp8", "Novita"), row("deepinfra/fp4", "DeepInfra", "fp4")]


def foreseen(
    body: dict[str, Any],
    *rules: dict[str, Any],
    catalog: Catalog | None = None,
    emptied: tuple[str, ...] = (),
    tells: Tells = nobody_tells,
    **more: Any,
) -> list[Forecast]:
    book, request = book_of(*rules, **more), read_request(as_bytes(body))
    catalog = catalog or listed(ROWS)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    sent = apply(request, route).preferences
    found = forecasts(
        request, route, sent, catalog, ladder=book.ladder, emptied=emptied, tells=tells
    )
    return [*found]


def test_the_policy_and_the_caller_both_filter() -> None:
    rule = {"name": "mine", "quantization_floor": "fp8"}
    body = {"model": MODEL, "provider": {"only": ["deepinfra"]}}
    (one,) = foreseen(body, rule)
    assert one.is_empty
    assert str(one.funnel) == "2 -> only 1 -> fp8+ 0"
    assert [(d.endpoint.tag, [c.rule for c in d.clauses]) for d in one.funnel.dropped] == [
        ("novita/fp8", []),
        ("deepinfra/fp4", ["mine"]),
    ]
    told = as_json_object(one)
    assert told["steps"][-1]["dropped"] == [
        {"tag": "deepinfra/fp4", "because": 'rule "mine" (test.yaml:1)'}
    ]
    assert told["steps"][-2]["dropped"] == [{"tag": "novita/fp8", "because": "the request itself"}]
    assert told["relaxation"] == {
        "changes": ["provider.only in the request: add novita (or remove it)"],
        "lets_through": "novita/fp8",
    }


def test_an_endpoint_that_is_left_needs_no_way_out() -> None:
    (one,) = foreseen({"model": MODEL}, {"quantization_floor": "fp8"})
    assert (one.relaxation, as_json_object(one)["survivors"]) == (None, ["novita/fp8"])
    assert as_json_object(one)["relaxation"] is None


def test_each_model_has_a_funnel_of_its_own_under_the_name_it_is_sent_as() -> None:
    catalog = listed(ROWS).with_listing("acme/sim-2", [row("groq", "Groq", "unknown")], NOW)
    body = {"model": "mine", "models": ["acme/sim-2", "acme/unlisted", MODEL]}
    aliases = {"mine": {"model": f"{MODEL}:nitro"}}
    found = foreseen(body, {"quantization_floor": "fp8"}, catalog=catalog, aliases=aliases)
    assert [(one.model, str(one.funnel)) for one in found] == [
        (f"{MODEL}:nitro", "2 -> fp8+ 1"),
        ("acme/sim-2", "1 -> fp8+ 0"),
        (MODEL, "2 -> fp8+ 1"),
    ]


def test_a_variant_admits_its_tier() -> None:
    rows = [row("openai", "OpenAI"), row("openai/priority", "OpenAI")]
    (one,) = foreseen({"model": f"{MODEL}:nitro"}, catalog=listed(rows))
    assert len(one.funnel.survivors) == 2


# --- what upstream has said -------------------------------------------------------------------


def test_t53_a_filter_that_is_said_to_have_emptied_it_has_dropped_all_that_came_to_it() -> None:
    rule = {"name": "mine", "data_collection": "deny", "quantization_floor": "fp8"}
    (plain,) = foreseen({"model": MODEL}, rule)
    assert (str(plain.funnel), plain.way_out) == ("2 -> fp8+ 1 -> data_collection 1?", None)
    (one,) = foreseen({"model": MODEL}, rule, emptied=("data_collection",))
    assert str(one.funnel) == "2 -> fp8+ 1 -> data_collection 0"
    assert one.way_out == "data_collection: deny -> allow (allows novita/fp8)"


def test_t53_what_it_names_is_to_be_changed_first_and_what_else_is_in_the_way_after_it() -> None:
    """The shipped policy and a free variant: to loosen the floor alone would change nothing."""
    rule = {"data_collection": "deny", "quantization_floor": "fp8"}
    catalog = listed([row("chutes", "Chutes", "unknown")])
    (one,) = foreseen({"model": MODEL}, rule, catalog=catalog, emptied=("data_collection",))
    assert one.way_out == (
        "data_collection: deny -> allow and unknown_quantization: auto -> allow (allows chutes)"
    )


def test_t53_an_endpoint_that_never_came_to_it_may_still_pass_it() -> None:
    rule = {"only": ["deepinfra"], "zdr": True}
    (one,) = foreseen({"model": MODEL}, rule, emptied=("zdr",))
    assert one.way_out == "only: add novita (allows novita/fp8)"


def test_t53_of_several_models_it_does_not_say_which_it_meant() -> None:
    catalog = listed(ROWS).with_listing("acme/sim-2", ROWS, NOW)
    body = {"model": MODEL, "models": ["acme/sim-2"]}
    found = foreseen(body, {"zdr": True}, catalog=catalog, emptied=("zdr",))
    assert [str(one.funnel) for one in found] == ["2 -> zdr 2?", "2 -> zdr 2?"]


def test_t53_what_else_is_told_stays_told() -> None:
    def tells(name: str, endpoint: Endpoint) -> Passes:
        return endpoint.tag == "novita/fp8" if name == "data_collection" else None

    rule = {"zdr": True, "data_collection": "deny"}
    (one,) = foreseen({"model": MODEL}, rule, emptied=("zdr",), tells=tells)
    assert str(one.funnel) == "2 -> data_collection 1 -> zdr 0"


# --- all as it is sent ------------------------------------------------------------------------


def test_t52_what_the_policy_sets_is_needed_and_is_the_policys_doing() -> None:
    rows = [row("openai", "OpenAI"), row("openai/flex", "OpenAI")]
    rule = {"name": "mine", "set": {"service_tier": "flex"}}
    (one,) = foreseen({"model": MODEL}, rule, catalog=listed(rows))
    (drop,) = one.funnel.dropped
    assert (drop.endpoint.tag, drop.because) == ("openai", 'rule "mine" (test.yaml:1)')


def test_t50_what_the_policy_strips_is_not_needed() -> None:
    rows = [row("openai", "OpenAI"), row("openai/flex", "OpenAI")]
    body = {"model": MODEL, "service_tier": "flex"}
    (one,) = foreseen(body, {"strip": ["service_tier"]}, catalog=listed(rows))
    assert [drop.endpoint.tag for drop in one.funnel.dropped] == ["openai/flex"]


# --- free of charge ---------------------------------------------------------------------------

FREE = listed(ROWS).with_listing(
    f"{MODEL}:free", [row("chutes", "Chutes", "fp8", prompt="0", completion="0")], NOW
)
NOTHING = {"max_price": {"prompt": 0, "completion": "0"}}


def test_where_only_what_is_free_may_serve_the_free_variant_is_told_first() -> None:
    (one,) = foreseen({"model": f"{MODEL}:nitro", "provider": NOTHING}, catalog=FREE)
    assert one.free_variant == f"{MODEL}:free"
    assert (one.way_out or "").startswith(
        "use acme/sim-1:free, which is free, "
        "or provider.max_price.prompt in the request: 0 -> 1 (or remove it) and "
    )
    assert as_json_object(one)["free_variant"] == f"{MODEL}:free"


@pytest.mark.parametrize(
    ("preferences", "catalog"),
    [
        (NOTHING, listed(ROWS)),  # it has none
        ({**NOTHING, "only": ["novita"]}, FREE),  # which would not be served either
        ({"max_price": {"prompt": 0, "completion": 1}}, FREE),
        ({"only": ["groq"]}, FREE),
    ],
)
def test_a_free_variant_is_told_only_where_it_would_do(
    preferences: dict[str, Any], catalog: Catalog
) -> None:
    (one,) = foreseen({"model": MODEL, "provider": preferences}, catalog=catalog)
    assert one.is_empty
    assert one.free_variant is None
