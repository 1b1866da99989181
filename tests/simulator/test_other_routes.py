"""The routes beside inference: which provider keys each takes and goes by, what it answers."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.simulator.multipart import form_fields
from app.simulator.refusals import Refusal
from tests.simulator.channels import MODELS
from tests.simulator.simulated import KEY, Simulated, endpoint, model

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
CASES = json.loads((ADDITIONS / "other_routes_requests.COMPOSED.json").read_text("utf-8"))["cases"]
ACME = [
    model(endpoint("acme", zdr=True), id=f"acme/{name}")
    for name in ("embed-1", "rerank-1", "mini", "paint", "tts", "stt", "film", "sim-1")
]
EVERY_KEY: dict[str, Any] = {
    "only": ["azure"],
    "order": ["azure"],
    "ignore": ["provider not named"],
    "allow_fallbacks": False,
    "require_parameters": True,
    "data_collection": "deny",
    "zdr": True,
    "enforce_distillable_text": True,
    "quantizations": ["bf16"],
    "max_price": {"prompt": 100},
    "sort": "price",
    "preferred_min_throughput": 1,
    "preferred_max_latency": 100,
    "options": {"azure": {}},
}
MESSAGE: dict[str, Any] = {"role": "user", "content": "hi"}
BATCH: dict[str, Any] = {
    "endpoint": "/v1/chat/completions",
    "model": "acme/big",
    "requests": [{"custom_id": "1", "body": {"model": "acme/big", "messages": [MESSAGE]}}],
}
QUESTIONS = {"q": {"type": "noul", "instructions": "Is it?"}}
FULL = set(EVERY_KEY)
SOUND = {"zdr", "data_collection", "options"}
# By path below the host: a body, and the keys of `provider` that are taken (openrouter.md §A8).
ROUTES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "/api/v1/embeddings": ({"model": "acme/embed-1", "input": "x"}, FULL),
    "/api/v1/rerank": ({"model": "acme/rerank-1", "query": "x", "documents": ["x"]}, FULL),
    "/api/alpha/decisions": ({"model": "acme/judge", "state": "", "questions": QUESTIONS}, FULL),
    "/api/v1/systemone": ({"model": "acme/judge", "state": "", "questions": QUESTIONS}, FULL),
    "/api/v1/images": (
        {"model": "acme/paint", "prompt": "a cube"},
        {"allow_fallbacks", "ignore", "only", "order", "sort", "options"},
    ),
    "/api/v1/audio/speech": ({"model": "acme/tts", "input": "x", "voice": "a"}, SOUND),
    "/api/v1/audio/transcriptions": ({"model": "acme/stt", "input_audio": {}}, SOUND),
    "/api/v1/videos": ({"model": "acme/film", "prompt": "a cube turns"}, {"options"}),
    "/api/v1/batches": (BATCH, {"only", "allow_fallbacks"}),
    "/api/beta/batches": (BATCH, {"only", "allow_fallbacks"}),
}


async def post(simulated: Simulated, path: str, body: Any, **switches: Any) -> httpx2.Response:
    """A path below the host, not below its API."""
    return await simulated.post(f"http://openrouter.test{path}", body, **switches)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["route"])
async def test_the_composed_requests_are_served(case: dict[str, Any], tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *ACME)
    path = case["route"].removeprefix("POST ")
    if "parts" in case:
        reply = await send_form(simulated, path, case["parts"])
    else:
        reply = await post(simulated, path, case["body"])
    assert reply.status_code in {200, 202}, reply.text
    assert [tag for _, tag, _ in simulated.reached()] == ["acme"]
    if path != "/api/v1/audio/speech":
        assert reply.json()["provider"] == "Acme"


@pytest.mark.parametrize("name", EVERY_KEY)
@pytest.mark.parametrize("path", ROUTES)
async def test_each_route_takes_the_keys_of_its_row_alone(
    path: str, name: str, tmp_path: Path
) -> None:
    body, taken = ROUTES[path]
    simulated = Simulated(tmp_path, *MODELS)
    asking = {"provider": {name: EVERY_KEY[name]}} | body
    reply = await post(simulated, path, asking, media_keys="refused")
    if name in taken:
        assert reply.status_code in {200, 202, 404}, reply.text
        assert reply.status_code != 404 or name in {"only", "order", "quantizations"}
        return
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == f'provider: Unrecognized key: "{name}"'
    assert not simulated.router.reached
    ignored = await post(simulated, path, asking, media_keys="ignored")
    assert ignored.status_code in {200, 202}


@pytest.mark.parametrize("path", ROUTES)
async def test_a_key_that_no_route_knows_is_always_refused(path: str, tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS, media_keys="ignored")
    asking = {"provider": {"floor": "fp8"}} | ROUTES[path][0]
    assert (await post(simulated, path, asking)).status_code == 400


@pytest.mark.parametrize(
    ("path", "provider", "tags"),
    [
        ("/api/v1/embeddings", {"zdr": True}, {"baseten"}),
        ("/api/v1/rerank", {"quantizations": ["unknown"]}, {"cohere"}),
        ("/api/alpha/decisions", {"data_collection": "deny"}, {"baseten"}),
        ("/api/v1/systemone", {"only": ["azure"]}, {"azure"}),
        ("/api/v1/images", {"only": ["openai"]}, {"openai"}),
        ("/api/v1/images", {"order": ["baseten"]}, {"baseten"}),
        ("/api/v1/images", {"ignore": ["openai"]}, {"baseten"}),
        ("/api/v1/audio/speech", {"zdr": True}, {"azure"}),
        ("/api/v1/audio/transcriptions", {"data_collection": "deny"}, {"groq"}),
        ("/api/v1/videos", {"options": {"azure": {}}}, {"azure", "openai"}),
        ("/api/v1/batches", {"only": ["baseten"]}, {"baseten"}),
    ],
)
async def test_the_keys_that_a_route_takes_filter_its_endpoints(
    path: str, provider: dict[str, Any], tags: set[str], tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    for _ in range(15):
        reply = await post(simulated, path, {"provider": provider} | ROUTES[path][0])
        assert reply.status_code in {200, 202}, reply.text
    assert {tag for _, tag, _ in simulated.reached()} == tags


@pytest.mark.parametrize("path", ROUTES)
async def test_failed_attempts_are_noted_and_another_host_is_tried(
    path: str, tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    body = ROUTES[path][0]
    first = (await post(simulated, path, body), simulated.router.reached[-1])[1]
    simulated.router.reached.clear()
    await post(simulated, path, body, fail={first.tag: 503})
    failed = [each.tag for each in simulated.router.reached if each.status == 503]
    assert set(failed) <= {first.tag}
    assert simulated.router.reached[-1].status == 200


@pytest.mark.parametrize("path", ROUTES)
async def test_models_tools_and_sessions_mean_nothing_there(path: str, tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    tool = {"type": "openrouter:subagent", "parameters": {"model": "acme/mini"}}
    more = {"models": ["acme/other-2.5"], "tools": [tool], "session_id": "s"}
    for _ in range(12):
        await post(simulated, path, more | ROUTES[path][0], fail={"groq": 429})
    assert {(name, why) for name, _, why in simulated.reached()} == {
        (ROUTES[path][0]["model"], "outer")
    }


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("/api/v1/images", {"prompt": None}, "prompt: Invalid input: expected string"),
        ("/api/v1/audio/speech", {"input": 5}, "input: Invalid input: expected string"),
        ("/api/v1/videos", {"prompt": []}, "prompt: Invalid input: expected string"),
        ("/api/v1/videos", {"model": None}, "No models provided"),
        ("/api/alpha/decisions", {"questions": []}, "questions: Invalid input: expected object"),
        (
            "/api/v1/systemone",
            {"questions": {"q": {"type": "guess"}}},
            'questions.q.type: Invalid option: expected one of "box"|"choice"|"noul"|"score"',
        ),
        ("/api/v1/images", {"model": "acme/none"}, "acme/none is not a valid model ID"),
    ],
)
async def test_a_body_that_lacks_something_is_refused(
    path: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    reply = await post(simulated, path, ROUTES[path][0] | changes)
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)


async def test_each_question_has_an_answer_of_its_kind(tmp_path: Path) -> None:
    (case,) = [each for each in CASES if each["route"].endswith("decisions")]
    simulated = Simulated(tmp_path, *ACME)
    body = case["body"] | {
        "questions": case["body"]["questions"] | {"free": {"type": "box", "instructions": "?"}}
    }
    told = (await post(simulated, "/api/alpha/decisions", body)).json()
    assert told["answers"] == {
        "safe": True,
        "kind": "fix",
        "quality": 0.5,
        "free": "A simulated answer.",
    }
    assert told["model"] == "acme/mini-20261001"
    assert told["id"].startswith("gen-")
    assert told["usage"]["prompt_tokens"] > 0


async def test_decisions_hang_on_the_host_s_root_alone(tmp_path: Path) -> None:
    reply = await post(Simulated(tmp_path, *ACME), "/api/v1/alpha/decisions", {})
    assert reply.status_code == 404


async def test_speech_is_sound_with_the_generation_s_id(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    body, _ = ROUTES["/api/v1/audio/speech"]
    reply = await post(simulated, "/api/v1/audio/speech", body, provider_header=True)
    assert reply.headers["content-type"] == "audio/mpeg"
    assert reply.content
    _, routed, _ = simulated.router.served[reply.headers["x-generation-id"]]
    assert reply.headers["x-provider-name"] == routed.completion.row.name


async def test_a_video_that_goes_on_stays_at_the_endpoint_of_the_earlier_job(
    tmp_path: Path,
) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    body, _ = ROUTES["/api/v1/videos"]
    first = (await post(simulated, "/api/v1/videos", body)).json()
    home = simulated.router.reached[-1].tag
    later = {**body, "previous_job_id": first["id"]}
    for _ in range(10):
        assert (await post(simulated, "/api/v1/videos", later)).status_code == 202
    assert {tag for _, tag, _ in simulated.reached()} == {home}
    done = (await simulated.get(first["polling_url"].removeprefix("/api/v1"))).json()
    assert done == {**first, "status": "completed"}
    failing = await post(simulated, "/api/v1/videos", later, fail={home: 503})
    assert failing.status_code == 503, "no other endpoint is tried"
    assert {tag for _, tag, _ in simulated.reached()} == {home}
    gone = await post(simulated, "/api/v1/videos", {**body, "previous_job_id": "job_x"})
    assert (gone.status_code, gone.json()["error"]["message"]) == (404, "Resource not found")


# --- forms ------------------------------------------------------------------------------------


async def send_form(simulated: Simulated, path: str, parts: dict[str, str]) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=simulated.app)
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
        data = {name: value for name, value in parts.items() if name != "file"}
        files = {"file": ("a.wav", b"RIFF\r\n--not-the-boundary\r\n", "audio/wav")}
        return await client.post(f"http://openrouter.test{path}", data=data, files=files)


SPEECH = "/api/v1/audio/transcriptions"


async def test_a_form_s_provider_filters_as_a_body_s_does(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    parts = {"model": "acme/stt", "provider": '{"zdr": true}'}
    for _ in range(10):
        assert (await send_form(simulated, SPEECH, parts)).status_code == 200
    assert {tag for _, tag, _ in simulated.reached()} == {"groq"}


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("{", "provider: Invalid JSON"),
        ("[]", "provider: Invalid input: expected object"),
        ('{"only": ["groq"]}', 'provider: Unrecognized key: "only"'),
    ],
)
async def test_a_form_s_provider_is_checked(provider: str, message: str, tmp_path: Path) -> None:
    parts = {"model": "acme/stt", "provider": provider}
    reply = await send_form(Simulated(tmp_path, *MODELS), SPEECH, parts)
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)


def test_a_form_s_fields_are_read_as_they_came() -> None:
    kind = "multipart/form-data; boundary=b"
    part = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = [("model", "", "a/b"), ("file", '; filename="x"', "12345"), ("model", "", "c/d")]
    raw = "".join(f"--b\r\n{part.format(*each)}" for each in parts) + "--b--\r\n"
    assert form_fields(kind, raw.encode()) == {"model": "c/d", "file": 5}


@pytest.mark.parametrize("raw", [b"", b"--b", b"\xff" * 9, b"--b\r\n\r\nx\r\n--b--"])
def test_a_form_that_is_none_has_no_fields(raw: bytes) -> None:
    assert form_fields("multipart/form-data; boundary=b", raw) == {}


def test_a_provider_nested_without_end_is_refused() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="provider"\r\n\r\n'
    raw = head + b"[" * 200_000 + b"\r\n--b--\r\n"
    with pytest.raises(Refusal, match="Invalid JSON"):
        form_fields("multipart/form-data; boundary=b", raw)
