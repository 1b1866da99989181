"""OpenRouter's other routes over sockets: policed by what each accepts, and never silently not."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from app.openrouter.beside import address_beside
from tests.conftest import Proxy, StartProxy
from tests.policy.listings import MODEL, row
from tests.scripted_upstream import ScriptedUpstream, reply, sse

FIXTURE = (
    Path(__file__).parents[1] / "fixtures/openrouter/additions/other_routes_requests.COMPOSED.json"
)
CASES: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))["cases"]
AS_JSON = [case for case in CASES if "body" in case]
BOUNDARY = "multipart/form-data; boundary=X"


def policy(**rule: Any) -> str:
    return json.dumps({"version": 1, "rules": [{"name": "r", "models": ["*"], **rule}]})


def path_of(case: dict[str, Any]) -> str:
    return str(case["route"].removeprefix("POST "))


# A rule that each of these routes can carry, and the preferences that arrive under it.
CARRIED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/api/v1/embeddings": ({"zdr": True}, {"only": ["acme"], "zdr": True}),
    "/api/v1/rerank": ({"zdr": True}, {"data_collection": "deny", "zdr": True}),
    "/api/alpha/decisions": ({"zdr": True}, {"only": ["acme"], "zdr": True}),
    "/api/v1/systemone": ({"zdr": True}, {"zdr": True}),
    "/api/v1/images": (
        {"ignore": ["other"], "preferred_max_latency": 3},
        {
            "only": ["acme"],
            "allow_fallbacks": False,
            "sort": "price",
            "options": {"acme": {"seed": 1}},
        },
    ),
    "/api/v1/audio/speech": (
        {"zdr": True, "sort": "price"},
        {"zdr": True, "data_collection": "deny", "options": {"acme": {}}},
    ),
    "/api/v1/audio/transcriptions": (
        {"data_collection": "deny", "sort": "price"},
        {"zdr": True, "data_collection": "deny"},
    ),
    "/api/v1/videos": ({"sort": "price"}, {"options": {"acme": {"seed": 1}}}),
    "/api/v1/batches": ({"sort": "price"}, {"only": ["acme"], "allow_fallbacks": False}),
}


@pytest.mark.parametrize("case", AS_JSON, ids=path_of)
async def test_what_a_route_accepts_arrives_there(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, case: dict[str, Any]
) -> None:
    answer = b'{"id":"x-1","provider":"Acme","model":"acme/sim-1","usage":{"cost":0.5}}'
    openrouter.plays(reply(answer, status=202))
    rule, expected = CARRIED[path_of(case)]
    proxy = start_proxy(policy(**rule), upstream_url=openrouter.url)
    response = await proxy.client.post(proxy.url + path_of(case), json=case["body"])
    assert (response.status_code, response.content) == (202, answer)
    arrived = openrouter.only_request
    assert arrived.target == path_of(case)
    sent = arrived.json
    provider = sent.pop("provider")
    ignored = provider.pop("ignore", [])
    assert provider == expected
    assert ("other" in ignored) == ("ignore" in rule)
    assert sent == {name: value for name, value in case["body"].items() if name != "provider"}
    receipt = await proxy.only_receipt()
    assert receipt["provider"] == "acme"
    assert receipt["preferences_sent"] == arrived.json["provider"]
    assert (receipt["generation_id"], receipt["cost_usd"]) == ("x-1", 0.5)
    dropped = {name for name in rule if name in {"sort", "preferred_max_latency"}}
    told = {each["field"] for each in receipt["overruled"]}
    assert told >= dropped - ({"sort"} & expected.keys())


async def test_without_a_rule_every_byte_goes_on(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url)
    for case in AS_JSON:
        body = json.dumps(case["body"], indent=1).encode()
        headers = {"content-type": "application/json"}
        await proxy.client.post(proxy.url + path_of(case), content=body, headers=headers)
        assert openrouter.requests[-1].body == body


# --- beside /v1 -------------------------------------------------------------------------------

ASK = {"model": MODEL, "state": "s", "questions": {"b": {"type": "box", "instructions": "x"}}}


@pytest.mark.parametrize(
    "path", ["/api/alpha/decisions", "/alpha/decisions", "/v1/alpha/decisions"]
)
async def test_decisions_keep_their_place_on_the_host(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(reply(b'{"answers":{},"provider":"Novita","model":"acme/sim-1"}'))
    proxy = start_proxy(policy(only=["novita"]), upstream_url=openrouter.url)
    for _ in range(2):
        assert (await proxy.client.post(proxy.url + path, json=ASK)).status_code == 200
    for request in openrouter.requests:
        assert (request.method, request.target) == ("POST", "/api/alpha/decisions")
        assert request.json == {**ASK, "provider": {"only": ["novita"]}}
    assert openrouter.connections == 1
    receipt = (await proxy.receipts(2))[0]
    assert (receipt["dialect"], receipt["verdict"]) == ("decisions", "kept")


@pytest.mark.parametrize("path", ["/api/alpha/decisions", "/v1/systemone", "/v1/images"])
async def test_an_answer_from_outside_is_withheld(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(reply(b'{"answers":"secret","provider":"DeepInfra"}'))
    rule = policy(only=["novita"], on_violation="block")
    proxy = start_proxy(rule, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + path, json={"model": MODEL})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "policy_broken")
    assert "secret" not in answer.text
    assert (await proxy.only_receipt())["verdict"] == "broken"


async def test_an_error_of_upstreams_goes_on_as_it_came(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    error = b'{"error":{"code":402,"message":"Insufficient credits"}}'
    openrouter.plays(reply(error, status=402))
    rule = policy(only=["novita"], on_violation="block_unproven")
    proxy = start_proxy(rule, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + "/alpha/decisions", json=ASK)
    assert (answer.status_code, answer.content) == (402, error)
    receipt = await proxy.only_receipt()
    assert (receipt["verdict"], receipt["error_code"]) == (None, "402")


async def test_a_stream_is_relayed_and_judged(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    frames = (b'data: {"type":"partial","provider":"Novita"}\n\n', b"data: [DONE]\n\n")
    openrouter.plays(sse(*frames))
    rule = policy(only=["novita"], on_violation="block")
    proxy = start_proxy(rule, upstream_url=openrouter.url)
    ask = {"model": MODEL, "prompt": "a cube", "stream": True}
    answer = await proxy.client.post(proxy.url + "/v1/images", json=ask)
    assert answer.content == b"".join(frames)
    assert (await proxy.only_receipt())["verdict"] == "kept"


async def test_only_reading_is_beside_the_base_address_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    assert (await proxy.client.get(proxy.url + "/api/alpha/decisions")).status_code == 200
    assert openrouter.only_request.target == "/api/alpha/decisions"


async def test_a_batch_beside_the_base_address_is_held_to_policy_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """The August documentation has batches at `/api/beta/batches`, the SDK of October elsewhere."""
    openrouter.plays(reply(b'{"id":"batch_1","provider":"Novita"}'))
    proxy = start_proxy(policy(only=["novita"]), upstream_url=openrouter.url)
    ask = {"model": MODEL, "endpoint": "/v1/embeddings", "requests": []}
    for path in ("/api/beta/batches", "/beta/batches", "/v1/beta/batches"):
        assert (await proxy.client.post(proxy.url + path, json=ask)).status_code == 200
    for request in openrouter.requests:
        assert (request.method, request.target) == ("POST", "/api/beta/batches")
        assert request.json == {**ask, "provider": {"only": ["novita"]}}
        assert list(request.json)[-1] == "requests"
    for read in ("/api/beta/batches", "/api/beta/batches/batch_1"):
        assert (await proxy.client.get(proxy.url + read)).status_code == 200
        assert openrouter.requests[-1].target == read
    assert {each["verdict"] for each in await proxy.receipts(3)} == {"kept"}


async def test_a_batch_that_cannot_carry_a_rule_is_refused_there_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + "/api/beta/batches", json={"model": MODEL})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_refused")
    assert not openrouter.requests


@pytest.mark.parametrize(
    ("base", "beside"),
    [
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
        ("http://127.0.0.1:4477/v1", "http://127.0.0.1:4477"),
        ("https://host/gateway/v2/", "https://host/gateway"),
        ("https://host/openrouter", "https://host/openrouter"),
        ("https://host", "https://host"),
        ("https://v1", "https://v1"),
    ],
)
def test_the_address_beside_is_where_the_version_was(base: str, beside: str) -> None:
    assert address_beside(base) == beside


# --- refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "rule", "field"),
    [
        ("/v1/images", {"zdr": True}, "zdr"),
        ("/v1/audio/speech", {"only": ["acme"]}, "only"),
        ("/v1/audio/transcriptions", {"quantization_floor": "fp8"}, "quantization_floor"),
        ("/v1/videos", {"data_collection": "deny"}, "data_collection"),
        ("/v1/batches", {"zdr": True}, "zdr"),
        ("/api/v1/batches", {"quantization_floor": "fp8"}, "quantization_floor"),  # no listing
    ],
)
async def test_what_a_route_can_not_carry_is_refused_and_nothing_is_sent(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    path: str,
    rule: dict[str, Any],
    field: str,
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(policy(**rule), upstream_url=openrouter.url)
    ask = {"model": MODEL, "prompt": "p", "requests": []}
    answer = await proxy.client.post(proxy.url + path, json=ask)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_refused")
    message = answer.json()["error"]["message"]
    assert 'rule "r" (' in message
    assert f"/test.yaml:1) requires {field}; POST " in message
    assert "`routes: pass`" in message
    assert openrouter.requests == []
    assert (await proxy.only_receipt())["ending"] == "refused"
    passing = start_proxy(policy(**rule, routes="pass"), upstream_url=openrouter.url)
    assert (await passing.client.post(passing.url + path, json=ask)).status_code == 200
    assert openrouter.only_request.json == ask


async def test_a_dry_run_says_the_same(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    headers = {"x-pointsman-dry-run": "1"}
    for path, code in (("/v1/images", "policy_refused"), ("/alpha/decisions", None)):
        ask = {"model": MODEL}
        told = (await proxy.client.post(proxy.url + path, json=ask, headers=headers)).json()
        assert (told["refused"] or {"code": None})["code"] == code
    assert openrouter.requests == []


# --- batches ----------------------------------------------------------------------------------


async def test_a_batch_names_the_endpoints_that_satisfy_a_floor(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.lists(MODEL, [row("novita/fp8", "Novita"), row("groq/fp4", "Groq", "fp4")])
    openrouter.plays(reply(b'{"id":"batch-1","provider":"Novita"}', status=202))
    proxy = start_proxy(policy(quantization_floor="fp8"), upstream_url=openrouter.url)
    requests = '"requests":[ {"custom_id": "1", "body": {"model": "acme/sim-1", "n": 1.0}} ]'
    body = f'{{"endpoint":"/v1/chat/completions","model":"{MODEL}",{requests}}}'.encode()
    headers = {"content-type": "application/json"}
    answer = await proxy.client.post(proxy.url + "/v1/batches", content=body, headers=headers)
    assert answer.status_code == 202
    added = b'"provider":{"only":["novita/fp8"]},"requests":'
    assert openrouter.only_request.body == body.replace(b'"requests":', added)
    receipt = await proxy.only_receipt()
    assert (receipt["verdict"], receipt["provider"]) == ("kept", "novita")
    (told,) = receipt["overruled"]
    assert (told["field"], told["rule"]) == ("quantizations", "r")


async def test_what_requests_of_a_batch_carry_is_not_provable(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"id":"batch-1","provider":"Novita"}', status=202))
    proxy = start_proxy(policy(only=["novita"]), upstream_url=openrouter.url)
    ask = {"model": MODEL, "requests": [{"body": {"model": MODEL, "tools": []}}]}
    await proxy.client.post(proxy.url + "/v1/batches", json=ask)
    receipt = await proxy.only_receipt()
    assert receipt["verdict"] == "unproven"
    assert "not provable: requests[].body.tools" in receipt["reason"]


# --- audio ------------------------------------------------------------------------------------

AUDIO = b"ID3\x00\xff\xfb" + bytes(range(256)) * 10


async def test_audio_names_no_provider_so_it_is_unproven(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(AUDIO, content_type="audio/mpeg", X_Generation_Id="gen-1"))
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + "/v1/audio/speech", json={"model": MODEL})
    assert answer.content == AUDIO
    receipt = await proxy.only_receipt()
    assert (receipt["verdict"], receipt["generation_id"]) == ("unproven", "gen-1")
    assert "the provider is not known, because the answer is not JSON" in receipt["reason"]


async def test_audio_is_withheld_where_proof_is_wanted(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(AUDIO, content_type="audio/mpeg"))
    rule = policy(zdr=True, on_violation="block_unproven")
    proxy = start_proxy(rule, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + "/v1/audio/speech", json={"model": MODEL})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "policy_unproven")


def form(*parts: bytes) -> bytes:
    return b"".join(b"--X\r\n" + part + b"\r\n" for part in parts) + b"--X--\r\n"


def part(name: str, content: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (name.encode(), content)


FILE = b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n\x00\xff'


async def send_form(proxy: Proxy, body: bytes, path: str = "/v1/audio/transcriptions") -> Any:
    headers = {"content-type": BOUNDARY}
    return await proxy.client.post(proxy.url + path, content=body, headers=headers)


async def test_a_form_is_held_by_its_parts(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"text":"hi"}'))
    proxy = start_proxy(policy(zdr=True, strip=["prompt"]), upstream_url=openrouter.url)
    model, session = part("model", MODEL.encode()), part("session_id", b"s-1")
    answer = await send_form(proxy, form(model, session, FILE, part("prompt", b"p")))
    assert answer.status_code == 200
    asked = form(model, part("provider", b'{"data_collection":"deny"}'), FILE)
    await send_form(proxy, asked)
    first, second = openrouter.requests
    assert first.header("content-type") == BOUNDARY
    assert first.body == form(part("provider", b'{"zdr":true}'), model, session, FILE)
    joined = b'{"zdr":true,"data_collection":"deny"}'
    assert second.body in {
        form(model, part("provider", joined), FILE),
        form(model, part("provider", b'{"data_collection":"deny","zdr":true}'), FILE),
    }
    receipts = await proxy.receipts(2)
    assert {each["dialect"] for each in receipts} == {"transcriptions"}
    assert receipts[1]["session"] is not None
    assert {each["verdict"] for each in receipts} == {"unproven"}


@pytest.mark.parametrize(
    "body",
    [
        form(FILE),
        form(part("model", b"acme/stt"), part("model", b"acme/other")),
        form(part("model", b"acme/stt"), part("Provider", b"{}")),
        form(part("model", b"acme/stt"))[:-4],
        b"",
    ],
)
async def test_a_form_that_can_not_be_read_is_never_sent(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, body: bytes
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    assert (await send_form(proxy, body)).status_code == 400
    assert openrouter.requests == []


async def test_a_form_with_two_content_types_is_never_sent(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    headers = [("content-type", BOUNDARY), ("content-type", "application/json")]
    answer = await proxy.client.post(
        proxy.url + "/v1/audio/transcriptions",
        content=form(part("model", b"a/b")),
        headers=headers,
    )
    assert (answer.status_code, openrouter.requests) == (400, [])


async def test_forms_elsewhere_are_refused(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    answer = await send_form(proxy, form(part("model", b"a/b")), "/v1/audio/speech")
    assert (answer.status_code, openrouter.requests) == (415, [])


# --- routes without a policy ------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/files", "/presets/mine/chat/completions", "/brand/new"])
async def test_a_route_without_policy_is_told_wherever_it_shows(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    caplog.set_level(logging.INFO, logger="pointsman.requests")
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    await proxy.client.post(f"{proxy.url}/v1{path}", content=b"as it came")
    assert openrouter.only_request.body == b"as it came"
    receipt = await proxy.only_receipt()
    assert (receipt["reason"], receipt["path"]) == ("no policy on this route", f"/v1{path}")
    assert (receipt["verdict"], receipt["dialect"]) == (None, None)
    page = await proxy.client.get(f"{proxy.url}/dashboard/receipts/{receipt['id']}")
    assert "No policy on this route" in page.text
    assert f"/v1{path}" in page.text
    line = next(line for line in caplog.text.splitlines() if f"path=/v1{path}" in line)
    assert "reason='no policy on this route'" in line


async def test_what_is_only_read_leaves_no_receipt(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(policy(zdr=True), upstream_url=openrouter.url)
    for path in ("/v1/batches", "/v1/videos/job-1", "/v1/batches/b-1"):
        assert (await proxy.client.get(proxy.url + path)).status_code == 200
    assert await proxy.receipts(0) == []
