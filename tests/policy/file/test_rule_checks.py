"""Rules whose every value is right by itself, and which still can't be meant."""

import pytest

from app.errors import PolicyFileError
from tests.policy.mistakes import in_rule, mistakes
from tests.policy.sending import book_of


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["pin: [a]", "only: [a]"],
         ("p.yaml:6: rules[0].only: `pin` already sets this, as `only` and `order` in one; "
             "remove one of them")),
        (["order: [a]", "pin: [a]"],
         ("p.yaml:5: rules[0].order: `pin` already sets this, as `only` and `order` in one; "
             "remove one of them")),
        (["only: [a, b/fp8]", "ignore: [b, a, c]"],
         ("p.yaml:6: rules[0].ignore: excludes everything that `only` allows, so no endpoint "
             "could serve")),
        (["pin: [a/fp8]", "ignore: [a]"],
         ("p.yaml:6: rules[0].ignore: excludes everything that `pin` allows, so no endpoint "
             "could serve")),
        (["quantization_floor: fp8", "quantizations: [fp4, int4]"],
         ("p.yaml:6: rules[0].quantizations: every label is below `quantization_floor: fp8`; "
             "add a higher one")),
        (["unknown_quantization: deny", "quantizations: [fp8, unknown]"],
         ("p.yaml:6: rules[0].quantizations: lists `unknown`, which `unknown_quantization: "
             "deny` excludes; remove one")),
        (["set: {model: a/b}"],
         ("p.yaml:5: rules[0].set: `set` can't contain `model`: define an alias for the "
             "model instead")),
        (["set: {provider: {}}"],
         "p.yaml:5: rules[0].set: `set` can't contain `provider`: write its fields into the rule"),
        (["set: {extra_body: {provider: {}}}"],
         ("p.yaml:5: rules[0].set: `set` can't contain `extra_body`: it is an argument of "
             "the OpenAI SDK; set its fields directly")),
        (["set: {models: [a/b]}"], ("p.yaml:5: rules[0].set: `set` can't contain `models`: "
            "fallback models come from the request; each has its own rules")),
        (["set: {fallbacks: []}"], ("p.yaml:5: rules[0].set: `set` can't contain `fallbacks`: "
            "fallback models come from the request; each has its own rules")),
        (["strip: [model]"],
         ("p.yaml:5: rules[0].strip: `strip` can't contain `model`: every request requires "
             "it; `refuse: [model]` refuses such requests")),
        (["strip: [provider]"],
         ("p.yaml:5: rules[0].strip: `strip` can't contain `provider`: use `merge: replace` "
             "to ignore the request's object")),
        (["refuse: [plugin]"],
         "p.yaml:5: rules[0].refuse: `plugin` is not a request field; did you mean plugins?"),
        (["strip: [servicetier]"],
         ("p.yaml:5: rules[0].strip: `servicetier` is not a request field; did you mean "
             "service_tier?")),
        (["set: {sesion_id: x}"],
         "p.yaml:5: rules[0].set: `sesion_id` is not a request field; did you mean session_id?"),
        (["set: {user: x}", "strip: [user]"],
         "p.yaml:6: rules[0].strip: `user` is also under `set`; remove it from one of them"),
        (["set: {user: x}", "refuse: [user]"],
         "p.yaml:6: rules[0].refuse: `user` is also under `set`; remove it from one of them"),
        (["strip: [plugins]", "refuse: [plugins]"],
         "p.yaml:6: rules[0].refuse: `plugins` is also under `strip`; remove it from one of them"),
    ],
)  # fmt: skip
def test_a_contradiction_is_said_at_the_key_to_change(lines: list[str], said: str) -> None:
    (mistake,) = in_rule(*lines)
    assert mistake.startswith(said)


def test_t58_a_tier_of_an_ignored_provider_is_shut_out_too() -> None:
    with pytest.raises(PolicyFileError, match="excludes everything that `only` allows"):
        book_of({"only": ["a/priority"], "ignore": ["a"]})


@pytest.mark.parametrize(
    "rule",
    [
        {"only": ["a"], "ignore": ["a/us"]},
        {"quantization_floor": "fp8", "quantizations": ["fp4", "fp8"]},
        {"quantization_floor": "fp8", "quantizations": ["fp4", "unknown"]},
        {"quantizations": ["unknown"], "unknown_quantization": "allow"},
        {"set": {"a_field_of_tomorrow": 1}, "refuse": ["another_one"]},
    ],
)
def test_what_could_be_meant_is_let_be(rule: dict[str, object]) -> None:
    book_of({"models": ["a/*"], **rule})


def test_an_aliass_preferences_are_held_to_the_same() -> None:
    (mistake,) = mistakes("version: 1\naliases:\n  x:\n    model: a/b\n"
                          "    preferences: {pin: [a], only: [a]}")  # fmt: skip
    assert mistake.startswith(
        "p.yaml:5: aliases.x.preferences.only: `pin` already sets this, as `only` and "
        "`order` in one; remove one of them"
    )
