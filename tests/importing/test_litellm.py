"""LiteLLM's proxy configuration."""

import pytest

from tests.importing.reading import CANARY, book_of, imported, sent, told

CONFIG = f"""\
model_list:
  # the team's coder, on hosts that were tried out
  - model_name: team-coder
    litellm_params: &coder
      model: openrouter/qwen/qwen3-coder
      api_key: {CANARY}
      timeout: 600
      extra_body:
        provider:
          order: [DeepInfra, novita/fp8]
          allow_fallbacks: false
  - model_name: team-coder-cheap
    litellm_params:
      <<: *coder
      extra_body:
        provider: {{sort: price, max_price: {{prompt: "0.4", completion: 2}}}}
  - model_name: z-ai/glm-4.7
    litellm_params:
      model: openrouter/z-ai/glm-4.7
      api_key: os.environ/OPENROUTER_API_KEY
      extra_body: {{provider: {{zdr: true}}, transforms: ["middle-out"]}}
  - model_name: on-azure
    litellm_params: {{model: azure/gpt-4o, api_key: {CANARY}}}
litellm_settings:
  default_fallbacks: [team-coder]
general_settings:
  master_key: {CANARY}
"""


def one(params: str, name: str = "mine") -> str:
    return f"model_list:\n  - {{model_name: {name}, litellm_params: {{{params}}}}}\n"


def test_callers_keep_their_names_and_each_name_its_provider_object() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "team-coder") == (
        "qwen/qwen3-coder",
        {"order": ["deepinfra", "novita/fp8"], "allow_fallbacks": False},
    )
    assert sent(policy, "team-coder-cheap") == (
        "qwen/qwen3-coder",
        {"sort": "price", "max_price": {"prompt": 0.4, "completion": 2}},
    )
    assert sent(policy, "z-ai/glm-4.7") == ("z-ai/glm-4.7", {"zdr": True})


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    said = told(imported(CONFIG)).splitlines()
    assert said == [
        (
            "theirs:21: model_list[2].litellm_params.extra_body.transforms: only the provider "
            "object is carried over; `set` in a rule can set the rest"
        ),
        "theirs:22: model_list[3]: on-azure: it is not served by OpenRouter",
        (
            "theirs:25: litellm_settings.default_fallbacks: a policy chooses providers, not "
            "models; clients list fallback models, in `models`"
        ),
    ]


@pytest.mark.parametrize(
    ("params", "model"),
    [
        ("model: openrouter/qwen/qwen3-coder", "qwen/qwen3-coder"),
        ("model: openrouter/openrouter/auto", "openrouter/auto"),
        ("model: openrouter/auto", "openrouter/auto"),
        ("model: Qwen/Qwen3-Coder, custom_llm_provider: openrouter", "qwen/qwen3-coder"),
        ("model: openai/z-ai/glm-4.7, api_base: 'https://openrouter.ai/api/v1'", "z-ai/glm-4.7"),
        ("model: openai/gpt-5, base_url: 'https://openrouter.ai/api/v1'", "openai/gpt-5"),
    ],
)
def test_a_model_is_openrouters_by_its_prefix_its_provider_or_its_address(
    params: str, model: str
) -> None:
    assert sent(imported(one(params)), "mine") == (model, {})


@pytest.mark.parametrize("params", ["model: azure/gpt-4o", "", "model: 4"])
def test_a_model_of_another_provider_is_left_out(params: str) -> None:
    policy = imported(one(params))
    assert (policy.rules, policy.aliases) == (0, 0)
    assert "it is not served by OpenRouter" in told(policy)


def test_a_name_that_is_no_slug_is_left_out() -> None:
    policy = imported(one("model: openrouter/not a slug/x"))
    assert policy.aliases == 0
    assert "not a model slug" in told(policy)


