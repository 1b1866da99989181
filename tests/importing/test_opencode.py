"""opencode.json, and opencode.jsonc."""

import json
from typing import Any

from tests.importing.reading import CANARY, book_of, imported, sent, told

CONFIG = """\
// what I use at home
{
  "$schema": "https://opencode.ai/config.json",
  "model": "openrouter/moonshotai/kimi-k2",
  "provider": {
    "anthropic": { "options": { "apiKey": "%s" } },
    "openrouter": {
      "options": {
        "apiKey": "%s", /* from the dashboard */
        "extraBody": { "provider": { "data_collection": "deny" }, "transforms": [] },
      },
      "models": {
        "moonshotai/kimi-k2": {
          "options": { "provider": { "order": ["BaseTen"], "allow_fallbacks": false } },
        },
        "glm": {
          "id": "z-ai/glm-4.7", // by its short name
          "variants": { "fast": { "provider": { "sort": "throughput" } }, "slow": {} },
        },
        "minimax/minimax-m2.1": { "name": "no wishes" },
        "a name": { "options": { "provider": { "zdr": true } } },
        "another name": {},
      },
    },
  },
}
""" % (CANARY, CANARY)  # noqa: UP031 - braces all over


def config(**provider: Any) -> str:
    return json.dumps({"provider": {"openrouter": provider}})


def test_a_models_provider_object_becomes_its_rule() -> None:
    model, provider = sent(imported(CONFIG), "moonshotai/kimi-k2")
    assert model == "moonshotai/kimi-k2"
    assert provider["order"] == ["baseten"]
    assert provider["allow_fallbacks"] is False


def test_the_clients_extra_body_is_for_every_model() -> None:
    assert sent(imported(CONFIG), "any/other")[1] == {"data_collection": "deny"}


def test_a_rule_for_every_model_adds_to_one_that_replaced_it_and_that_is_said() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "moonshotai/kimi-k2")[1]["data_collection"] == "deny"
    assert (
        "theirs:14: provider.openrouter.models.moonshotai/kimi-k2.options.provider: "
        "moonshotai/kimi-k2: data_collection will be otherwise, since "
        '"every model and 1 more from opencode" is for it too'
    ) in told(policy)


def test_a_key_that_is_not_the_models_id_becomes_an_alias() -> None:
    policy = imported(CONFIG)
    assert book_of(policy).aliases["glm"].model == "z-ai/glm-4.7"
    assert sent(policy, "glm")[1] == {"data_collection": "deny"}


def test_variants_and_names_that_are_no_slugs_are_left_out() -> None:
    said = told(imported(CONFIG))
    assert "theirs:18: provider.openrouter.models.glm.variants.fast.provider" in said
    assert "a name: not a model slug" in said
    assert "slow" not in said
    assert "another name" not in said


def test_a_provider_object_that_opencode_never_sends_is_put_in_force() -> None:
    policy = imported(config(options={"provider": {"zdr": True}}))
    assert sent(policy, "any/model")[1] == {"zdr": True}


def test_of_two_provider_objects_for_every_model_the_one_that_is_sent_counts() -> None:
    both = {"provider": {"zdr": True}, "extraBody": {"provider": {"sort": "price"}}}
    policy = imported(config(options=both))
    assert sent(policy, "any/model")[1] == {"sort": "price"}
    assert "provider.openrouter.options.extraBody.provider is sent in its place" in told(policy)


def test_openrouter_may_be_called_otherwise() -> None:
    model = {"a/b": {"options": {"provider": {"zdr": True}}}}
    for sign in (
        {"npm": "@openrouter/ai-sdk-provider"},
        {"options": {"baseURL": "https://openrouter.ai/api/v1"}},
    ):
        text = json.dumps({"provider": {"mine": {**sign, "models": model}}})
        assert sent(imported(text), "a/b")[1] == {"zdr": True}
    assert imported(json.dumps({"provider": {"mine": {"models": model}}})).rules == 0
