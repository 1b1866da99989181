"""aider's model settings."""

from tests.importing.reading import CANARY, imported, sent, told

CONFIG = f"""\
- name: openrouter/anthropic/claude-sonnet-4
  edit_format: diff
  extra_params:
    extra_headers: {{X-Title: {CANARY}}}
    extra_body:
      provider:
        # first their own, then the cloud
        order: ["Anthropic", "Google"]
        allow_fallbacks: false
        data_collection: "deny"
      reasoning: {{effort: high}}
- name: gpt-4o
  extra_params: {{extra_body: {{provider: {{only: [azure]}}}}}}
- name: openrouter/deepseek/deepseek-chat
  weak_model_name: openrouter/deepseek/deepseek-chat
- name: openrouter/not a slug
  extra_params: {{extra_body: {{provider: {{only: [azure]}}}}}}
"""


def test_the_provider_object_of_a_model_becomes_its_rule() -> None:
    policy = imported(CONFIG)
    assert sent(policy, "anthropic/claude-sonnet-4") == (
        "anthropic/claude-sonnet-4",
        {
            "order": ["anthropic", "google-vertex"],
            "allow_fallbacks": False,
            "data_collection": "deny",
        },
    )
    assert (policy.rules, policy.aliases) == (1, 0)


def test_what_is_not_carried_over_is_said_with_its_line() -> None:
    elsewhere = "it is no model of OpenRouter: openrouter/author/model"
    assert told(imported(CONFIG)).splitlines() == [
        (
            "theirs:11: [0].extra_params.extra_body.reasoning: only the provider object is "
            "carried over; `set` in a rule can set the rest"
        ),
        f"theirs:13: [1].extra_params.extra_body.provider: gpt-4o: {elsewhere}",
        f"theirs:17: [3].extra_params.extra_body.provider: openrouter/not a slug: {elsewhere}",
    ]


def test_the_entry_for_all_models_replaces_what_theirs_say() -> None:
    policy = imported(
        """
        - name: openrouter/a/b
          extra_params: {extra_body: {provider: {only: [azure]}}}
        - name: aider/extra_params
          extra_params: {extra_body: {provider: {zdr: true}}}
        """
    )
    assert sent(policy, "a/b")[1] == sent(policy, "c/d")[1] == {"zdr": True}
    assert "aider/extra_params says otherwise" in told(policy)


def test_of_two_entries_of_one_name_the_last_is_in_force() -> None:
    policy = imported(
        """
        - {name: openrouter/a/b, extra_params: {extra_body: {provider: {only: [azure]}}}}
        - {name: openrouter/a/b, extra_params: {extra_body: {provider: {zdr: true}}}}
        """
    )
    assert sent(policy, "a/b")[1] == {"zdr": True}
    assert "a later entry of that name replaces it" in told(policy)


def test_other_fields_are_named_also_where_there_is_no_provider_object() -> None:
    policy = imported("- {name: openrouter/a/b, extra_params: {extra_body: {transforms: []}}}\n")
    assert policy.rules == 0
    assert "transforms" in told(policy)
