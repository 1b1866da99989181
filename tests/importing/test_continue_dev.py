"""Continue's config.yaml and config.json."""

import json
from typing import Any

from tests.importing.reading import CANARY, imported, sent, told

# As Continue's docs/reference.mdx and config-yaml's schemas have it (2026-06-18).
CONFIG = f"""\
name: Mine
version: 0.0.1
schema: v1
requestOptions:
  extraBodyProperties: {{provider: {{data_collection: deny}}, transforms: []}}
models:
  - name: Coder
    provider: openrouter
    model: qwen/qwen3-coder
    apiKey: {CANARY}
    roles: [chat, edit]
    requestOptions:
      extraBodyProperties:
        provider: {{order: [DeepInfra], allow_fallbacks: false}}
  - name: GLM
    provider: openai
    model: z-ai/glm-4.7
    apiBase: https://openrouter.ai/api/v1
  - name: Local
    provider: ollama
    model: qwen3
    requestOptions: {{extraBodyProperties: {{provider: {{zdr: true}}}}}}
  - name: Whatever there is
    provider: openrouter
    model: AUTODETECT
  - uses: openrouter/kimi-k2
    override:
      requestOptions: {{extraBodyProperties: {{provider: {{only: [groq]}}}}}}
context:
  - {{provider: code}}
"""


def test_a_models_extra_body_replaces_that_for_all() -> None:
    policy = imported(CONFIG)
    model, provider = sent(policy, "qwen/qwen3-coder")
    assert model == "qwen/qwen3-coder"
    assert provider == {
        "order": ["deepinfra"],
        "allow_fallbacks": False,
        "data_collection": "deny",  # which is said
    }
    assert sent(policy, "z-ai/glm-4.7")[1] == {"data_collection": "deny"}


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    body = "requestOptions.extraBodyProperties"
    elsewhere = "it is not asked of OpenRouter"
    assert told(imported(CONFIG)).splitlines() == [
        (
            f"theirs:5: {body}.transforms: only the provider object is carried over; "
            "`set` in a rule can set the rest"
        ),
        (
            f"theirs:14: models[0].{body}.provider: qwen/qwen3-coder: data_collection will be "
            'otherwise, since "every model and 1 more from continue" is for it too'
        ),
        f"theirs:22: models[2].{body}.provider: qwen3: {elsewhere}",
        "theirs:23: models[3]: AUTODETECT: not a model slug, which reads author/model",
        f"theirs:28: models[4].override.{body}.provider: this entry: {elsewhere}",
    ]


def test_config_json_has_models_under_other_keys_too() -> None:
    def model(name: str, **provider: Any) -> dict[str, Any]:
        body = {"extraBodyProperties": {"provider": provider}}
        return {"title": "x", "provider": "openrouter", "model": name, "requestOptions": body}

    config = {
        "models": [model("a/b", zdr=True)],
        "tabAutocompleteModel": [model("c/d", sort="latency")],
        "embeddingsProvider": model("e/f", only=["novita"]),
    }
    policy = imported(json.dumps(config))
    assert sent(policy, "a/b")[1] == {"zdr": True}
    assert sent(policy, "c/d")[1] == {"sort": "latency"}
    assert sent(policy, "e/f")[1] == {"only": ["novita"]}
    assert policy.left == ()
