"""The table of endpoints: what answers a request, by its method, path and headers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Message

from app.relay.endpoints import GET, SENT, Row, Table, endpoints, openrouters
from app.wire.dialect import Dialect

Went = list[tuple[str, object]]  # to which endpoint, and what it was given


class Aliases:
    """The models, of which `coder` is an alias of one."""

    def __init__(self, serve: Callable[..., Awaitable[None]]) -> None:
        self._serve = serve

    def __call__(self, *given: Any) -> Awaitable[None]:
        return self._serve(*given)

    def listing_in(self, path: str) -> str | None:
        return "/models/a/b/endpoints" if path == "/models/coder/endpoints" else None

    def named_in(self, path: str) -> str | None:
        name = path.removeprefix("/models/")
        return name if name != path and (name == "coder" or name.count("/") == 1) else None


def table(went: Went) -> Table:
    def named(name: str) -> Any:
        async def endpoint(_scope: Any, _receive: Any, _send: Any, *found: Any) -> None:
            (only,) = found or ("",)
            went.append((name, only.path if isinstance(only, Dialect) else only))

        return endpoint

    theirs = openrouters(
        explain=named("explain"),
        inference=named("inference"),
        models=Aliases(named("models")),  # type: ignore[arg-type]
        count_tokens=named("count_tokens"),
        passthrough=named("passthrough"),
    )
    return endpoints(
        theirs,
        health=named("health"),
        ready=named("ready"),
        metrics=named("metrics"),
        framed=named("framed"),
    )


@pytest.mark.parametrize(
    ("asked", "endpoint", "given"),
    [
        ("GET /health", "health", ""),
        ("GET /ready", "ready", ""),
        ("HEAD /metrics", "metrics", ""),
        ("GET /pointsman/receipts", "framed", ""),
        ("GET /dashboard", "framed", ""),
        ("POST /dashboard/../v1/chat/completions", "framed", ""),
        ("POST /v1/chat/completions", "inference", "/chat/completions"),
        ("POST /chat/completions", "inference", "/chat/completions"),
        ("POST /v1/../chat/completions", "inference", "/chat/completions"),
        ("POST /api/v1/v1/messages", "inference", "/messages"),
        ("GET /v1/models", "models", ""),
        ("HEAD /v1/models", "passthrough", "/models"),
        ("GET /v1/models/coder", "models", "coder"),
        ("GET /v1/models/a/b", "models", "a/b"),
        ("GET /v1/models/user", "passthrough", "/models/user"),
        ("GET /v1/models/coder/endpoints", "passthrough", "/models/a/b/endpoints"),
        ("POST /v1/models/coder/endpoints", "passthrough", "/models/coder/endpoints"),
        ("POST /v1/messages/count_tokens", "count_tokens", ""),
        ("GET /v1/chat/completions", "passthrough", "/chat/completions"),
        ("GET /api/v1/credits", "passthrough", "/credits"),
        ("GET /health/", "health", ""),
        ("GET /ready//", "ready", ""),
        ("GET /pointsman/receipts/", "framed", ""),
        ("GET /dashboard/", "framed", ""),
    ],
)
async def test_the_first_row_that_fits_answers(asked: str, endpoint: str, given: str) -> None:
    went: Went = []
    method, path = asked.split(" ")
    await table(went)(_scope(method, path), _nothing, _nowhere)
    assert went == [(endpoint, given)]


@pytest.mark.parametrize("value", [b"1", b"true", b"yes", b"", b"01"])
async def test_a_dry_run_is_explained(value: bytes) -> None:
    went: Went = []
    scope = {**_scope("POST", "/v1/responses"), "headers": [(b"x-pointsman-dry-run", value)]}
    await table(went)(scope, _nothing, _nowhere)
    assert went == [("explain", "/responses")]


@pytest.mark.parametrize("value", [b"0", b"False", b" off ", b"no"])
async def test_a_dry_run_that_is_switched_off_is_none(value: bytes) -> None:
    went: Went = []
    scope = {**_scope("POST", "/v1/responses"), "headers": [(b"x-pointsman-dry-run", value)]}
    await table(went)(scope, _nothing, _nowhere)
    assert went == [("inference", "/responses")]


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/files"])
async def test_a_dry_run_that_is_not_possible_is_not_sent(path: str) -> None:
    went: Went = []
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {**_scope("POST", path), "headers": [(b"x-pointsman-dry-run", b"1")]}
    await table(went)(scope, _nothing, send)
    assert went == []
    assert sent[0]["status"] == 404
    assert "a dry run is possible where policies apply" in sent[1]["body"].decode()


async def test_a_browser_is_led_to_the_dashboard() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {**_scope("GET", "/"), "headers": [(b"accept", b"text/html,*/*")]}
    await table([])(scope, _nothing, send)
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"location"]) == (307, b"/dashboard")


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("POST /health", 405, "Method Not Allowed"),
        ("DELETE /metrics", 405, "Method Not Allowed"),
        ("GET /", 404, "OpenRouter's API is under /v1"),
        ("GET /v1/../health", 404, "OpenRouter's API is under /v1"),
        ("GET /files/", 404, "OpenRouter's API is under /v1"),
        ("GET //files", 404, "OpenRouter's API is under /v1"),
        ("GET /HEALTH", 404, "OpenRouter's API is under /v1"),
        ("GET /pointsman", 404, "OpenRouter's API is under /v1"),
        ("POST /v1/CHAT/completions", 404, "use POST /v1/chat/completions"),
        ("PUT /v1/CHAT/completions", 404, "use POST /v1/chat/completions"),
    ],
)
async def test_what_no_endpoint_serves_is_answered(asked: str, status: int, told: str) -> None:
    went: Went = []
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    method, path = asked.split(" ")
    await table(went)(_scope(method, path), _nothing, send)
    assert went == []
    assert sent[0]["status"] == status
    assert told in sent[1]["body"].decode()


async def test_a_table_without_a_last_row_says_so() -> None:
    with pytest.raises(LookupError, match="no last row"):
        await Table(Row(GET, SENT, lambda _: None, _never))(_scope("GET", "/"), _nothing, _nowhere)


def _scope(method: str, path: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "headers": []}


async def _never(*_: object) -> None:
    raise AssertionError("no row fits")


async def _nothing() -> Message:
    return {}


async def _nowhere(message: Message) -> None:
    del message
