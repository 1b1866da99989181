"""What entries come to."""

import pytest

from app.importing.entry import deep, told_apart
from app.importing.found import Found, Left, Place, found_as


def found(name: str, line: int, **provider: object) -> Found:
    return found_as(name, name.lower(), provider, Place("theirs", line, ""))


@pytest.mark.parametrize(
    ("under", "over", "merged"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": {"x": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": [1]}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ],
)
def test_one_mapping_is_put_on_top_of_another(
    under: dict[str, object], over: dict[str, object], merged: dict[str, object]
) -> None:
    assert deep(under, over) == merged


def test_requests_for_one_model_that_want_different_things_are_told_apart() -> None:
    named = [
        ("one", found("a/b", 1, zdr=True)),
        ("two", found("A/B", 2, zdr=True)),
        ("-- a third, by name!", found("a/b", 3, sort="price")),
        ("other", found("c/d", 4)),
    ]
    answer = [*told_apart(named, "it")]
    aliases = {each.place.line: each.alias for each in answer if isinstance(each, Found)}
    assert aliases == {1: None, 2: None, 3: "a-third-by-name", 4: None}
    assert [str(each) for each in answer if isinstance(each, Left)] == [
        (
            "theirs:3: -- a third, by name!: it asks for a/b here as in line 1; "
            "to tell them apart, write a-third-by-name as its model"
        ),
    ]
