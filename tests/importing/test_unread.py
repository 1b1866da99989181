"""Provider settings where no reader looks for them."""

import json
import textwrap
import time
from typing import Any

import pytest

from app.importing.source import read_source
from app.importing.unread import look
from tests.importing.reading import CANARY, imported, told


def seen(text: str) -> list[str]:
    root, _ = read_source("theirs", textwrap.dedent(text))
    return [
        f"{each.place.line} {each.place.where}: {', '.join(each.fields)}" for each in look(root)
    ]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("x", {"allow_fallbacks": False}),
        ("x", {"allowFallbacks": "false"}),
        ("x", {"dataCollection": "deny"}),
        ("x", {"data-collection": "deny"}),
        ("x", {"zdr": True}),
        ("x", {"quantizations": ["fp8"]}),
        ("x", {"max_price": {"prompt": 1}}),
        ("x", {"preferredMaxLatency": 2}),
        ("x", {"only": ["a"], "order": ["b"]}),
        ("x", {"ignore": ["a"], "sort": "Price"}),
        ("x", {"only": ["a"], "sort": {"by": "price"}}),
        ("provider", {"only": ["a"]}),
        ("provider", {"only": "a"}),
        ("providerOptions", {"ignore": ["a"]}),
        ("provider_routing", {"order": ["a"]}),
        ("openRouterRouting", {"sort": "latency"}),
        ("extra_body", {"sort": "latency"}),
        ("provider", {"data_collection": True}),
        ("x", {"openRouterSpecificProvider": "groq"}),
        ("x", {"openRouterProviderSort": "price"}),
        ("x", {"openrouter_zdr": True}),
        ("x", {"providerOrder": "a,b"}),
    ],
)
def test_provider_settings_are_known_by_their_shape(name: str, settings: dict[str, Any]) -> None:
    assert seen(json.dumps({name: settings})) == [f"1 {name}: {', '.join(settings)}"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("x", {"only": ["a"]}),
        ("x", {"only": "a", "order": "b"}),
        ("x", {"sort": "name", "order": ["a"]}),
        ("x", {"order": [1, 2], "ignore": [{}]}),
        ("x", {"data_collection": True}),
        ("x", {"options": {"a": 1}, "sort": "price"}),
        ("provider", {"options": {"a": 1}, "name": "OpenRouter"}),
        ("provider", {"only": [], "zdr": None, "max_price": {}, "quantizations": []}),
        ("provider", {"sort": ""}),
        ("x", {"openRouterSpecificProvider": "[default]", "openRouterZdr": None}),
        ("x", {"openRouterProviderSort": {}, "openRouterModelId": "a/b"}),
        ("x", {"order_by": "price", "zdrx": True}),
    ],
)
def test_other_settings_are_not_taken_for_provider_settings(
    name: str, settings: dict[str, Any]
) -> None:
    assert seen(json.dumps({name: settings})) == []


def test_they_are_found_however_deep_and_each_once() -> None:
    assert seen(
        """\
        a:
          - b: &base
              zdr: true
              only: [x, y]
            c: {more: [{provider: {sort: price, options: {z: {zdr: true}}}}]}
          - d: *base
            e: {<<: *base, order: [x], provider: {allow_fallbacks: true}}
        [1, 2]: {zdr: true}
        """
    ) == [
        "2 a[0].b: zdr, only",
        "5 a[0].c.more[0].provider: sort, options",
        "7 a[1].e.provider: allow_fallbacks",
        "8 (no name): zdr",
    ]


def test_what_was_read_through_an_anchor_is_known_where_the_anchor_stands() -> None:
    policy = imported(
        """
        x-hosts: &hosts {only: [novita], zdr: true}
        x-strict: &strict {require_parameters: true}
        model_list:
          - model_name: a/b
            litellm_params: {model: openrouter/a/b, extra_body: {provider: *hosts}}
          - model_name: c/d
            litellm_params:
              model: openrouter/c/d
              extra_body: {provider: {<<: [*strict, *hosts], sort: price}}
        """
    )
    assert policy.left == ()
    assert policy.rules == 2


def test_the_fields_that_were_not_read_are_named_with_place_and_line() -> None:
    policy = imported(
        """
        peers:
          openrouter:
            proxy: https://openrouter.ai/api
            models: []
            filters:
              setParams:
                provider: {data_collection: deny, sort: price}
        """
    )
    assert told(policy) == (
        "theirs:8: peers.openrouter.filters.setParams.provider: data_collection, sort: "
        "not carried over: llama-swap is not known to send provider settings from here"
    )


def test_a_key_in_a_path_is_not_quoted_and_a_long_name_is_cut_short() -> None:
    long = "x" * 200
    settings = {"peers": {}, "keys": {CANARY: {long: {"zdr": True}}}}
    policy = imported(json.dumps(settings))
    assert CANARY not in policy.text
    assert f"keys.(a secret).{'x' * 100}...: zdr" in told(policy)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "peers: {}\nx:\n" + "".join(f"  k{n}: {{zdr: true}}\n" for n in range(20_000)),
        "peers: {}\nx: " + "{a: " * 40 + "[1]" + "}" * 40 + "\n",
        # Each level holds the one below ten times over: a million values in a few lines.
        "peers: {}\na0: &a0 {zdr: true}\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 5)),
    ],
)
def test_no_file_takes_long_to_look_through(text: str) -> None:
    root, _ = read_source("theirs", text)
    started = time.perf_counter()
    found = [*look(root)]
    assert time.perf_counter() - started < 5
    assert len(found) == text.count("zdr")
