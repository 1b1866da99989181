"""However many rules take part, a header and a line of the log stay short."""

import pytest

from app.wording import LONGEST, counted, some_names


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "rule", "0 rules"),
        (1, "rule", "1 rule"),
        (2, "rule", "2 rules"),
        (1, "alias", "1 alias"),
        (2, "alias", "2 aliases"),
    ],
)
def test_one_of_a_thing_is_not_named_as_several(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


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
