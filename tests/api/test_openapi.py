"""OpenAPI describes every path there is, and what is answered has the shape that it says."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI
from starlette.routing import Route
from starlette.testclient import TestClient

import app.main
from app.api.openapi import FILTERS, receipt_shape
from app.ledger.receipt import FIELDS, as_json_object
from app.ledger.wanted import NAMES
from app.main import application
from app.settings import Settings
from app.wire.dialect import DIALECTS
from tests.ledger.receipts import receipt


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(application(Settings.read()), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def described(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/pointsman/openapi.json").json()
    return found


def test_every_path_is_described(described: dict[str, Any]) -> None:
    relayed = {("/api" if row.beside_base else "/v1") + path for path, row in DIALECTS.items()}
    others = {
        *("/v1/models", "/v1/models/{id}", "/v1/messages/count_tokens"),
        *("/health", "/ready", "/metrics", "/pointsman/explain"),
        *("/pointsman/receipts", "/pointsman/receipts/{receipt_id}", "/pointsman/stats"),
        *("/pointsman/audits", "/pointsman/audits/{audit_id}"),
        *("/pointsman/sessions", "/pointsman/score", "/pointsman/budget"),
    }
    assert set(described["paths"]) == relayed | others
    framed = application(Settings.read())
    ours = {route.path for route in framed.routes if isinstance(route, Route)}
    pages = {"/dashboard", "/dashboard/{page:path}", "/pointsman/docs", "/pointsman/openapi.json"}
    assert ours - pages <= others


def test_every_operation_says_what_it_is(described: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    for methods in described["paths"].values():
        for told in methods.values():
            assert told["summary"]
            assert set(told["tags"]) <= tags
            assert told["responses"]["200"]["description"]


def test_every_reference_is_there(described: dict[str, Any]) -> None:
    text = json.dumps(described)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert {"Receipt", "ErrorBody"} <= names <= set(described["components"]["schemas"])


def test_every_filter_is_described(described: dict[str, Any]) -> None:
    assert tuple(FILTERS) == NAMES
    for path, own in (
        ("/pointsman/receipts", {"limit", "before"}),
        ("/pointsman/stats", {"by"}),
        ("/pointsman/score", {"by"}),
    ):
        told = {each["name"] for each in described["paths"][path]["get"]["parameters"]}
        assert told == {*NAMES, *own}


def test_a_receipt_has_the_shape_that_is_described() -> None:
    schema = receipt_shape().model_json_schema()
    assert tuple(schema["properties"]) == FIELDS
    whole = receipt(
        preferences_sent={"only": ["a"]}, attempts=({"provider": "a"},), evidence=("body",)
    )
    for each in (whole, receipt(model_asked=None, cost_usd=None, verdict=None)):
        jsonschema.validate(as_json_object(each), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**as_json_object(whole), "verdict": "perhaps"}, schema)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/pointsman/receipts?nonsense=1", 400, "invalid_parameter"),
        ("/pointsman/receipts/none", 404, "not_found"),
        ("/pointsman/nothing", 404, "not_found"),
    ],
)
def test_errors_have_the_shape_that_is_described(
    client: TestClient, described: dict[str, Any], path: str, status: int, code: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    schemas = described["components"]["schemas"]
    jsonschema.validate(answer.json()["error"], schemas["Detail"])


def test_the_relay_the_door_and_the_pages_are_in_the_same_application(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "alive"}
    refused = client.post("/v1/chat/completions", json={"model": "a/b"})
    assert refused.json()["error"]["code"] == "missing_key"
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 403
    page = client.get("/pointsman/docs")
    assert page.url.path == "/dashboard/api"
    for path in ("/v1/chat/completions", "/pointsman/receipts", "x-pointsman-dry-run"):
        assert path in page.text


def test_it_is_where_servers_and_readers_look_for_it() -> None:
    found = app.main.app
    assert isinstance(found, FastAPI)
    assert app.main.app is found
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        getattr(app.main, "non" + "sense")
