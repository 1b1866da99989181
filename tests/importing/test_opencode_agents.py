"""opencode's agents and modes."""

import json
from typing import Any

from tests.importing.reading import book_of, imported, sent, told

# As opencode's agents.mdx has it ("Any other options ... will be passed through directly to the
# provider as model options") and packages/opencode/src/session/llm/request.ts merges (2026-11).
CONFIG = """\
{
  "$schema": "https://opencode.ai/config.json",
  "model": "openrouter/moonshotai/kimi-k2",
  "provider": {
    "openrouter": {
      "models": {
        "moonshotai/kimi-k2": {
          "options": { "provider": { "order": ["novita"], "max_price": { "prompt": 1 } } }
        },
        "glm": { "id": "z-ai/glm-4.7" }
      }
    }
  },
  "agent": {
    "build": { "mode": "primary", "prompt": "{file:./build.txt}" },
    "plan": {
      "model": "openrouter/moonshotai/kimi-k2",
      "provider": { "allow_fallbacks": false, "max_price": { "completion": 2 } }
    },
    "review": {
      "model": "openrouter/qwen/qwen3-coder",
      "options": { "provider": { "only": ["DeepInfra"] } }
    },
    "docs": { "model": "openrouter/glm", "provider": { "zdr": true, "fast": 1 } },
    "abroad": { "model": "anthropic/claude-sonnet-4.6", "provider": { "zdr": true } },
    "odd": { "model": "openrouter/no slug", "provider": { "zdr": true } }
  },
  "mode": {
    "cheap": { "provider": { "sort": "price" }, "options": { "provider": { "zdr": true } } }
  }
}
"""


def test_what_one_agent_alone_asks_of_a_model_becomes_its_rule() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "qwen/qwen3-coder")[1] == {"only": ["deepinfra"]}


def test_an_agent_that_shares_a_model_gets_an_alias_with_both_objects() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "moonshotai/kimi-k2")[1] == {
        "order": ["novita"],
        "max_price": {"prompt": 1},
    }
    assert sent(policy, "agent-plan") == (
        "moonshotai/kimi-k2",
        {
            "order": ["novita"],
            "allow_fallbacks": False,
            "max_price": {"prompt": 1, "completion": 2},
        },
    )
    assert book_of(policy).aliases["glm"].model == "z-ai/glm-4.7"
    assert sent(policy, "agent-docs") == ("z-ai/glm-4.7", {"zdr": True})


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    kimi = "moonshotai/kimi-k2 here as in line 8"
    alias = "to tell them apart, write"
    assert told(imported(CONFIG)).splitlines() == [
        (
            f"theirs:18: agent.plan.provider: agent plan: opencode asks for {kimi}; "
            f"{alias} agent-plan as its model"
        ),
        "theirs:24: agent.docs.provider.fast: OpenRouter has no such field",
        (
            "theirs:24: agent.docs.provider: agent docs: opencode asks for glm here as in line "
            f"10; {alias} agent-docs as its model"
        ),
        (
            "theirs:25: agent.abroad.provider: agent abroad: anthropic/claude-sonnet-4.6 may not "
            "be asked of OpenRouter"
        ),
        (
            "theirs:26: agent.odd.provider: agent odd: openrouter/no slug may not be asked of "
            "OpenRouter"
        ),
        ("theirs:29: mode.cheap.options.provider: mode.cheap.provider is sent in its place"),
        (
            f"theirs:29: mode.cheap.provider: mode cheap: opencode asks for {kimi}; "
            f"{alias} mode-cheap as its model"
        ),
    ]


def agents(**config: Any) -> str:
    return json.dumps({"$schema": "https://opencode.ai/config.json", **config})


def test_an_agent_without_a_model_uses_that_of_the_file() -> None:
    plan = {"plan": {"provider": {"zdr": True}}}
    policy = imported(agents(model="openrouter/a/b", agent=plan))
    assert sent(policy, "a/b") == ("a/b", {}), "which other agents use too"
    assert sent(policy, "agent-plan") == ("a/b", {"zdr": True})
    said = told(imported(agents(agent=plan)))
    assert "agent.plan.provider: agent plan: its model may not be asked of OpenRouter" in said


def test_an_agent_that_shares_the_models_own_settings_needs_no_alias() -> None:
    plan = {"plan": {"model": "openrouter/a/b", "provider": {"zdr": True}}, "build": {}}
    models = {"a/b": {"options": {"provider": {"zdr": True}}}}
    config = {"provider": {"openrouter": {"models": models}}, "model": "openrouter/a/b"}
    policy = imported(agents(**config, agent=plan))
    assert (policy.rules, policy.aliases, policy.left) == (1, 0, ())


def test_the_models_that_are_used_without_an_agents_settings_keep_their_name() -> None:
    plan = {"plan": {"model": "openrouter/a/b", "provider": {"zdr": True}}}
    policy = imported(agents(small_model="openrouter/a/b", agent=plan))
    assert sent(policy, "a/b")[1] == {}
    assert sent(policy, "agent-plan") == ("a/b", {"zdr": True})
