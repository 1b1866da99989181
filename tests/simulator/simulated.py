"""A simulated OpenRouter in this process, and catalogs made for one test."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2

from app.simulator import Switches, create_simulator
from app.simulator.ask import Ask, read_ask
from app.simulator.catalog import Catalog
from app.simulator.routed import Routed
from app.simulator.router import Router

KEY = "sk-or-v1-of-a-test"
NOW = 1_790_000_000.0  # a Monday, 14:13 UTC
HELLO = [{"role": "user", "content": "hello"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
METADATA = {"X-OpenRouter-Metadata": "enabled"}


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Simulated:
    """The ASGI app with a client in front, for whole bodies; streams that pause need a socket."""

    def __init__(
        self,
        folder: Any = None,
        *models: dict[str, Any],
        presets: Any = None,
        **switches: Any,
    ) -> None:
        self.clock = Clock()
        catalog = None
        if models:
            catalog = folder / "catalog.json"
            catalog.write_text(json.dumps({"format": 1, "models": models}), encoding="utf-8")
        self.app = create_simulator(
            catalog=catalog,
            presets=presets,
            switches=Switches(**switches),
            pace=0,
            clock=self.clock,
        )
        self.router: Router = self.app.state.router
        self._client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app),
            base_url="http://openrouter.test/api/v1",
            headers={"authorization": f"Bearer {KEY}"},
        )

    async def post(
        self, path: str, body: Any, headers: dict[str, str] | None = None, **switches: Any
    ) -> httpx2.Response:
        told = {"X-OpenRouter-Simulate": json.dumps(switches)} if switches else {}
        told = {"content-type": "application/json", **(headers or {}), **told}
        return await self._client.post(path, content=json.dumps(body), headers=told)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self._client.get(path, headers=headers or {})

    def reached(self) -> list[tuple[str, str, str]]:
        """Model, tag and why of every endpoint that was sent something, in order."""
        return [(each.model, each.tag, each.why) for each in self.router.reached]

    async def chat(self, model: str = "acme/sim-1", /, **fields: Any) -> httpx2.Response:
        switches = fields.pop("simulate", {})
        headers = fields.pop("headers", {})
        body = {"model": model, "messages": HELLO, **fields}
        return await self.post("/chat/completions", body, headers, **switches)

    async def served_by(self, model: str = "acme/sim-1", /, **fields: Any) -> str:
        """The tag of the endpoint that serves; what no answer tells."""
        reply = await self.chat(model, **fields)
        assert reply.status_code == 200, reply.text
        _, routed, _ = self.router.served[reply.json()["id"]]
        return routed.completion.row.tag


def endpoint(tag: str, quantization: str | None = "fp8", **changes: Any) -> dict[str, Any]:
    """One row; `prompt` and `completion` are USD per token as text."""
    secret = ("trains", "zdr", "regional_surcharge", "defects", "quirks")
    hidden = {name: changes.pop(name) for name in secret if name in changes}
    prices = {"prompt": "0.000001", "completion": "0.000002"}
    named = ("input_cache_read", "input_cache_write", "input_cache_write_1h")
    for name in ("prompt", "completion", "request", "overrides", *named):
        if name in changes:
            prices[name] = changes.pop(name)
    provider = tag.partition("/")[0]
    return {
        "name": f"{provider.title()} | acme/sim-1-20261001",
        "provider_name": provider.title(),
        "tag": tag,
        "quantization": quantization,
        "context_length": 100_000,
        "max_completion_tokens": None,
        "pricing": prices,
        "supported_parameters": ["tools", "tool_choice", "temperature", "max_tokens"],
        "status": 0,
        "_simulator": hidden,
        **changes,
    }


def model(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One model with these rows."""
    name = changes.pop("id", "acme/sim-1")
    hidden = {
        key: changes.pop(key)
        for key in ("distillable", "reasons", "coding", "seals")
        if key in changes
    }
    return {
        "id": name,
        "canonical_slug": f"{name}-20261001",
        "name": name,
        "created": 1_790_000_000,
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        "_simulator": hidden,
        "endpoints": list(rows),
        **changes,
    }


def asked(catalog: Catalog, switches: Switches | None = None, /, **fields: Any) -> Ask:
    """A chat request as the router gets it."""
    body = {"model": "acme/sim-1", "messages": HELLO, **fields}
    return read_ask(body, "chat", {}, catalog, switches or Switches())


def routed(
    *models: dict[str, Any], seed: int = 0, switches: Switches | None = None, **fields: Any
) -> Routed:
    """One request through a router of its own."""
    catalog = Catalog([*models])
    return Router(catalog, seed=seed, clock=lambda: NOW).route(asked(catalog, switches, **fields))


def tried(*rows: dict[str, Any], seed: int = 0, **fields: Any) -> list[str]:
    """The tags in the order of attempts."""
    return [row.tag for row in routed(model(*rows), seed=seed, **fields).available]


def events(stream: str) -> Iterator[dict[str, Any]]:
    """The JSON of every data frame."""
    for line in stream.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def everyone_fails(tags: list[str], status: int = 429) -> dict[str, Any]:
    """The switches under which these hosts fail."""
    return {"fail": dict.fromkeys(tags, status)}
