"""Rules whose every value is right by itself, and which still can't be meant."""

import pytest

from app.errors import PolicyFileError
from tests.policy.mistakes import in_rule, mistakes
from tests.policy.sending import book_of


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["pin: [a]", "only: [a]"],
         "p.yaml:6: rules[0].only: pin says this already: it is `only` and `order` in one"),
        (["order: [a]", "pin: [a]"],
         "p.yaml:5: rules[0].order: pin says this already: it is `only` and `order` in one"),
        (["only: [a, b/fp8]", "ignore: [b, a, c]"],
         "p.yaml:6: rules[0].ignore: this shuts out all that `only` allows; nothing could serve"),
        (["pin: [a/fp8]", "ignore: [a]"],
         "p.yaml:6: rules[0].ignore: this shuts out all that `pin` allows; nothing could serve"),
        (["quantization_floor: fp8", "quantizations: [fp4, int4]"],
         "p.yaml:6: rules[0].quantizations: all of these are below the floor of fp8"),
        (["unknown_quantization: deny", "quantizations: [fp8, unknown]"],
         "p.yaml:6: rules[0].quantizations: it lists unknown, which unknown_quantization denies"),
        (["set: {model: a/b}"],
         "p.yaml:5: rules[0].set: set can't have model: give the model an alias"),
        (["set: {provider: {}}"],
         "p.yaml:5: rules[0].set: set can't have provider: write its fields into the rule"),
        (["set: {extra_body: {provider: {}}}"],
         "p.yaml:5: rules[0].set: set can't have extra_body: it is an argument of the OpenAI SDK"),
        (["set: {models: [a/b]}"], "p.yaml:5: rules[0].set: set can't have models: the caller"),
        (["set: {fallbacks: []}"], "p.yaml:5: rules[0].set: set can't have fallbacks: the caller"),
        (["strip: [model]"],
         "p.yaml:5: rules[0].strip: strip can't have model: a request needs its model"),
        (["strip: [provider]"],
         "p.yaml:5: rules[0].strip: strip can't have provider: `merge: replace` leaves"),
        (["refuse: [plugin]"],
         "p.yaml:5: rules[0].refuse: no request has a field plugin; did you mean plugins?"),
        (["strip: [servicetier]"],
         "p.yaml:5: rules[0].strip: no request has a field servicetier; did you mean service_"),
        (["set: {sesion_id: x}"],
         "p.yaml:5: rules[0].set: no request has a field sesion_id; did you mean session_id?"),
        (["set: {user: x}", "strip: [user]"],
         "p.yaml:6: rules[0].strip: user is under `set` too; choose one"),
        (["set: {user: x}", "refuse: [user]"],
         "p.yaml:6: rules[0].refuse: user is under `set` too; choose one"),
        (["strip: [plugins]", "refuse: [plugins]"],
         "p.yaml:6: rules[0].refuse: plugins is under `strip` too; choose one"),
    ],
)  # fmt: skip
def test_a_contradiction_is_said_at_the_key_to_change(lines: list[str], said: str) -> None:
    (mistake,) = in_rule(*lines)
    assert mistake.startswith(said)


def test_t58_a_tier_of_an_ignored_provider_is_shut_out_too() -> None:
    with pytest.raises(PolicyFileError, match="shuts out all that `only` allows"):
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
    assert mistake.startswith("p.yaml:5: aliases.x.preferences.only: pin says this already")
