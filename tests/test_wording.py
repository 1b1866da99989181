"""However many rules take part, a header and a line of the log stay short."""

import pytest

from app.wording import LONGEST, plural, rules_and_aliases, some_names, without_query_passwords


def test_few_names_are_all_there() -> None:
    assert some_names(()) == ""
    assert some_names(("a", "b")) == "a, b"
    assert some_names(("a", "b"), ",") == "a,b"
    assert some_names(("x" * LONGEST,)) == "x" * LONGEST


def test_of_many_names_the_first_are_there_and_the_others_are_counted() -> None:
    text = some_names([f"rule-{number:03}" for number in range(1000)])
    assert text.startswith("rule-000, rule-001, ")
    assert text.endswith(", rule-099 and 900 more")


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_a_name_without_end_is_cut(count: int) -> None:
    text = some_names(["x" * 5000] * count)
    assert text == "x" * LONGEST + (f" and {count - 1} more" if count > 1 else "")


@pytest.mark.parametrize(("number", "text"), [(0, "0 rules"), (1, "1 rule"), (1200, "1,200 rules")])
def test_one_is_singular(number: int, text: str) -> None:
    assert plural(number, "rule") == text


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert rules_and_aliases(1, 1) == "1 rule and 1 alias"
    assert rules_and_aliases(0, 2) == "0 rules and 2 aliases"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://h/d?password=geheim", "postgresql://h/d?password=PASSWORD"),
        ("postgresql://h/d?a=b&SSLPASSWORD=x#y", "postgresql://h/d?a=b&SSLPASSWORD=PASSWORD#y"),
    ],
)
def test_no_password_of_a_query_is_shown(url: str, shown: str) -> None:
    assert without_query_passwords(url) == shown
