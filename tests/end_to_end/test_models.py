"""The models that a tool can see, in the shape that it reads."""

from typing import Any

import pytest

from app.openrouter.client import OpenRouter
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply, sse

ALIASES = """\
version: 1
aliases:
  quick: {model: acme/sim-1, preferences: {sort: price}}
  team/careful: {model: acme/sim-1, preferences: {zdr: true}}
  "a/b/Deep+one:x": {model: "acme/sim-1:nitro", preferences: {zdr: true}}
  odd/endpoints: {model: acme/sim-1, preferences: {zdr: true}}
"""
LISTED = b"""{"data":[
  {"id":"acme/sim-1","name":"Acme: Sim 1","created":1750000000,"context_length":32768,"n":1.0},
  {"id":"acme/other:free","created":"long ago"}]}"""
PREFIXES = ["/v1", "/api/v1", "", "/v1/v1"]
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def proxy(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    openrouter.plays_catalog = True
    openrouter.plays(reply(LISTED))
    return start_proxy(ALIASES, upstream_url=openrouter.url)


async def get(proxy: Proxy, path: str, **headers: str) -> tuple[int, Any]:
    answer = await proxy.client.get(proxy.url + path, headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("quick", "quick"),
        ("QUICK", "quick"),
        ("team/careful", "team/careful"),
        ("team%2Fcareful", "team/careful"),
        ("a/b/Deep+one:x", "a/b/Deep+one:x"),
        ("a%2Fb%2Fdeep%2Bone%3Ax", "a/b/Deep+one:x"),
        ("odd/endpoints", "odd/endpoints"),
        ("acme/sim-1", "acme/sim-1"),
    ],
)
async def test_one_model_is_found_by_name(proxy: Proxy, name: str, shown: str) -> None:
    for prefix in PREFIXES:
        status, model = await get(proxy, f"{prefix}/models/{name}")
        assert (status, model["id"], model["context_length"]) == (200, shown, 32768), prefix


async def test_a_model_is_found_however_its_slash_is_written(proxy: Proxy) -> None:
    status, model = await get(proxy, "/v1/models/acme%2Fother:free")
    assert (status, model["id"]) == (200, "acme/other:free")


@pytest.mark.parametrize(
    "alias",
    ["quick", "Quick", "team/careful", "team%2Fcareful", "a/b/Deep%2Bone%3Ax", "odd/endpoints"],
)
async def test_the_endpoints_of_an_alias_are_those_of_its_model(
    proxy: Proxy, openrouter: ScriptedUpstream, alias: str
) -> None:
    listing = b'{"data": {"id":"acme/sim-1", "endpoints":[{"tag":"novita/fp8", "n":1.0}]}}'
    openrouter.plays(reply(listing))
    for prefix in PREFIXES:
        answer = await proxy.client.get(f"{proxy.url}{prefix}/models/{alias}/endpoints?x=1")
        assert (answer.status_code, answer.content) == (200, listing), prefix
    targets = [request.target for request in openrouter.requests]  # the catalog's own among them
    assert targets.count("/api/v1/models/acme/sim-1/endpoints?x=1") == len(PREFIXES)


