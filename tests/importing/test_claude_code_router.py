"""claude-code-router's config.json."""

from tests.importing.reading import CANARY, imported, sent, told

# As its README has it in version 1.0.73 (2025-12); version 3 reads such a file once and keeps a
# database after that.
CONFIG = """\
{
  "LOG": true,
  "APIKEY": "%s",
  "Providers": [
    {
      "name": "openrouter",
      "api_base_url": "https://openrouter.ai/api/v1/chat/completions",
      "api_key": "%s",
      "models": [
        "moonshotai/kimi-k2",
        "anthropic/claude-sonnet-4",
        "qwen/qwen3-coder@preset/cheap",
        ["nested"]
      ],
      "transformer": {
        "use": [
          ["openrouter", { "provider": { "ignore": ["Chutes"] }, "transforms": [] }],
          ["maxtoken", { "max_tokens": 16384 }]
        ],
        "moonshotai/kimi-k2": {
          "use": [["openrouter", { "provider": { "only": ["moonshotai/fp8"] } }]]
        },
        "qwen/qwen3-coder": {
          "use": [
            "enhancetool",
            ["customparams", { "provider": { "zdr": true } }],
            ["openrouter", { "provider": { "sort": "price" } }]
          ]
        },
        "no slug": { "use": [["openrouter", { "provider": { "zdr": true } }]] }
      }
    },
    {
      "name": "elsewhere",
      "api_base_url": "https://llm.example/v1/chat/completions",
      "models": ["a/b"],
      "transformer": {
        "use": [["openrouter", { "provider": { "zdr": true } }]],
        "a/b": { "use": [["openrouter", { "provider": { "zdr": false } }]] }
      }
    }
  ],
  "Router": { "default": "openrouter,moonshotai/kimi-k2" }
}
""" % (CANARY, CANARY)  # noqa: UP031 - braces all over

PATH = "Providers[0].transformer"


def test_a_models_transformer_comes_after_that_for_all_and_replaces_its_object() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "moonshotai/kimi-k2")[1] == {"only": ["moonshotai/fp8"]}
    assert sent(policy, "anthropic/claude-sonnet-4")[1] == {"ignore": ["chutes"]}
    assert sent(policy, "any/other")[1] == {}


def test_of_two_objects_for_one_model_the_later_is_sent() -> None:
    assert sent(imported(CONFIG), "qwen/qwen3-coder")[1] == {"sort": "price"}


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    no_slug = "not a model slug, which reads author/model"
    assert told(imported(CONFIG)).splitlines() == [
        f"theirs:12: Providers[0].models[2]: qwen/qwen3-coder@preset/cheap: {no_slug}",
        f"theirs:13: Providers[0].models[3]: this entry: {no_slug}",
        (
            f"theirs:17: {PATH}.use[0][1].transforms: only the provider object is carried over; "
            "`set` in a rule can set the rest"
        ),
        (
            f"theirs:26: {PATH}.qwen/qwen3-coder.use[1][1].provider: "
            f"{PATH}.qwen/qwen3-coder.use[2][1].provider is sent in its place"
        ),
        f"theirs:30: {PATH}.no slug.use[0][1].provider: no slug: {no_slug}",
        (
            "theirs:38: Providers[1].transformer.use[0][1].provider: elsewhere: "
            "its api_base_url is not OpenRouter's"
        ),
        (
            "theirs:39: Providers[1].transformer.a/b.use[0][1].provider: a/b: "
            "the api_base_url is not OpenRouter's"
        ),
    ]


def test_the_list_may_begin_in_lower_case_and_the_address_be_pointsmans() -> None:
    policy = imported(
        CONFIG.replace("Providers", "providers").replace("openrouter.ai", "[::1]:4477")
    )
    assert sent(policy, "moonshotai/kimi-k2")[1] == {"only": ["moonshotai/fp8"]}


def test_a_model_without_transformers_is_no_loss_whatever_its_name() -> None:
    policy = imported(
        """
        Providers:
          - {api_base_url: "https://openrouter.ai/api/v1/chat/completions", models: [no slug, a/b]}
        """
    )
    assert (policy.rules, policy.left) == (0, ())
