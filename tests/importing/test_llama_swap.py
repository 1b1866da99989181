"""llama-swap's peers."""

from tests.importing.reading import CANARY, imported, sent, told

CONFIG = f"""\
apiKeys: [{CANARY}]
models:
  local-small:
    cmd: llama-server --port ${{PORT}} -m /models/small.gguf
peers:
  workstation:
    proxy: http://192.0.2.7:8080
    models: [big-local]
    filters: {{setParams: {{provider: {{zdr: true}}}}}}
  openrouter:
    proxy: https://openrouter.ai/api
    apiKey: {CANARY}
    models:
      - z-ai/glm-4.7
      - Minimax/minimax-m2.1
      - ${{chosen}}
      - [nested]
    filters:
      stripParams: "temperature, top_p"
      setParams:
        top_k: 20
        provider: {{data_collection: "deny", quantizations: [fp8, BF16]}}
"""


def test_what_a_peer_sets_becomes_one_rule_for_all_of_its_models() -> None:
    policy = imported(CONFIG)
    wanted = {"data_collection": "deny", "quantizations": ["fp8", "bf16"]}
    for model in ("z-ai/glm-4.7", "minimax/minimax-m2.1"):
        assert sent(policy, model) == (model, wanted)
    assert (policy.rules, policy.aliases) == (1, 0)
    assert "name: z-ai/glm-4.7 and 1 more from llama-swap" in policy.text


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    no_slug = "not a model slug, which reads author/model"
    set_ = "only the provider object is carried over; `set` in a rule can set the rest"
    assert told(imported(CONFIG)).splitlines() == [
        (
            "theirs:9: peers.workstation.filters.setParams.provider: the peer workstation: "
            "its proxy is not OpenRouter"
        ),
        f"theirs:16: peers.openrouter.models[2]: ${{chosen}}: {no_slug}",
        f"theirs:17: peers.openrouter.models[3]: this entry: {no_slug}",
        f"theirs:19: peers.openrouter.filters.stripParams: {set_}",
        f"theirs:21: peers.openrouter.filters.setParams.top_k: {set_}",
    ]


def test_a_peer_is_openrouter_by_its_address_whatever_it_is_called() -> None:
    policy = imported(
        """
        peers:
          cloud:
            proxy: https://openrouter.ai/api
            models: [a/b]
            filters: {setParams: {provider: {zdr: true}}}
          plain: {proxy: "http://192.0.2.7", models: [c]}
        """
    )
    assert sent(policy, "a/b") == ("a/b", {"zdr": True})
    assert policy.left == ()
