"""Zed's settings.json."""

from tests.importing.reading import imported, sent, told

# As crates/open_router of Zed has it (2025; its words for data_collection are its own).
CONFIG = """\
// Zed settings
//
// For information on how to configure Zed, see the documentation.
{
  "agent": { "default_model": { "provider": "openrouter", "model": "openrouter/auto" } },
  "language_models": {
    "open_router": {
      "api_url": "https://openrouter.ai/api/v1",
      "available_models": [
        {
          "name": "openrouter/auto",
          "display_name": "Auto Router (Tools Required)",
          "max_tokens": 2000000,
          "supports_tools": true,
          "provider": {
            "order": ["anthropic", "Amazon Bedrock"], // slugs, or names
            "allow_fallbacks": true,
            "require_parameters": true,
            "data_collection": "disallow",
            "ignore": [],
            "only": null,
            "quantizations": ["FP8"],
          },
        },
        { "name": "z-ai/glm-4.7", "max_tokens": 200000 },
        { "name": "glm", "max_tokens": 200000, "provider": { "sort": "throughput" } },
        { "max_tokens": 200000 },
      ],
    },
    "openai_compatible": {
      "Mine": {
        "api_url": "https://openrouter.ai/api/v1",
        "available_models": [{ "name": "a/b", "provider": { "zdr": true } }],
      },
    },
  },
}
"""


def test_a_models_provider_object_becomes_its_rule() -> None:
    assert sent(imported(CONFIG), "openrouter/auto") == (
        "openrouter/auto",
        {
            "order": ["anthropic", "amazon-bedrock"],
            "allow_fallbacks": True,
            "require_parameters": True,
            "data_collection": "deny",
            "quantizations": ["fp8"],
        },
    )
    assert imported(CONFIG).rules == 1


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    where = "language_models.open_router.available_models"
    no_slug = "not a model slug, which reads author/model"
    assert told(imported(CONFIG)).splitlines() == [
        f"theirs:26: {where}[2].provider: glm: {no_slug}",
        f"theirs:27: {where}[3]: this entry: {no_slug}",
        (
            "theirs:33: language_models.openai_compatible.Mine.available_models[0].provider: "
            "zdr: not carried over: Zed is not known to send provider settings from here"
        ),
    ]


def test_models_that_are_asked_for_elsewhere_are_left_out() -> None:
    policy = imported(CONFIG.replace("https://openrouter.ai", "https://llm.example", 1))
    assert policy.rules == 0
    assert "openrouter/auto: the api_url is not OpenRouter's" in told(policy)
