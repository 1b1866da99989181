"""LibreChat's librechat.yaml."""

from tests.importing.reading import CANARY, imported, sent, told

# As LibreChat's documentation of custom endpoints has it (version 1.3.0, 2026).
CONFIG = f"""\
version: 1.3.0
cache: true
endpoints:
  custom:
    - name: "OpenRouter"
      apiKey: "{CANARY}"
      baseURL: "https://openrouter.ai/api/v1"
      models:
        default: ["meta-llama/llama-3-70b-instruct"]
        fetch: true
      titleConvo: true
      dropParams: ["stop"]
      addParams:
        provider: {{data_collection: deny}}
        transforms: []
    - name: "Coders"
      baseURL: "https://openrouter.ai/api/v1"
      models:
        default: ["qwen/qwen3-coder", {{name: "z-ai/glm-4.7"}}, "two words", []]
        fetch: false
      addParams: {{provider: {{order: ["Together"]}}}}
    - name: "Mistral"
      baseURL: "https://api.mistral.ai/v1"
      models: {{default: ["mistral-tiny"], fetch: true}}
      addParams: {{provider: {{zdr: true}}}}
    - name: "openrouter"
      baseURL: "${{OPENROUTER_BASE}}"
      models: {{default: ["a/b"]}}
    - name: "Plain"
      baseURL: "https://llm.example/v1"
      models: {{default: ["a/b"]}}
"""


def test_an_endpoint_that_fetches_its_models_is_for_every_model() -> None:
    assert sent(imported(CONFIG), "any/model")[1] == {"data_collection": "deny"}


def test_an_endpoint_that_lists_its_models_is_for_these() -> None:
    policy = imported(CONFIG)
    for model in ("qwen/qwen3-coder", "z-ai/glm-4.7"):
        assert sent(policy, model)[1] == {"order": ["together"], "data_collection": "deny"}


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    custom = "endpoints.custom"
    no_slug = "not a model slug, which reads author/model"
    cascade = 'data_collection will be otherwise, since "every model from librechat" is for it too'
    assert told(imported(CONFIG)).splitlines() == [
        (
            f"theirs:15: {custom}[0].addParams.transforms: only the provider object is carried "
            "over; `set` in a rule can set the rest"
        ),
        f"theirs:19: {custom}[1].models.default[2]: two words: {no_slug}",
        f"theirs:19: {custom}[1].models.default[3]: this entry: {no_slug}",
        f"theirs:21: {custom}[1].addParams.provider: qwen/qwen3-coder: {cascade}",
        f"theirs:21: {custom}[1].addParams.provider: z-ai/glm-4.7: {cascade}",
        f"theirs:25: {custom}[2].addParams.provider: Mistral: its baseURL is not OpenRouter's",
        f"theirs:28: {custom}[3].models.default[0]: a/b: {cascade}",
    ]
