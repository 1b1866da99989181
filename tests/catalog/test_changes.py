"""What changed between two listings, in lines that can be read."""

from typing import Any

import pytest

from app.catalog.changes import Change, changes


def row(**more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "tag": "acme/fp8",
        "provider_name": "Acme",
        "quantization": "fp8",
        "context_length": 131072,
        "supported_parameters": ["stop", "tools"],
        "pricing": {"prompt": "0.0000002", "completion": "0.0000008", "discount": 0},
    }
    return base | more


def priced(**prices: Any) -> dict[str, Any]:
    return row(pricing={**row()["pricing"], **prices})


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (row(quantization="fp4"), ["listed as fp8 -> fp4"]),
        (row(quantization=None), ["listed as fp8 -> -"]),
        (priced(prompt="0.00000025"), ["in $/M 0.2 -> 0.25"]),
        (priced(completion="?"), ["out $/M 0.8 -> ?"]),
        (priced(input_cache_read="0.00000002"), ["cache read $/M - -> 0.02"]),
        (priced(discount=0.5), ["pricing.discount 0 -> 0.5"]),
        (priced(prompt="0.00000020"), []),
        (
            row(pricing="free"),
            [
                "in $/M 0.2 -> -",
                "out $/M 0.8 -> -",
                "pricing.discount 0 -> -",
                "pricing - -> free",
            ],
        ),
        (row(context_length=4096), ["context 131072 -> 4096"]),
        (
            row(supported_parameters=["stop", "seed"]),
            ["parameters without tools", "parameters also seed"],
        ),
        (
            row(supported_parameters=["tools", "stop"]),
            ['parameters ["stop","tools"] -> ["tools","stop"]'],
        ),
        (row(supports_tool_choice={"none": True}), ['tool choices - -> {"none":true}']),
        (row(), []),
    ],
)
def test_each_difference_is_a_line(after: dict[str, Any], told: list[str]) -> None:
    assert [each.text for each in changes([row()], [after])] == told


def test_endpoints_that_come_and_go_are_named_with_label_and_price() -> None:
    other = row(tag="zeta", provider_name="Zeta")
    (come,) = changes([row()], [other, row()])
    assert str(come) == "zeta: added, listed as fp8, in $/M 0.2, out $/M 0.8"
    (gone,) = changes([other, row()], [row()])
    assert str(gone) == "zeta: removed, listed as fp8, in $/M 0.2, out $/M 0.8"


def test_a_tag_of_two_rows_is_compared_row_by_row() -> None:
    """OpenRouter lists some tags twice (openrouter.md §1.3)."""
    small = row(context_length=4096)
    assert changes([row(), small], [small, row()]) == []
    assert changes([row(), small], [row(), row(context_length=8192)]) == [
        Change("acme/fp8", "context 4096 -> 8192")
    ]
    (gone,) = changes([row(), row()], [row()])
    assert gone.text.startswith("removed")


def test_a_long_value_is_cut() -> None:
    (change,) = changes([row()], [row(quantization="x" * 5000)])
    assert len(change.text) < 300
    assert change.text.endswith("…")
