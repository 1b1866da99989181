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
    elsewhere = "not a model of OpenRouter, which reads openrouter/author/model"
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


def test_the_former_extra_body_is_read_where_it_stood() -> None:
    """`extra_body` stood beside `extra_params` in aider 0.57.0 (2024-09-21)."""
    policy = imported(
        """
        - name: openrouter/a/b
          extra_body:
            provider: {order: [Together]}
            transforms: []
        """
    )
    assert sent(policy, "a/b")[1] == {"order": ["together"]}
    assert "theirs:5: [0].extra_body.transforms: only the provider object" in told(policy)


def test_of_the_objects_of_one_entry_the_one_that_is_sent_counts() -> None:
    policy = imported(
        """
        - name: openrouter/a/b
          extra_body: {provider: {sort: price}}
          extra_params:
            extra_body: {provider: {zdr: true}}
            provider: {only: [novita]}
        """
    )
    assert sent(policy, "a/b")[1] == {"only": ["novita"]}
    place = "[0].extra_params.provider is sent in its place"
    assert told(policy).splitlines() == [
        f"theirs:3: [0].extra_body.provider: {place}",
        f"theirs:5: [0].extra_params.extra_body.provider: {place}",
    ]


def test_an_earlier_entry_without_a_provider_object_is_named_all_the_same() -> None:
    policy = imported("- {name: openrouter/a/b}\n- {name: openrouter/a/b}\n")
    assert told(policy) == "theirs:1: [0]: openrouter/a/b: a later entry of that name replaces it"
