"""What is wrong between rules, aliases and files that are each right by themselves."""

import pytest

from tests.policy.mistakes import mistakes
from tests.policy.sending import book_of

HEAD = "version: 1\n"
Y_IGNORES_X = "aliases: {y: {model: a/b, preferences: {ignore: [x]}}}"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("rules: [{name: a, models: [a/b]}, {name: A, models: [a/b]}]",
         'p.yaml:2: rules.A: a rule named "a" already exists at p.yaml:2; rename one of them'),
        ("aliases: {x: {model: a/b}, X: {model: a/b}}",
         'p.yaml:2: aliases.X: an alias named "x" already exists at p.yaml:2; rename one of them'),
        ("rules: [{name: precise, models: [a/b]}]\naliases: {x: {model: a/b, rule: precis}}",
         'p.yaml:3: aliases.x: no rule is named "precis"; did you mean precise?'),
        ("aliases: {x: {model: a/b, rule: zzz}}",
         'p.yaml:2: aliases.x: no rule is named "zzz"; add such a rule, or remove `rule`'),
        ("aliases: {a/x: {model: a/b}, y: {model: a/x}}",
         "p.yaml:2: aliases.y: a/x is itself an alias; use the model that it stands for"),
        ("aliases: {a/b: {model: a/b}}",
         "p.yaml:2: aliases.a/b: a/b is itself an alias; use the model that it stands for"),
        ("rules: [{name: a, zdr: true}]",
         "p.yaml:2: rules.a: `models` is missing and no alias uses this rule, so it never applies"),
        ("rules: [{name: a, models: ['*'], only: [x]}, {name: b, models: [a/b], ignore: [x]}]",
         'p.yaml:2: rules.b: for a/b, rule "a" (p.yaml:2) and rule "b" (p.yaml:2) contradict each'),
        ("rules: [{name: a, models: [a/b], order: [x], ignore: [x], allow_fallbacks: false}]",
         'p.yaml:2: rules.a: for a/b, rule "a" (p.yaml:2) contradict each other (order, ignore)'),
        ("rules: [{name: a, models: [a/*], only: [x]}]\n" + Y_IGNORES_X,
         'p.yaml:3: aliases.y: for y, rule "a" (p.yaml:2) and alias y (p.yaml:3) contradict each'),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_named(rules: str, said: str) -> None:
    (mistake,) = mistakes(HEAD + rules)
    assert mistake.startswith(said)


def test_a_name_given_in_two_files_is_told_with_the_place_of_the_first() -> None:
    rule = HEAD + "rules:\n  - name: a\n    models: [a/b]\n"
    (mistake,) = mistakes(rule, q=rule)
    assert (
        mistake
        == 'q.yaml:3: rules.a: a rule named "a" already exists at p.yaml:3; rename one of them'
    )


def test_a_rule_without_models_is_for_the_aliases_that_name_it() -> None:
    book = book_of({"name": "mine", "models": None, "zdr": True},
                   aliases={"x": {"model": "a/b", "rule": "mine"}})  # fmt: skip
    assert book.rules[0].models == ()


def test_an_alias_may_be_named_like_another_models_slug() -> None:
    assert list(book_of(aliases={"gpt/five": {"model": "qwen/qwen3"}}).aliases) == ["gpt/five"]