GARBAGE = {
    "a web page": b"<html>sign in</html>",
    "no JSON": b"ok",
    "no text": b"\xff\xfe\x00",
    "a number": b"1e-999999999",
    "a list": b"[]",
    "an object": b"{}",
    "an error inside a 200": b'{"error":{"code":500,"message":"no"}}',
    "no rows": b'{"data":{"models":[]}}',
    "deep": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "UTF-16": '{"data":[]}'.encode("utf-16"),
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_a_list_that_is_none_is_passed_on_as_it_came_or_a_502(
    proxy: Proxy, openrouter: ScriptedUpstream, what: str
) -> None:
    openrouter.plays(reply(GARBAGE[what], content_type="text/html"))
    answer = await proxy.client.get(f"{proxy.url}/v1/models")
    assert (answer.status_code, answer.content) == (200, GARBAGE[what])
    status, body = await get(proxy, "/v1/models/quick")
    assert (status, body["error"]["code"]) == (502, "upstream_garbage")
    status, body = await get(proxy, "/v1/models", **ANTHROPIC)
    assert (status, body["type"], body["error"]["code"]) == (502, "error", "upstream_garbage")


ODD_ROWS = b"""1, null, "x", [], {}, {"id":7}, {"id":""}, {"id":"a/\\ud800"}, {"id":"\xff"},
  {"id":"acme/deep","x":%b}, {"id":"acme/numbers","created":1e999,"n":%b}, {"\\ud800":1,"id":"a/k"},
  {"id":"acme/odd","name":["x"],"created":99999999999999999999}, {"created":1}"""


async def test_odd_rows_of_a_list_cost_the_others_nothing(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    odd = ODD_ROWS % (b"[" * 500 + b"]" * 500, b"9" * 5000)
    openrouter.plays(reply(LISTED.replace(b"[", b"[" + odd + b",", 1)))
    answer = await proxy.client.get(f"{proxy.url}/v1/models")
    assert (answer.status_code, b'"id":"quick"' in answer.content) == (200, True)
    assert odd.partition(b",")[0] in answer.content
    status, model = await get(proxy, "/v1/models/acme/sim-1")
    assert (status, model["context_length"]) == (200, 32768)
    status, listed = await get(proxy, "/v1/models", **ANTHROPIC)
    assert status == 200
    shown = {model["id"]: model for model in listed["data"]}
    assert {"quick", "acme/sim-1", "acme/numbers", "acme/odd"} <= shown.keys()
    assert shown["acme/odd"]["display_name"] == "acme/odd"
    assert shown["acme/numbers"]["created_at"] == "1970-01-01T00:00:00Z"


async def test_a_model_whose_listed_row_is_odd_lends_its_alias_what_can_be_read(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"data":[{"id":"acme/sim-1","n":1.50,"x":"\\ud800","y":1e999}]}'))
    answer = await proxy.client.get(f"{proxy.url}/v1/models/quick")
    assert answer.status_code == 200
    assert b'"n":1.50' in answer.content


async def test_a_list_without_end_is_a_502(proxy: Proxy, openrouter: ScriptedUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    openrouter.plays((head + b'{"data":[', *[b'{"id":"a/b"},' * 80_000] * 17, Close))
    status, body = await get(proxy, "/v1/models")
    assert (status, body["error"]["code"]) == (502, "upstream_garbage")
    assert "exceeds 16 MB" in body["error"]["message"]


async def test_a_list_that_never_ends_is_given_up(
    proxy: Proxy, openrouter: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenRouter.fetch, "__kwdefaults__", {"most": 10**6, "seconds": 0.3})
    openrouter.plays(sse(*[piece for _ in range(20) for piece in (b" ", Pause(0.1))]))
    status, body = await get(proxy, "/v1/models")
    assert (status, body["error"]["code"]) == (504, "upstream_timeout")
    assert "/models did not complete its answer within 0.3 s" in body["error"]["message"]


async def test_a_model_of_a_long_list_is_found_beside_the_loop(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    rows = b",".join(b'{"id":"acme/m-%d","x":"%b"}' % (n, b"y" * 600) for n in range(19_000))
    openrouter.plays(reply(b'{"data":[%b]}' % rows))
    status, model = await get(proxy, "/v1/models/acme/m-18999")
    assert (status, model["id"]) == (200, "acme/m-18999")
    status, listed = await get(proxy, "/v1/models", **ANTHROPIC)
    assert (status, len(listed["data"])) == (200, 19_004)


async def test_a_model_that_is_not_there_is_openais_404(proxy: Proxy) -> None:
    status, body = await get(proxy, "/v1/models/acme/none")
    assert (status, body["error"]["code"]) == (404, "model_not_found")
    assert "acme/none" in body["error"]["message"]
    assert body["error"]["param"] == "model"
    status, body = await get(proxy, "/v1/models/acme/none", **ANTHROPIC)
    assert (status, body["type"], body["error"]["type"]) == (404, "error", "not_found_error")


async def test_upstreams_own_paths_under_models_pass_through(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    for path in ("/models/count", "/models/user", "/models/acme/sim-1/endpoints"):
        await get(proxy, f"/v1{path}")
        assert f"/api/v1{path}" in [request.target for request in openrouter.requests]


async def test_anthropics_clients_get_anthropics_shape(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    status, body = await get(proxy, "/v1/models?limit=1000", **ANTHROPIC)
    assert status == 200
    assert [model["id"] for model in body["data"]] == [
        *("quick", "team/careful", "a/b/Deep+one:x", "odd/endpoints"),
        *("acme/sim-1", "acme/other:free"),
    ]
    assert (body["first_id"], body["last_id"], body["has_more"]) == (
        *("quick", "acme/other:free"),
        False,
    )
    assert body["data"][4] == {
        "type": "model",
        "id": "acme/sim-1",
        "display_name": "Acme: Sim 1",
        "created_at": "2025-06-15T15:06:40Z",
    }
    assert not [request for request in openrouter.requests if "limit" in request.target]
    _, one = await get(proxy, "/v1/models/quick", **ANTHROPIC)
    assert (one["type"], one["id"]) == ("model", "quick")


async def test_tokens_are_counted_by_upstream_where_it_can(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"input_tokens": 77, "x": 1e999}'))
    answer = await proxy.client.post(
        f"{proxy.url}/v1/messages/count_tokens", json={"model": "quick", "messages": []}
    )
    assert answer.json() == {"input_tokens": 77}
    assert "x-pointsman-estimate" not in answer.headers


@pytest.mark.parametrize(
    "script",
    [
        reply(b"<html>", status=404),
        (Close,),
        reply(b'{"input_tokens": -1}'),
        reply(b'{"input_tokens": 1e-999999999}'),
        reply(b'{"input_tokens": %b}' % (b"9" * 100_000)),
        reply(b'{"input_tokens":' + b"[" * 100_000),
        reply(b'{"input_tokens": 7, "x": "' + b"y" * 100_000 + b'"}'),
        (b"HTTP/1.1 999 X\r\n\r\n", Close),
    ],
    ids=range(8),
)
async def test_tokens_are_estimated_where_upstream_can_not(
    proxy: Proxy, openrouter: ScriptedUpstream, script: Any
) -> None:
    openrouter.plays(script)
    words = "the quick brown fox jumps over the lazy dog " * 100  # 900 tokens or so
    ask = {"model": "quick", "messages": [{"role": "user", "content": words}]}
    answer = await proxy.client.post(f"{proxy.url}/v1/messages/count_tokens", json=ask)
    assert answer.headers["x-pointsman-estimate"] == "1"
    assert 900 <= answer.json()["input_tokens"] <= 1800
    assert not await proxy.receipts(0)
