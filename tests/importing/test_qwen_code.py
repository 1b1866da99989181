"""qwen-code's settings.json."""

import json
from typing import Any

import pytest

from tests.importing.reading import CANARY, imported, sent, told

# As docs/users/configuration/model-providers.md of qwen-code has it ($version 4, 2026-09).
CONFIG = """\
{
  "$version": 4,
  "env": { "OPENROUTER_API_KEY": "%s" },
  "security": { "auth": { "selectedType": "openai" } },
  "model": {
    "name": "qwen/qwen3-coder",
    "generationConfig": {
      "extra_body": { "provider": { "data_collection": "deny" }, "transforms": [] }
    }
  },
  "modelProviders": {
    "openai": [
      {
        "id": "z-ai/glm-4.7",
        "name": "GLM (via OpenRouter)",
        "envKey": "OPENROUTER_API_KEY",
        "baseUrl": "https://openrouter.ai/api/v1",
        "generationConfig": {
          "samplingParams": { "temperature": 0.7, "provider": { "sort": "price" } },
          "extra_body": { "provider": { "only": ["Z.AI"] } }
        }
      },
      {
        "id": "moonshotai/kimi-k2",
        "baseUrl": "https://openrouter.ai/api/v1",
        "generationConfig": { "timeout": 60000 }
      },
      {
        "id": "gpt-4o",
        "baseUrl": "https://api.openai.com/v1",
        "generationConfig": { "extra_body": { "service_tier": "priority" } }
      },
      { "id": "no slug", "baseUrl": "https://openrouter.ai/api/v1" }
    ],
    "anthropic": { "models": [{ "baseUrl": "https://openrouter.ai/api" }] }
  }
}
""" % (CANARY,)  # noqa: UP031 - braces all over

ZDR = {"provider": {"zdr": True}}


def test_a_models_extra_body_goes_before_what_is_for_all() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "z-ai/glm-4.7")[1] == {"only": ["z-ai"], "data_collection": "deny"}
    for model in ("moonshotai/kimi-k2", "qwen/qwen3-coder"):
        assert sent(policy, model)[1] == {"data_collection": "deny"}


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    rest = "only the provider object is carried over; `set` in a rule can set the rest"
    glm = "modelProviders.openai[0].generationConfig"
    assert told(imported(CONFIG)).splitlines() == [
        f"theirs:8: model.generationConfig.extra_body.transforms: {rest}",
        f"theirs:19: {glm}.samplingParams.provider: {glm}.extra_body.provider is sent in its place",
        (
            f"theirs:20: {glm}.extra_body.provider: z-ai/glm-4.7: data_collection will be "
            'otherwise, since "every model and 1 more from qwen-code" is for it too'
        ),
        "theirs:28: modelProviders.openai[2]: gpt-4o: its baseUrl is not OpenRouter's",
        (f"theirs:31: modelProviders.openai[2].generationConfig.extra_body.service_tier: {rest}"),
        "theirs:33: modelProviders.openai[3]: no slug: not a model slug, which reads author/model",
        (
            "theirs:35: modelProviders.anthropic.models[0]: this entry: not a model slug, which "
            "reads author/model"
        ),
    ]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"security": {"auth": {"baseUrl": "https://llm.example/v1"}}},
        {"env": {"OPENAI_BASE_URL": "https://llm.example/v1"}},
    ],
)
def test_what_goes_elsewhere_is_left_out(elsewhere: dict[str, Any]) -> None:
    general = {"model": {"generationConfig": {"extra_body": ZDR}}}
    assert sent(imported(json.dumps(general)), "a/b")[1] == {"zdr": True}
    policy = imported(json.dumps({**general, **elsewhere}))
    assert policy.rules == 0
    assert "extra_body.provider: model: the base URL is not OpenRouter's" in told(policy)


def test_a_model_with_an_extra_body_of_its_own_has_nothing_of_the_general_one() -> None:
    entry = {"id": "a/b", "baseUrl": "https://openrouter.ai/api/v1"}
    body = {"generationConfig": {"extra_body": {"top_k": 4}}}
    settings = {
        "model": {"generationConfig": {"extra_body": ZDR}},
        "modelProviders": {"openai": [{**entry, **body}]},
    }
    assert "a/b: zdr will be otherwise" in told(imported(json.dumps(settings)))