def test_a_wildcard_is_for_every_model() -> None:
    body = "extra_body: {provider: {data_collection: deny}}"
    policy = imported(one(f"model: 'openrouter/*', {body}", "'openrouter/*'"))
    assert sent(policy, "any/model") == ("any/model", {"data_collection": "deny"})
    assert "the models' own names" in told(policy)
    policy = imported(one(f"model: 'openrouter/qwen/*', {body}", "'qwen/*'"))
    assert sent(policy, "qwen/qwen3-coder")[1] == {"data_collection": "deny"}
    assert sent(policy, "any/model")[1] == {}
    assert policy.left == ()


def test_a_deployment_without_wishes_is_an_alias_if_callers_call_it_otherwise() -> None:
    assert book_of(imported(one("model: openrouter/a/b"))).aliases["mine"].model == "a/b"
    unneeded = imported(one("model: openrouter/a/b", "A/B"))
    assert (unneeded.rules, unneeded.aliases) == (0, 0)


def test_a_provider_object_among_the_parameters_goes_before_that_in_the_body() -> None:
    params = "provider: {only: [novita]}, extra_body: {provider: {zdr: true}}"
    policy = imported(one(f"model: openrouter/a/b, {params}"))
    assert sent(policy, "mine")[1] == {"only": ["novita"]}
    path = "model_list[0].litellm_params"
    assert (
        told(policy)
        == f"theirs:2: {path}.extra_body.provider: {path}.provider is sent in its place"
    )


def test_a_provider_that_is_a_word_is_another_setting() -> None:
    assert imported(one("model: openrouter/a/b, provider: openrouter")).left == ()


DEFAULTS = """\
model_list:
  - model_name: fast
    litellm_params:
      model: openrouter/a/b
      extra_body: {provider: {sort: throughput}}
  - {model_name: c/d, litellm_params: {model: openrouter/c/d}}
router_settings:
  default_litellm_params:
    extra_body:
      provider: {data_collection: deny}
      transforms: []
include: [more.yaml]
"""


def test_default_parameters_are_for_every_model() -> None:
    policy = imported(DEFAULTS)
    assert sent(policy, "c/d")[1] == sent(policy, "any/other")[1] == {"data_collection": "deny"}
    assert sent(policy, "fast") == ("a/b", {"sort": "throughput", "data_collection": "deny"})


def test_what_litellm_does_otherwise_with_defaults_is_said_with_its_line() -> None:
    assert told(imported(DEFAULTS)).splitlines() == [
        (
            "theirs:5: model_list[0].litellm_params.extra_body.provider: fast: LiteLLM sends "
            "default_litellm_params in place of this; here this stands on top"
        ),
        (
            "theirs:11: router_settings.default_litellm_params.extra_body.transforms: only the "
            "provider object is carried over; `set` in a rule can set the rest"
        ),
        "theirs:12: include[0]: include: files that are included are imported one by one",
    ]


def test_provider_objects_that_litellm_never_sends_are_named_with_their_line() -> None:
    policy = imported(
        f"""\
        model_list:
          - model_name: on-azure
            litellm_params:
              model: azure/gpt-4o
              extra_body: {{provider: {{only: [azure], zdr: true}}}}
          - model_name: mine
            litellm_params: {{model: openrouter/a/b}}
            provider: {{order: [novita]}}
        litellm_settings:
          default_params: {{extra_body: {{provider: {{allow_fallbacks: false}}}}}}
        general_settings: {{master_key: {CANARY}}}
        """
    )
    unknown = "not carried over: LiteLLM's proxy is not known to send provider settings from here"
    assert told(policy).splitlines() == [
        (
            "theirs:5: model_list[0].litellm_params.extra_body.provider: on-azure: "
            "it is not served by OpenRouter"
        ),
        f"theirs:8: model_list[1].provider: order: {unknown}",
        (
            "theirs:10: litellm_settings.default_params.extra_body.provider: allow_fallbacks: "
            f"{unknown}"
        ),
    ]
