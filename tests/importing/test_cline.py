"""The settings of Cline, Roo Code and Kilo Code."""

import json
from typing import Any

import pytest

from tests.importing.reading import CANARY, imported, sent, told

# As Roo Code exports it (packages/types/src/provider-settings.ts, 2026-04-14), with the keys that
# Kilo Code added while it was a fork of it (before its version 7).
EXPORT = """\
{
  "providerProfiles": {
    "currentApiConfigName": "default",
    "apiConfigs": {
      "default": {
        "id": "w4pl3m6qqd",
        "apiProvider": "openrouter",
        "openRouterApiKey": "%s",
        "openRouterModelId": "anthropic/claude-sonnet-4.6",
        "openRouterSpecificProvider": "amazon-bedrock"
      },
      "careful one": {
        "apiProvider": "openrouter",
        "openRouterModelId": "anthropic/claude-sonnet-4.6",
        "openRouterProviderDataCollection": "deny",
        "openRouterProviderSort": "throughput",
        "openRouterZdr": true
      },
      "same again": {
        "apiProvider": "openrouter",
        "openRouterModelId": "anthropic/claude-sonnet-4.6",
        "openRouterSpecificProvider": "amazon-bedrock"
      },
      "plain": {
        "apiProvider": "openrouter",
        "openRouterModelId": "z-ai/glm-4.7",
        "openRouterSpecificProvider": "[default]"
      },
      "gateway": {
        "apiProvider": "kilocode",
        "kilocodeModel": "qwen/qwen3-coder",
        "openRouterZdr": true
      },
      "unfinished": { "apiProvider": "openrouter", "openRouterSpecificProvider": "groq" },
      "claude": { "apiProvider": "anthropic", "openRouterProviderSort": null }
    }
  },
  "globalSettings": {
    "codebaseIndexConfig": {
      "codebaseIndexEmbedderProvider": "openrouter",
      "codebaseIndexEmbedderModelId": "qwen/qwen3-embedding-8b",
      "codebaseIndexOpenRouterSpecificProvider": "nebius"
    }
  }
}
""" % (CANARY,)  # noqa: UP031 - braces all over

PIN = {"only": ["amazon-bedrock"], "order": ["amazon-bedrock"], "allow_fallbacks": False}


def test_a_profile_becomes_the_rule_of_its_model() -> None:
    policy = imported(EXPORT)
    assert sent(policy, "anthropic/claude-sonnet-4.6")[1] == PIN
    assert sent(policy, "z-ai/glm-4.7")[1] == {}
    pin = {"only": ["nebius"], "order": ["nebius"], "allow_fallbacks": False}
    assert sent(policy, "qwen/qwen3-embedding-8b")[1] == pin


def test_a_second_profile_for_a_model_gets_an_alias() -> None:
    model, provider = sent(imported(EXPORT), "careful-one")
    assert model == "anthropic/claude-sonnet-4.6"
    assert provider["zdr"] is True
    assert provider["data_collection"] == "deny"


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    profiles = "providerProfiles.apiConfigs"
    said = told(imported(EXPORT)).splitlines()
    assert said[0] == (
        f"theirs:12: {profiles}.careful one: the tool asks for anthropic/claude-sonnet-4.6 here "
        "as in line 5; to tell them apart, write careful-one as its model"
    )
    assert said[1].startswith(f"theirs:12: {profiles}.careful one: careful-one: only, order, ")
    assert said[2:] == [
        f"theirs:29: {profiles}.gateway: this profile does not ask OpenRouter",
        (
            f"theirs:34: {profiles}.unfinished: its model is not a model slug, which reads "
            "author/model"
        ),
    ]


def test_of_a_pin_and_a_sort_the_pin_counts() -> None:
    profile = {
        "id": "default",
        "provider": "openrouter",
        "openRouterModelId": "a/b",
        "openRouterSpecificProvider": "Anthropic",
        "openRouterProviderSort": "latency",
        "openRouterProviderFancy": 1,
    }
    policy = imported(json.dumps({"version": "1.0.0", "providers": [profile]}))
    assert sent(policy, "a/b")[1]["only"] == ["anthropic"]
    assert told(policy) == (
        "theirs:1: providers[0].openRouterProviderFancy: "
        "not a provider setting that is known here\n"
        "theirs:1: providers[0]: sort: OpenRouter ignores a `sort` if there is an `order`"
    )


SORTING = {"openRouterProviderSorting": "throughput"}


# As Cline stores it (state-keys.ts, and provider-settings.ts of its SDK, 2026-08-22).
@pytest.mark.parametrize(
    "settings",
    [
        {"actModeOpenRouterModelId": "a/b", "planModeOpenRouterModelId": "c/d", **SORTING},
        {
            "version": 1,
            "providers": {
                "cline": {"settings": {"provider": "cline"}},
                "openrouter": {
                    "settings": {"provider": "openrouter", "model": "a/b", "extras": SORTING},
                    "updatedAt": "2026-08-22T00:00:00.000Z",
                },
            },
        },
        {"version": 1, "providers": {"openrouter": {"settings": SORTING}}},
    ],
)
def test_clines_sorting_is_for_every_model(settings: dict[str, Any]) -> None:
    policy = imported(json.dumps(settings))
    assert policy.tool == "Cline, Roo Code or Kilo Code"
    assert sent(policy, "any/model")[1] == {"sort": "throughput"}
    assert policy.left == ()


def test_a_profile_that_asks_elsewhere_is_left_out() -> None:
    profile = {
        "apiProvider": "openrouter",
        "openRouterBaseUrl": "https://llm.example",
        "openRouterModelId": "a/b",
        "openRouterZdr": True,
    }
    export = {"providerProfiles": {"apiConfigs": {"mine": profile, "other": {}}}}
    policy = imported(json.dumps(export))
    assert policy.rules == 0
    assert "mine: this profile does not ask OpenRouter" in told(policy)
