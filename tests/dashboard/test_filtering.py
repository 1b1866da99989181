"""Which receipts a page is asked for."""

import pytest

from app.dashboard.filtering import asked, kept_beside
from app.ledger.wanted import EVERYTHING, FilterError, Wanted


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, EVERYTHING),
        ({"model": "", "provider": "  ", "verdict": ""}, EVERYTHING),
        ({"model": " qwen/* "}, Wanted(model="qwen/*")),
        ({"verdict": "none", "caller": "ci"}, Wanted(verdict="none", caller="ci")),
        ({"failed": "true", "status": "429"}, Wanted(failed=True, status=429)),
        ({"after": "7", "other": "x"}, EVERYTHING),
    ],
)
def test_filters_are_read_from_an_address(parameters: dict[str, str], found: Wanted) -> None:
    assert asked(parameters, reads_all=True) == found


def test_a_visitor_with_one_callers_key_can_not_ask_for_another_caller() -> None:
    assert asked({"caller": "ci", "model": "m"}, reads_all=False) == Wanted(model="m")


def test_a_value_that_can_not_be_read_is_named() -> None:
    with pytest.raises(FilterError, match="verdict: 'nonsense' is not one of kept"):
        asked({"verdict": "nonsense"}, reads_all=True)


def test_filters_without_a_field_stay_when_the_form_is_sent() -> None:
    assert kept_beside({"rule": "r", "model": "m", "after": "7"}) == {"rule": "r"}
