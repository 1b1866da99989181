"""What is kept of a listing: enough to judge by it again, and the same until it changes."""

import json
import random
import zlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Listing
from app.catalog.endpoint import read_endpoint
from app.catalog.kept import FIELDS, LARGEST, KeptListing, kept_of, rows_in

MODEL = "deepseek/deepseek-v4.1-flash"
FIXTURE = (
    Path(__file__).parents[1] / "fixtures/openrouter/endpoints/deepseek-v4.1-flash_2026-10-02.json"
)


def rows() -> list[dict[str, Any]]:
    """A listing as OpenRouter sent it: 33 endpoints."""
    data = json.loads(FIXTURE.read_text(encoding="utf-8"), parse_float=Decimal)["data"]
    found: list[dict[str, Any]] = data["endpoints"]
    return found


def listing(of: object, model: str = MODEL) -> Listing:
    found = EMPTY.with_listing(model, of, 1.0).listing(model)
    assert found is not None
    return found


def kept(of: object, model: str = MODEL) -> KeptListing:
    found = listing(of, model).kept
    assert found is not None
    return found


def test_a_kept_listing_is_judged_like_the_one_that_was_fetched() -> None:
    """Every field that an endpoint is read from is kept, except for its health of the moment."""
    row = {
        **rows()[0],
        "service_tier": "flex",
        "supports_tool_choice": {"required": False},
        "max_completion_tokens": 5,
        "pricing": {"prompt": Decimal("0.1"), "overrides": [{"prompt": "1"}], "image": "0.2"},
    }
    fetched = listing([row, *rows()])
    assert fetched.kept is not None
    again = listing(rows_in(fetched.kept.body))
    assert again.kept == fetched.kept
    assert sorted(again.endpoints, key=repr) == sorted(
        (
            replace(
                each,
                uptime=None,
                status=None,
                supported_parameters=tuple(sorted(each.supported_parameters)),
            )
            for each in fetched.endpoints
        ),
        key=repr,
    )
    assert any(each.price_varies and each.tool_choices_refused for each in again.endpoints)


HEALTH = {"uptime_last_30m", "status"}  # shown, and never judged by


def test_every_field_that_an_endpoint_is_read_from_is_kept_but_for_its_health() -> None:
    """A new one has to be added to `FIELDS`, or receipts can't be judged by it again."""
    read: set[str] = set()

    class Noting(dict[str, Any]):
        def get(self, name: str, default: Any = None, /) -> Any:
            read.add(name)
            return super().get(name, default)

    assert read_endpoint(Noting(rows()[0])) is not None
    assert read == {*FIELDS, *HEALTH}


def test_health_and_order_make_no_other_listing() -> None:
    """Else every fetch would be one, and a year of a model would be 17,000 listings."""
    chance = random.Random(7)
    shuffled = [
        {
            **dict(chance.sample(list(row.items()), len(row))),
            "supported_parameters": row["supported_parameters"][::-1],
            "uptime_last_30m": chance.random(),
            "status": -2,
            "latency_last_30m": {"p50": chance.random()},
            "throughput_last_30m": {"p50": chance.random()},
            "perf_last_30m_by_workload": {"chat": {"request_count": 4}},
        }
        for row in chance.sample(rows(), len(rows()))
    ]
    assert kept(shuffled) == kept(rows())


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_that_is_kept_makes_another_digest(name: str) -> None:
    first, *rest = rows()
    assert kept([{**first, name: "other"}, *rest]).digest != kept(rows()).digest


def test_two_models_with_the_same_rows_have_two_digests() -> None:
    assert kept(rows(), "a/b").digest != kept(rows(), "a/c").digest
    assert kept(rows(), "A/b:nitro") == kept(rows(), "a/b")
    assert kept(rows(), "a/b").model == "a/b"


def test_rows_that_can_not_be_read_are_not_kept() -> None:
    assert kept([None, {"tag": "x"}, *rows()]) == kept(rows())
    assert rows_in(kept([]).body) == []
    assert rows_in(kept("nothing").body) == []


def test_a_listing_is_small_once_it_is_compressed() -> None:
    assert len(kept(rows()).body) < 3_000


def test_a_listing_that_is_too_large_or_can_not_be_written_is_not_kept() -> None:
    wide = {"tag": "a", "provider_name": "A", "pricing": {"prompt": "x" * LARGEST}}
    assert listing([wide]).kept is None
    assert kept_of("a/b", [{"tag": 10**40, "pricing": {("a",): object()}}]) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"x", zlib.compress(b"[]"), zlib.compress(b"{}"), zlib.compress(b'{"endpoints":1}')],
)
def test_a_body_that_is_no_kept_listing_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a kept listing"):
        rows_in(body)


def test_a_body_that_would_unpack_to_more_than_a_listing_is_refused() -> None:
    """A ledger is a file, and a file can be damaged, or not ours."""
    bomb = zlib.compress(b'{"endpoints":[' + b" " * (LARGEST * 4) + b"]}")
    with pytest.raises(ValueError, match="not a kept listing"):
        rows_in(bomb)


def test_rows_that_are_no_objects_are_left_out_in_reading_too() -> None:
    assert rows_in(zlib.compress(b'{"endpoints":[1,{"tag":"a"}]}')) == [{"tag": "a"}]
