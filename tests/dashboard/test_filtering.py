"""Which receipts a page is asked for."""

import pytest

from app.dashboard.filtering import Filter
from tests.ledger.receipts import FULL, receipt


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, Filter()),
        ({"model": "", "provider": "  ", "verdict": ""}, Filter()),
        ({"model": " qwen/qwen3-coder "}, Filter(model="qwen/qwen3-coder")),
        ({"verdict": "broken", "caller": "ci"}, Filter(verdict="broken", caller="ci")),
        ({"verdict": "nonsense"}, Filter()),
        ({"since": "24h", "other": "x"}, Filter()),
    ],
)
def test_a_filter_is_read_from_an_address(parameters: dict[str, str], found: Filter) -> None:
    assert Filter.read(parameters) == found
    assert found.is_any == (found == Filter())


@pytest.mark.parametrize("model", ["qwen-precise", "qwen/qwen3-coder", FULL.model_served])
def test_a_model_is_known_by_every_name_it_has(model: str) -> None:
    assert Filter(model=model).fits(FULL)


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(model="qwen"),
        Filter(provider="groq"),
        Filter(verdict="broken"),
        Filter(caller="ci"),
        Filter(provider="novita", verdict="unproven"),
    ],
)
def test_everything_asked_for_has_to_fit(wanted: Filter) -> None:
    assert not wanted.fits(FULL)
    assert Filter().fits(FULL)
    assert Filter(provider="novita", verdict="kept", caller="aider").fits(FULL)


def test_what_a_receipt_does_not_say_fits_no_wish() -> None:
    assert Filter().fits(receipt())
    assert not Filter(provider="novita").fits(receipt())
