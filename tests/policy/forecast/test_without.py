"""What is left of a model's endpoints if some more of them are ignored."""

from app.catalog.catalog import EMPTY
from app.policy.forecast.without import Left, left_without

ROWS = [
    {"tag": f"{provider}/{label}", "provider_name": provider.title(), "quantization": label}
    for provider, label in (("novita", "fp8"), ("together", "fp8"), ("deepinfra", "fp4"))
]
CATALOG = EMPTY.with_listing("a/b", ROWS, 0.0)


def test_the_ignored_endpoints_fall_away() -> None:
    assert left_without("a/b", None, ["deepinfra/fp4"], CATALOG) == Left(3, 2)
    assert left_without("a/b", {"quantizations": ["fp4"]}, ["deepinfra"], CATALOG) == Left(1, 0)


def test_what_was_ignored_before_stays_ignored() -> None:
    sent = {"ignore": ["novita"]}
    assert left_without("a/b", sent, ["deepinfra/fp4"], CATALOG) == Left(2, 1)
    assert sent == {"ignore": ["novita"]}


def test_without_a_listing_nothing_is_known() -> None:
    assert left_without("c/d", None, ["novita"], CATALOG) is None
