"""What was paid, against what is listed: exact, or nothing is concluded."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.endpoint import Endpoint
from app.policy.verdict.cost import Bill, those_that_charge, within
from tests.policy.listings import endpoint, rows_of


def bill(
    prompt: str, completion: str = "0", *, tokens: tuple[int, int, int], written: int | None = None
) -> Bill:
    """`tokens`: prompt, cached among them, completion."""
    return Bill(*tokens, Decimal(prompt), Decimal(completion), written)


def host(tag: str, prompt: str | None, completion: str | None, **pricing: Any) -> Endpoint:
    return endpoint(tag, "BaseTen", prompt=prompt, completion=completion, **pricing)


FP8 = host("baseten/fp8", "0.0000003", "0.0000012", input_cache_read="0.000000007")
FAST = host("baseten/fast", "0.0000006", "0.0000024", input_cache_read="0.00000014")
VARIES = host("baseten/peak", "0.0000009", "0.0000036", overrides=[{"utc_start": 0}])
UNPRICED = host("baseten/free", None, None)


@pytest.mark.parametrize(
    ("paid", "rows", "left"),
    [
        # 1000 x 3e-7 and 100 x 12e-7, worked out by hand
        (bill("0.0003", "0.00012", tokens=(1000, 0, 100)), (FP8, FAST), (FP8,)),
        (bill("0.0006", "0.00024", tokens=(1000, 0, 100)), (FP8, FAST), (FAST,)),
        # 200 x 3e-7 + 800 x 7e-9
        (bill("0.0000656", "0.00012", tokens=(1000, 800, 100)), (FP8, FAST), (FP8,)),
        # the prompt fits one row, the completion another: no row is singled out
        (bill("0.0003", "0.00024", tokens=(1000, 0, 100)), (FP8, FAST), (FP8, FAST)),
        # one digit off is not exact
        (bill("0.0003001", "0.00012", tokens=(1000, 0, 100)), (FP8, FAST), (FP8, FAST)),
        # a bill of nothing tells nothing
        (bill("0", "0", tokens=(1000, 0, 100)), (FP8, FAST), (FP8, FAST)),
        # what may cost anything can't be ruled out
        (bill("0.0003", "0.00012", tokens=(1000, 0, 100)), (FP8, FAST, VARIES), (FP8, VARIES)),
        (bill("0.0003", "0.00012", tokens=(1000, 0, 100)), (FP8, UNPRICED), (FP8, UNPRICED)),
        (bill("0.0003", "0.00012", tokens=(1000, 0, 100)), (), ()),
    ],
)
def test_the_rows_that_charge_this(
    paid: Bill, rows: tuple[Endpoint, ...], left: tuple[Endpoint, ...]
) -> None:
    assert those_that_charge(paid, rows) == left


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_cost() -> None:
    plain, other = host("a", "0.000001", "0.000002"), host("b", "0.000003", "0.000002")
    paid = bill("0.001", "0.0002", tokens=(1000, 600, 100))
    assert those_that_charge(paid, (plain, other)) == (plain,)


def test_the_recorded_bill_of_grok_4_is_reproduced_to_the_last_digit() -> None:
    """8 x 3e-6 + 679 x 7.5e-7 = 0.00053325 (openrouter.md §3.2)."""
    xai = host("xai", "0.000003", "0.000015", input_cache_read="0.00000075")
    dearer = host("xai/fast", "0.000006", "0.00003", input_cache_read="0.0000015")
    paid = bill("0.00053325", "0.00153", tokens=(687, 679, 102))
    assert those_that_charge(paid, (xai, dearer)) == (xai,)


LISTING = [
    endpoint(row["tag"], row["provider_name"], row["quantization"], **row["pricing"])
    for row in rows_of("deepseek-v4.1-flash_2026-10-02.json")
]


@given(
    st.sampled_from(LISTING),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**6),
)
def test_the_row_that_charged_is_never_ruled_out(
    truth: Endpoint, uncached: int, cached: int, completion: int
) -> None:
    assert truth.prompt_price is not None
    assert truth.completion_price is not None
    assert truth.cache_read_price is not None
    paid = Bill(
        uncached + cached,
        cached,
        completion,
        uncached * truth.prompt_price + cached * truth.cache_read_price,
        completion * truth.completion_price,
    )
    assert truth in those_that_charge(paid, LISTING)


THOUSAND = (1000, 0, 1000)
NOTHING_PAID = bill("0", "0", tokens=THOUSAND)


@pytest.mark.parametrize(
    ("cap", "paid", "one", "expected"),
    [
        # by the listing: 0.3 and 1.2 USD per million
        ({}, None, FP8, True),
        ({"prompt": 0.3, "completion": "1.2"}, None, FP8, True),
        ({"prompt": 0.29}, None, FP8, None),
        ({"completion": 1.19}, None, FP8, None),
        ({"prompt": 0.3, "completion": 1}, None, FP8, None),
        ({"prompt": 0.3}, None, UNPRICED, None),
        ({"prompt": 1}, None, VARIES, None),  # the listed price holds at some hours only
        # by the bill, where the listing is above or silent
        ({"prompt": 0.25}, bill("0.00025", tokens=THOUSAND), FP8, True),
        ({"prompt": 0.25}, bill("0.00026", tokens=THOUSAND), FP8, False),
        ({"completion": 1}, bill("1", "0.001", tokens=THOUSAND), FP8, True),
        ({"completion": 1}, bill("1", "0.0011", tokens=THOUSAND), FP8, False),
        ({"prompt": 1}, bill("0.0009", tokens=THOUSAND), UNPRICED, True),
        ({"prompt": 1}, bill("0.0018", tokens=THOUSAND), VARIES, False),
        ({"prompt": 0.25, "completion": 1}, bill("0.0002", "0.0012", tokens=THOUSAND), FP8, False),
        # a bill that can't show the price per token
        ({"prompt": 0.25}, NOTHING_PAID, FP8, None),
        ({"prompt": 0.25}, bill("0", "1", tokens=(0, 0, 1000)), FP8, None),
        ({"prompt": 0.25}, bill("0.0001", tokens=(1000, 900, 0)), FP8, None),
        ({"prompt": 0.25}, bill("0.00012", tokens=(1000, 500, 0)), FP8, True),
        ({"prompt": 0.25}, bill("0.00013", tokens=(1000, 500, 0)), FP8, None),
        # writing to a cache costs extra, so it says little about the price
        ({"prompt": 0.25}, bill("0.00026", tokens=THOUSAND, written=1000), FP8, None),
        ({"prompt": 0.25}, bill("0.00026", tokens=THOUSAND, written=0), FP8, False),
        ({"prompt": 0.3}, bill("0.0004", tokens=THOUSAND), FP8, True),
        ({"prompt": 0.3}, bill("0.0004", tokens=THOUSAND, written=10), FP8, True),
        # nothing was written, and more was paid than listed: they contradict each other
        ({"prompt": 0.3}, bill("0.0004", tokens=THOUSAND, written=0), FP8, None),
    ],
)
def test_within_the_cap(
    cap: dict[str, Any], paid: Bill | None, one: Endpoint, *, expected: bool | None
) -> None:
    assert within(cap, paid, one) is expected


@pytest.mark.parametrize(
    "cap",
    [None, "cheap", "NaN", "-Infinity", "Infinity", float("inf"), "1e999999999", True, [], {}],
)
@pytest.mark.parametrize("paid", [None, bill("9", "9", tokens=(0, 0, 0)), NOTHING_PAID])
def test_a_cap_that_is_no_number_caps_nothing(cap: object, paid: Bill | None) -> None:
    assert within({"prompt": cap, "completion": cap}, paid, FP8) is True


@pytest.mark.parametrize("cap", [1e-40, "1e-40", "1e-999", "0." + "0" * 50 + "1"])
def test_a_cap_too_small_to_be_read_is_one_of_zero(cap: object) -> None:
    assert within({"prompt": cap}, bill("0.0003", tokens=THOUSAND), FP8) is False
    assert within({"prompt": cap}, None, FP8) is None


def test_a_cap_below_zero_is_one_that_nobody_keeps() -> None:
    assert within({"prompt": -1}, bill("0.0003", tokens=THOUSAND), FP8) is False


@given(
    price=st.decimals(0, 20, places=3, allow_nan=False),
    cap=st.decimals(0, 20, places=3, allow_nan=False),
    cache_share=st.decimals(0, 1, places=2, allow_nan=False),
    tokens=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 1000)),
    drift=st.booleans(),
)
def test_what_is_said_of_a_cap_is_true(
    price: Decimal, cap: Decimal, cache_share: Decimal, tokens: tuple[int, int, int], *, drift: bool
) -> None:
    """The row's real price is known here; the listing shows it, or nothing at all."""
    uncached, cached, completion = tokens
    per_token = price / 1_000_000
    paid = Bill(
        uncached + cached,
        cached,
        completion,
        uncached * per_token + cached * per_token * cache_share,
        completion * per_token,
        0,
    )
    listed = None if drift else str(per_token)
    one = host("baseten", listed, listed)
    said = within({"prompt": str(cap), "completion": str(cap)}, paid, one)
    assert said in {None, price <= cap}


WRITES = host(
    "baseten/writes", "0.000001", "0.000002",
    input_cache_read="0.0000001", input_cache_write="0.00000125",
)  # fmt: skip
FREE_WRITES = host("baseten/free-writes", "0.000001", "0.000002", input_cache_read="0.0000001")


@pytest.mark.parametrize(
    ("paid", "left"),
    [
        # 100 x 1e-6 plain, 300 x 1e-7 from the cache, 600 x 1.25e-6 to the cache
        (bill("0.00088", "0.0002", tokens=(1000, 300, 100), written=600), (WRITES,)),
        # the same at the plain price: where writing costs nothing extra
        (bill("0.00073", "0.0002", tokens=(1000, 300, 100), written=600), (FREE_WRITES,)),
        (bill("0.00073", "0.0002", tokens=(1000, 300, 100)), (WRITES, FREE_WRITES)),
    ],
)
def test_tokens_written_to_a_cache_cost_what_is_listed_for_them(
    paid: Bill, left: tuple[Endpoint, ...]
) -> None:
    assert those_that_charge(paid, (WRITES, FREE_WRITES)) == left
