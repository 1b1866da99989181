"""A routing 404 gains a paragraph; of everything else not a byte is changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.apply import apply
from app.policy.explained_error import explained
from app.policy.forecast import forecasts
from app.policy.parse import read_book
from app.policy.request import read_request

FIXTURES = Path(__file__).parent.parent / "fixtures/openrouter/errors/error_bodies.json"
BODIES: list[dict[str, Any]] = json.loads(FIXTURES.read_text(encoding="utf-8"))

# The 404s that are about routing; a model that has gone is none of a policy's doing.
ROUTING = {case["id"] for case in BODIES if case["http_status"] == 404} - {
    "docs-availability-model_deprecated"
}
POLICY = """\
version: 1
rules:
  - name: r
    models: ["acme/*"]
    quantization_floor: fp8
    max_price: {prompt: 1}
    only: [novita, groq, deepinfra]
"""


def row(tag: str, quantization: str, price: str = "0.0000005") -> dict[str, Any]:
    prices = {"prompt": price, "completion": price}
    named = {"tag": tag, "provider_name": tag.partition("/")[0].title()}
    return {**named, "quantization": quantization, "pricing": prices}


EMPTIED = [
    row("novita/fp4", "fp4"),
    row("groq", "fp8", "0.000002"),
    row("chutes/fp8", "fp8"),
]


def told(body: bytes, rows: list[dict[str, Any]] | None, model: str = "acme/sim-1") -> bytes:
    book = read_book({"p.yaml": POLICY})
    request = read_request(json.dumps({"model": model, "provider": {"zdr": True}}).encode())
    catalog: Catalog = EMPTY if rows is None else EMPTY.with_listing(model, rows, 0.0)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    outgoing = apply(request, route)
    found = forecasts(request, route, outgoing.preferences, catalog, ladder=book.ladder)
    return explained(body, route, outgoing, tuple(found))


def spoken(body: bytes, rows: list[dict[str, Any]] | None) -> str:
    message: str = json.loads(told(body, rows))["error"]["message"]
    return message.split("\n\n", 1)[1]


@pytest.mark.parametrize(
    "case", [case for case in BODIES if case["http_status"] == 404], ids=lambda case: case["id"]
)
def test_t13_upstreams_own_words_stay_the_first_paragraph(case: dict[str, Any]) -> None:
    body = json.dumps(case["body"]).encode()
    longer = told(body, EMPTIED)
    if case["id"] not in ROUTING:
        assert longer is body
        return
    before, after = json.loads(body), json.loads(longer)
    first, second = after["error"].pop("message").split("\n\n", 1)
    assert first == before["error"].pop("message")
    assert second.startswith("Pointsman: ")
    assert after == before


NOT_FOUND = (
    b'{"error": {"code": 404, "message":"No endpoints found for x.", "n": 1.0}, "user_id":"u"}'
)


def test_all_other_bytes_stay() -> None:
    start, end = b'{"error": {"code": 404, "message":', b', "n": 1.0}, "user_id":"u"}'
    longer = told(NOT_FOUND, EMPTIED)
    assert longer.startswith(start)
    assert longer.endswith(end)


def test_it_says_which_line_removed_whom_and_the_way_out() -> None:
    text = spoken(NOT_FOUND, EMPTIED)
    assert "acme/sim-1 has 3 -> " in text
    assert 'rule "r" (p.yaml:7) removed chutes/fp8.' in text
    assert 'rule "r" (p.yaml:5) removed novita/fp4.' in text
    assert 'rule "r" (p.yaml:6) removed groq.' in text
    assert "The smallest way out: " in text


def test_many_removed_endpoints_are_counted() -> None:
    rows = [row(f"host{number}/fp8", "fp8") for number in range(20)]
    assert "and 14 more." in spoken(NOT_FOUND, rows)


def test_without_a_listing_it_names_the_lines_that_asked() -> None:
    text = spoken(NOT_FOUND, None)
    assert 'rule "r" (p.yaml:' in text
    assert "only" in text
    assert "quantizations" in text
    assert "not listed here yet" in text


def test_where_somebody_should_be_left_it_points_at_the_account() -> None:
    text = spoken(NOT_FOUND, [row("novita/fp8", "fp8")])
    assert "novita/fp8 should be left" in text
    assert "account's own settings" in text


def test_who_removes_nothing_by_policy_is_the_request_itself() -> None:
    book = read_book({"p.yaml": "version: 1\nrules:\n  - {name: r, models: ['*'], sort: price}\n"})
    request = read_request(b'{"model":"acme/sim-1","provider":{"only":["nobody"]}}')
    catalog = EMPTY.with_listing("acme/sim-1", EMPTIED, 0.0)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    outgoing = apply(request, route)
    found = tuple(forecasts(request, route, outgoing.preferences, catalog))
    assert b"the request itself removed" in explained(NOT_FOUND, route, outgoing, found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>not found</html>",
        b'{"error": "no"}',
        b'{"error": {"message": 7}}',
        b'{"error": {"code": 404}}',
        b'{"detail": {}}',
        b'{"error": {"message": "no such page", "metadata": []}}',
        b'{"error": {"message": "no such page", "metadata": "\xf7"}}',
        b'{"error": {"message": "no such page", "metadata": 1e999}}',
        b'{"error": {"message": "no such page", "metadata": {"a": "\xf7"}}}',
    ],
)
def test_what_is_no_routing_error_is_the_very_body(body: bytes) -> None:
    assert told(body, EMPTIED) is body


def test_where_no_rule_took_part_it_is_the_very_body() -> None:
    assert told(NOT_FOUND, EMPTIED, "other/model") is NOT_FOUND
