"""The list of models with our aliases in front."""

import json

import pytest

from app.policy.file.parse import read_book
from app.relay.models import with_aliases

BOOK = read_book(
    {
        "p.yaml": "version: 1\naliases:\n"
        "  quick: {model: acme/sim-1, preferences: {sort: throughput}}\n"
        "  lost: {model: acme/gone, preferences: {sort: price}}\n"
    }
)
LISTED = (
    b'{"data": [{"id":"acme/sim-1", "context_length":32768,"pricing":{"prompt":"1e-7"}}], "n":1.0}'
)


def test_an_alias_describes_itself_as_its_model_does() -> None:
    first, second, third = json.loads(with_aliases(LISTED, BOOK))["data"]
    assert first["id"] == "quick"
    assert first["context_length"] == 32768
    assert first["alias_of"] == "acme/sim-1"
    assert second["id"] == "lost"
    assert third["id"] == "acme/sim-1"


def test_upstreams_own_entries_and_fields_keep_their_bytes() -> None:
    listed = with_aliases(LISTED, BOOK)
    assert b'{"id":"acme/sim-1", "context_length":32768,"pricing":{"prompt":"1e-7"}}' in listed
    assert b'"n":1.0' in listed


def test_without_aliases_the_list_is_the_very_bytes_that_came() -> None:
    assert with_aliases(LISTED, read_book({"p.yaml": "version: 1\nrules: []\n"})) is LISTED


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"data": 1}', b'{"models": []}'])
def test_what_is_no_list_of_models_is_passed_on_as_it_came(body: bytes) -> None:
    assert with_aliases(body, BOOK) is body


@pytest.mark.parametrize("odd", [b"1", b'{"name":"no id"}', b'{"id":7}'])
def test_an_odd_entry_does_not_cost_the_aliases(odd: bytes) -> None:
    body = b'{"data":[' + odd + b',{"id":"acme/sim-1"}]}'
    names = [entry.get("id") for entry in json.loads(with_aliases(body, BOOK))["data"][:2]]
    assert names == ["quick", "lost"]
