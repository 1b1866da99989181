"""Every way that is known round a policy, and what becomes of it (openrouter.md §2.2 to §2.7)."""

import json
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.errors import MalformedBody, PolicyConflict, PolicyRefused
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.request import request_for
from tests.policy.sending import book_of, route, send, sent

POLICY = {"models": ["qwen/*", "~qwen/*"], "only": ["deepinfra"], "quantization_floor": "fp8"}
HELD = {"only": ["deepinfra"], "quantizations": ["fp8", "mxfp8", "fp16", "bf16", "fp32"]}
BOOK = book_of(POLICY)
EVERYTHING = book_of({**POLICY, "models": ["*"]})


def provider(book: Book, body: dict[str, Any] | bytes) -> Any:
    return sent(book, body).get("provider")


# --- naming the model otherwise ---------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        *("qwen/qwen3", "QWEN/Qwen3", " qwen/qwen3", "qwen/qwen3\n", "qwen/qwen3 "),
        *("qwen/qwen3:nitro", "qwen/qwen3:floor", "qwen/qwen3:online", "qwen/qwen3:free"),
        *("qwen/qwen3:exacto", "qwen/qwen3:free:online", "qwen/qwen3 :nitro"),
        *("~qwen/qwen-latest", "~QWEN/qwen-latest", "qwen/qwen3@preset/x", "qwen/qwen3@PRESET/x"),
        "qwen/qwen3-20260901",
    ],
)
def test_a_models_other_names_are_held_to_its_rule(model: str) -> None:
    assert provider(BOOK, {"model": model}) == HELD
    assert sent(BOOK, {"model": model})["model"] == model  # and the name itself goes on


@pytest.mark.parametrize(
    "model",
    [
        "openrouter/auto",
        "openrouter/auto-beta",
        "openrouter/free",
        "@preset/x",
        "gpt-5",
        "~a/b-latest",
    ],
)
def test_routers_and_presets_are_held_by_a_rule_for_all_models(model: str) -> None:
    """They may pick any model, so a rule for one author's models can't speak for them."""
    assert provider(EVERYTHING, {"model": model}) == HELD
    assert not route(BOOK, {"model": model}).matched


def test_routers_can_be_turned_away() -> None:
    book = book_of({"models": ["openrouter/*", "@preset/*", "~*"], "refuse": ["model"]})
    for model in ("openrouter/auto", "@preset/x", "~qwen/qwen-latest"):
        with pytest.raises(PolicyRefused, match="refuses requests with model"):
            send(book, {"model": model})
    send(book, {"model": "qwen/qwen3"})


# --- other models than `model` ----------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"models": ["qwen/qwen3"]},
        {"models": ["meta/llama", "QWEN/qwen3:free"]},
        {"fallbacks": [{"model": "qwen/qwen3"}]},
        {"fallbacks": [{"model": "meta/llama"}, {"model": "qwen/qwen3"}]},
    ],
    ids=str,
)
def test_t37_a_fallback_model_is_held_to_its_own_rule(more: dict[str, Any]) -> None:
    assert not route(BOOK, {"model": "meta/llama"}).matched
    assert provider(BOOK, {"model": "meta/llama", **more}) == HELD


def test_t37_of_several_models_the_strictest_of_each_thing_holds() -> None:
    book = book_of(
        {"models": ["a/*"], "only": ["x", "y"], "max_price": {"prompt": 5, "completion": 1}},
        {"models": ["b/*"], "only": ["y", "z"], "max_price": {"prompt": 2}, "zdr": True},
    )
    expected = {"only": ["y"], "max_price": {"prompt": 2, "completion": 1}, "zdr": True}
    assert provider(book, {"model": "a/a", "models": ["b/b"]}) == expected
    assert provider(book, {"model": "b/b", "models": ["a/a"]}) == expected


def test_t37_models_whose_rules_have_nothing_in_common_are_refused_together() -> None:
    book = book_of({"models": ["a/*"], "only": ["x"]}, {"models": ["b/*"], "only": ["y"]})
    with pytest.raises(
        PolicyConflict, match=r'"rule-0" .* and rule "rule-1" .* contradict each other'
    ):
        send(book, {"model": "a/a", "models": ["b/b"]})


