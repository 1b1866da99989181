"""An order switches stickiness off: lint says so, unless the rule keeps conversations itself."""

from typing import Any

import pytest

from app.policy.lint.checks import lint
from tests.policy.sending import book_of

MODEL = "acme/sim-1"


def found(rule: dict[str, Any]) -> set[tuple[str, str]]:
    book = book_of({"models": [MODEL], **rule})
    return {(each.severity, each.code) for each in lint(book)}


@pytest.mark.parametrize(
    ("affinity", "noted"), [("off", True), ("hint", True), ("pin", False), ("strict", False)]
)
def test_an_order_is_noted_where_nothing_keeps_the_conversation(
    affinity: str, noted: object
) -> None:
    for order in ({"order": ["a"]}, {"pin": ["a/fp8", "b/fp8"]}):
        codes = found({**order, "affinity": affinity})
        assert (("note", "order-without-stickiness") in codes) is noted


@pytest.mark.parametrize("order", [{"order": ["a"]}, {"pin": ["a/fp8"]}])
def test_a_hint_beside_an_order_is_a_warning(order: dict[str, Any]) -> None:
    warning = ("warning", "hint-beside-order")
    assert warning in found({**order, "affinity": "hint"})
    assert warning not in found({**order, "affinity": "pin"})
    assert warning not in found({"affinity": "hint"})
