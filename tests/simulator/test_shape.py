"""The yardstick of the other tests: what counts as the same shape."""

from typing import Any

import pytest

from tests.simulator.shape import differences


@pytest.mark.parametrize(
    ("recorded", "simulated", "reported"),
    [
        ([{"a": 1}], {"a": 2.5}, []),
        ([{"a": 1}], {"a": None}, []),
        ([{"a": None}], {"a": "now known"}, []),
        ([{"a": 1}], {}, ["missing: $.a"]),
        ([{}], {"a": 1}, ["extra: $.a"]),
        ([{"a": 1}], {"a": "1"}, ["kind: $.a is string, recorded as ['number']"]),
        ([{"a": True}], {"a": 1}, ["kind: $.a is number, recorded as ['boolean']"]),
        ([[{"a": 1}, {"b": 1}]], [{"c": 1}], ["extra: $[].c", "missing: $[].a", "missing: $[].b"]),
        ([{"a": 1, "b": 1}, {"a": 1}], {"a": 1}, []),
        ([{"a": 1, "b": 1}, {"a": 1}], {"a": 1, "b": 1}, []),
        ([{"a": [{"x": 1}]}], {"a": []}, []),
        ([{"a": [{"x": 1}]}], {"a": [{}]}, ["missing: $.a[].x"]),
        ([{"a": {"x": 1}}], {"a": {"y": 1}}, ["extra: $.a.y", "missing: $.a.x"]),
    ],
)
def test_missing_extra_and_odd_keys_are_reported(
    recorded: list[Any], simulated: Any, reported: list[str]
) -> None:
    assert differences(recorded, simulated) == reported


def test_what_is_excused_is_not_reported_with_all_below() -> None:
    assert not differences([{"a": {"b": 1}}], {"z": {"y": 1}}, may_lack=["$.a"], may_add=["$.z"])
    assert not differences([{"a": {"b": 1}}], {"a": {"c": 1}}, free=["$.a"])
    assert differences([{"ab": 1}], {}, may_lack=["$.a"]) == ["missing: $.ab"]
