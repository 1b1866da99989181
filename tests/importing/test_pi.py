"""pi's models.json."""

import json
from typing import Any

from tests.importing.reading import CANARY, imported, sent, told

CONFIG = """\
{
	"providers": {
		"openrouter": {
			"baseUrl": "https://openrouter.ai/api/v1",
			"apiKey": "%s",
			"api": "openai-completions",
			"compat": { "openRouterRouting": { "data_collection": "deny", "ignore": ["azure"] } },
			"models": [
				{
					"id": "openrouter/moonshotai/kimi-k2",
					"name": "Kimi, by those who made it",
					"compat": { "openRouterRouting": { "only": ["Moonshot AI"], "ignore": [] } }
				},
				{ "id": "z-ai/glm-4.7" }
			],
			"modelOverrides": {
				"anthropic/claude-sonnet-4": {
					"compat": {
						"openRouterRouting": { "only": ["amazon-bedrock"], "fallbacks": [] }
					}
				},
				"z-ai/glm-4.7": { "compat": { "openRouterRouting": { "zdr": true } } }
			}
		}
	}
}
""" % (CANARY,)  # noqa: UP031 - braces all over


def routing(**fields: Any) -> dict[str, Any]:
    return {"compat": {"openRouterRouting": fields}}


def test_a_models_routing_stands_on_top_of_its_providers() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "anthropic/claude-sonnet-4")[1] == {
        "only": ["amazon-bedrock"],
        "ignore": ["azure"],
        "data_collection": "deny",
    }
    assert sent(policy, "any/other")[1] == {"ignore": ["azure"], "data_collection": "deny"}


def test_callers_keep_the_id_that_pi_sends() -> None:
    model, provider = sent(imported(CONFIG), "openrouter/moonshotai/kimi-k2")
    assert model == "moonshotai/kimi-k2"
    assert provider["only"] == ["moonshotai"]


def test_a_model_that_is_defined_goes_before_an_override_of_it() -> None:
    assert "zdr" not in sent(imported(CONFIG), "z-ai/glm-4.7")[1]


def test_tabs_are_no_obstacle_and_unknown_fields_are_said_with_their_line() -> None:
    assert told(imported(CONFIG)) == (
        "theirs:19: providers.openrouter.modelOverrides.anthropic/claude-sonnet-4.compat."
        "openRouterRouting.fallbacks: OpenRouter has no such field; did you mean allow_fallbacks?\n"
        "theirs:22: providers.openrouter.modelOverrides.z-ai/glm-4.7.compat.openRouterRouting: "
        "z-ai/glm-4.7: `models` defines this model too, and goes first"
    )


def test_routing_that_pi_never_sends_is_left_out() -> None:
    policy = imported(
        json.dumps(
            {
                "providers": {
                    "lab": {
                        "baseUrl": "http://192.0.2.7/v1",
                        **routing(zdr=True),
                        "models": [
                            {"id": "a/b", **routing(zdr=True)},
                            {"id": "plain"},
                            {"id": "c/d", "baseUrl": "https://openrouter.ai/api/v1"}
                            | routing(sort="price"),
                        ],
                    }
                }
            }
        )
    )
    assert policy.rules == 1
    assert sent(policy, "c/d")[1] == {"sort": "price"}
    assert [left.what for left in policy.left] == ["lab", "a/b"]


def test_openrouter_needs_no_address_but_ids_that_are_slugs() -> None:
    models = [{"id": "nonsense", **routing(zdr=True)}, {"id": "a/b", **routing(zdr=True)}, {}]
    policy = imported(json.dumps({"providers": {"openrouter": {"models": models}}}))
    assert sent(policy, "a/b")[1] == {"zdr": True}
    assert [left.what for left in policy.left] == ["nonsense", "this entry"]
