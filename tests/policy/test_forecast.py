"""The funnels of a request, one for each model that may answer."""

from typing import Any

from app.catalog.catalog import Catalog
from app.policy.apply import apply
from app.policy.forecast import Forecast, as_json_object, forecasts
from app.policy.request import read_request
from tests.policy.listings import MODEL, NOW, listed, row
from tests.policy.sending import as_bytes, book_of

ROWS = [row("novita/fp8", "Novita"), row("deepinfra/fp4", "DeepInfra", "fp4")]


def foreseen(
    body: dict[str, Any], *rules: dict[str, Any], catalog: Catalog | None = None, **more: Any
) -> list[Forecast]:
    book, request = book_of(*rules, **more), read_request(as_bytes(body))
    catalog = catalog or listed(ROWS)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    sent = apply(request, route).preferences
    return list(forecasts(request, route, sent, catalog, ladder=book.ladder))


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
    assert told["steps"][-2]["dropped"] == [{"tag": "novita/fp8", "because": "the request"}]
    assert told["relaxation"] == {
        "changes": ["only: add novita"],
        "lets_through": "novita/fp8",
    }


def test_somebody_who_is_left_needs_no_way_out() -> None:
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