@pytest.mark.parametrize("models", [["a/a", "b/b"], ["b/b", "a/a"]])
def test_t37_a_listed_model_whose_own_rules_leave_nothing_refuses_them_all(
    models: list[str],
) -> None:
    book = book_of({"only": ["x"]}, {"models": ["b/*"], "ignore": ["x"]})
    send(book, {"model": "a/a"})
    with pytest.raises(PolicyConflict, match="the policy allows no endpoint"):
        send(book, {"models": models})


# --- saying it twice, or otherwise ------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"meta/llama","model":"qwen/qwen3"}',
        b'{"model":"meta/llama","mod\\u0065l":"qwen/qwen3"}',
        b'{"model":"qwen/qwen3","provider":{"only":["x"]},"provider":null}',
        b'{"model":"qwen/qwen3","provider":{"only":["x"]},"pr\\u006fvider":{}}',
        b'{"pr\\u006fvider":{"only":["x"]},"model":"qwen/qwen3","provider":{}}',
        b'{"model":"qwen/qwen3","provider":{"only":["x"],"only":["deepinfra"]}}',
        b'{"model":"qwen/qwen3","s":"\\ud800","provider":{"only":["x"]},"provider":{}}',
    ],
)
def test_a_key_given_twice_smuggles_nothing(body: bytes) -> None:
    """Two readers may take two of them, so upstream is sent the one that was judged."""
    arrived = send(BOOK, body).body
    pairs = json.loads(arrived, object_pairs_hook=list)
    assert [name for name, _ in pairs].count("model") == 1
    assert [dict(value) for name, value in pairs if name == "provider"] == [HELD]
    assert json.loads(arrived)["model"] == "qwen/qwen3"


@pytest.mark.parametrize("nothing", [b"null", b"{}", b'{"only":null}', b'{"only":[],"order":[]}'])
def test_a_provider_object_that_says_nothing_lifts_nothing(nothing: bytes) -> None:
    assert provider(BOOK, b'{"model":"qwen/qwen3","provider":' + nothing + b"}") == HELD


@pytest.mark.parametrize(
    "name", ["extra_body", "Provider", "PROVIDER", "provider ", "providers", "body"]
)
def test_a_provider_object_elsewhere_is_no_provider_object(name: str) -> None:
    """It means nothing upstream; it goes on as it came, beside the policy's own."""
    body = {"model": "qwen/qwen3", name: {"provider": {"only": ["x"]}, "model": "meta/llama"}}
    assert sent(BOOK, body) == {**body, "provider": HELD}


@pytest.mark.parametrize("only", [["DEEPINFRA"], ["DeepInfra", "other"], ["deepinfra/FP8", "x"]])
def test_upper_case_widens_nothing(only: list[str]) -> None:
    (entry,) = provider(BOOK, {"model": "qwen/qwen3", "provider": {"only": only}})["only"]
    assert entry.lower() in {"deepinfra", "deepinfra/fp8"}


@pytest.mark.parametrize(
    "only", [["deepinfra/priority"], ["DeepInfra/Flex"], ["Deep Infra"], ["x"]]
)
def test_whoever_the_policy_does_not_name_cannot_be_asked_for(only: list[str]) -> None:
    with pytest.raises(PolicyConflict):
        send(BOOK, {"model": "qwen/qwen3", "provider": {"only": only}})


@pytest.mark.parametrize("labels", [["fp4"], ["unknown"], ["FP8"], ["int4", "fp6"]])
def test_no_label_below_the_floor_can_be_asked_for(labels: list[str]) -> None:
    with pytest.raises(PolicyConflict):
        send(BOOK, {"model": "qwen/qwen3", "provider": {"quantizations": labels}})


@pytest.mark.parametrize("field", ["only", "quantizations", "ignore", "order"])
@pytest.mark.parametrize("value", ["deepinfra", {"0": "x"}, 1, True, [["x"]], [None]])
def test_a_value_of_another_type_is_not_passed_off_as_a_list(field: str, value: Any) -> None:
    with pytest.raises(MalformedBody, match=f"provider.{field} must be a list of strings"):
        send(book_of({**POLICY, "ignore": ["y"]}),
             {"model": "qwen/qwen3", "provider": {field: value}})  # fmt: skip


# --- fields that do a provider object's work --------------------------------------------------

OTHER_FIELDS: dict[str, Any] = {
    "preset": "mine",
    "plugins": [{"id": "web"}],
    "route": "fallback",
    "transforms": ["middle-out"],
    "service_tier": "priority",
    "speed": "fast",
    "models": ["meta/llama"],
    "fallbacks": [{"model": "meta/llama"}],
    "tools": [{"type": "openrouter:web_search"}],
    "usage": {"include": True},
}


@pytest.mark.parametrize("field", OTHER_FIELDS)
def test_any_other_field_can_be_refused_stripped_or_let_through(field: str) -> None:
    body = {"model": "qwen/qwen3", field: OTHER_FIELDS[field]}
    assert sent(BOOK, body) == {**body, "provider": HELD}
    assert sent(book_of({"strip": [field]}), body) == {"model": "qwen/qwen3"}
    with pytest.raises(PolicyRefused, match=f"refuses requests with {field}"):
        send(book_of({"refuse": [field]}), body)


@pytest.mark.parametrize(
    ("field", "model", "left"),
    [
        ("preset", "qwen/qwen3@preset/x", "qwen/qwen3"),
        ("plugins", "qwen/qwen3:online", "qwen/qwen3"),
    ],
)
def test_a_name_that_does_a_fields_work_goes_with_the_field(
    field: str, model: str, left: str
) -> None:
    assert sent(book_of({"strip": [field]}), {"model": model}) == {"model": left}
    with pytest.raises(PolicyRefused):
        send(book_of({"refuse": [field]}), {"model": model})


def test_an_alias_is_held_to_its_models_rules_however_it_is_spelled() -> None:
    book = book_of(POLICY, aliases={"Fast": {"model": "qwen/qwen3", "preferences": {"zdr": True}}})
    for name in ("Fast", "fast", " FAST\n"):
        assert sent(book, {"model": name}) == {
            "model": "qwen/qwen3",
            "provider": {**HELD, "zdr": True},
        }
    with pytest.raises(PolicyConflict):
        send(book, {"model": "fast", "provider": {"only": ["x"]}})


@pytest.mark.parametrize(
    "name",
    ["acme/sim-1.5-20260901", "acme/sim-1-5", "acme/sim-1-5-20260901:nitro", "~acme/sim-latest"],
)
def test_a_model_under_another_name_is_held_to_its_rules(name: str) -> None:
    """Its dated slug, dashes for dots, the newest of its family: the catalog knows them all."""
    book = read_book(
        {"p.yaml": "version: 1\nrules:\n  - {name: r, models: [acme/sim-1.5], zdr: true}\n"}
    )
    dated = {"id": "acme/sim-1.5", "canonical_slug": "acme/sim-1.5-20260901"}
    latest = {"id": "~acme/sim-latest", "alias_target": "acme/sim-1.5"}
    catalog = EMPTY.with_models([dated, latest])
    route = book.route_for(request_for(name), caller=None, user_agent="", catalog=catalog)
    assert route.rules == ("r",)
    assert route.model_sent == name


def test_the_newest_of_a_family_is_held_to_its_own_rule_too() -> None:
    text = "version: 1\nrules:\n  - {name: r, models: ['~acme/sim-latest'], zdr: true}\n"
    catalog = EMPTY.with_models([{"id": "~acme/sim-latest", "alias_target": "acme/sim-1.5"}])
    asked = request_for("~acme/sim-latest")
    route = read_book({"p.yaml": text}).route_for(
        asked, caller=None, user_agent="", catalog=catalog
    )
    assert route.rules == ("r",)
