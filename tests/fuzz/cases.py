"""The kinds of input, each made from a seed alone, so that one case can be repeated."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzz import grammar

POLICIES = Path(__file__).parent.parent.parent / "policies"

PATHS = ("/chat/completions", "/responses", "/messages", "/completions", "/embeddings", "/rerank")
_PRICED = (b"prompt", b"completion", b"request")
_SSE_TOKENS = (
    *(b"data: ", b"data:", b"data", b"event: error\n", b"event: ", b"id: 1\n", b":\n", b": x\n\n"),
    *(b"\n", b"\n\n", b"\r", b"\r\n\r\n", b"\xef\xbb\xbf", b"data: [DONE]\n\n", b"data: {}\n\n"),
    *(b"data: {}\n\n" * 3000, b"\n" * 30_000, b"x\n" * 20_000, b"data:x\n" * 20_000),
)
_HTTP_TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\x00",
        b"\xff",
        b" ",
        b"\t",
        b":",
        b"HTTP/1.1 200 OK\r\n",
    ),
    *(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 X\r\n\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/2.0",
    ),
    *(
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n"),
    *(b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"X: a\r\n b\r\n"),
    *(b"Content-Type: text/event-stream\r\n", b"Content-Encoding: gzip\r\n", b"X: y\r\n" * 300),
    *(b"X-" + b"y" * 70_000 + b": z\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffffffffffff\r\n"),
    *(b"fffffffffffffffff\r\n", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"204", b"304", b"999"),
    *(b"Retry-After: 1e999\r\n", b"Host: evil.example\r\n", b"Origin: null\r\n", b"PRI * HTTP/2.0"),
)
_YAML_TOKENS = tuple(
    token.encode()
    for token in (
        *(
            "&a ",
            "*a",
            "<<: *a\n",
            "!!python/object:os.system ",
            "!x ",
            "? ",
            "- ",
            "---\n",
            "...\n",
        ),
        *("\t", "\n  ", ": ", "[", "]", "{", "}", "'", '"', "|", ">", "#", "%YAML 9\n", "@", "`"),
        *("1e999", "1e-999999999", "0o9", "1:30", ".inf", ".nan", "~", "no", "9" * 400, "9" * 5000),
        *(
            "rules:\n",
            "  - name: x\n",
            "models: ['*']\n",
            "quantization_floor: fp9\n",
            "only: [a, a]\n",
        ),
        *(
            "pin: [" + "a, " * 3000 + "b]\n",
            "[" * 3000,
            "{a: " * 60,
            "&b [*b]",
            "\ufeff",
            "\x00",
            "\x85",
        ),
        *(
            "max_price: {prompt: 1e-40}\n",
            "models: ['" + "*" * 400 + "']\n",
            "set: {a: {b: [1]}}\n",
        ),
    )
)


LISTING = json.dumps(
    {
        "data": {
            "endpoints": [
                {
                    "tag": tag,
                    "provider_name": name,
                    "quantization": label,
                    "pricing": {"prompt": price, "completion": price},
                    "context_length": 8192,
                    "supported_parameters": ["tools", "max_tokens"],
                }
                for tag, name, label, price in (
                    ("novita/fp8", "Novita", "fp8", "0.0000002"),
                    ("deepinfra/fp4", "DeepInfra", "fp4", "0"),
                    ("deepinfra/bf16", "DeepInfra", "bf16", "0.000001"),
                    ("openai/priority", "OpenAI", "unknown", "0.00001"),
                    ("groq", "Groq", None, "-1"),
                )
            ]
        }
    }
).encode()
REFUSED = b"""{"error":{"code":404,"message":"No endpoints found matching your policy",
  "metadata":{"failed_routing_step":"Filter by Max Price"}}}"""


@dataclass(frozen=True)
class Case:
    """What one client sends, and what upstream answers to it."""

    request: bytes
    answer: tuple[bytes, ...] = (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",)
    listing: bytes = LISTING  # what any GET below /models is answered with
    relayed: bytes | None = None  # the body that must come out, where the answer is sound


def posted(path: str, body: bytes, *more: bytes) -> bytes:
    """A request that ends its connection."""
    lines = [
        b"POST /v1%b HTTP/1.1" % path.encode(),
        *(b"Host: localhost", b"Content-Type: application/json", b"Connection: close", *more),
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _asked(random: Random) -> bytes:
    named = random.choice((b"acme/sim-1", b"qwen/qwen3-coder", b"quick", _new_model(random)))
    return b'{"model":"%b","messages":[],"stream":true}' % named


def _new_model(random: Random) -> bytes:
    """One whose listing has to be fetched."""
    return b"fuzz/m%d" % random.randrange(10**9)


def _answered(body: bytes, kind: bytes, random: Random) -> tuple[bytes, ...]:
    """A sound answer with this body, in pieces."""
    head = b"HTTP/1.1 %d X\r\nContent-Type: %b\r\n" % (
        random.choice((200, 200, 200, 404, 429)),
        kind,
    )
    if random.random() < 0.5:
        whole = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        return tuple(_pieces(random, whole))
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _pieces(random, body) if piece]
    return (head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")


def _pieces(random: Random, whole: bytes) -> list[bytes]:
    cuts = sorted(random.randrange(len(whole) + 1) for _ in range(random.randrange(6)))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def stream(random: Random) -> Case:
    """An event stream of recorded, odd and tiny events."""
    if random.random() < 0.5:
        body = grammar.mutated(random, random.choice(_streams()), _SSE_TOKENS)
    else:
        events = [
            random.choice((b"data: ", b"data:", b"event: x\ndata: ", b"event: error\ndata: "))
            + grammar.obj(random).replace(b"\n", b" ")
            + random.choice((b"\n\n", b"\r\n\r\n", b"\r\r"))
            for _ in range(random.randrange(1, 30))
        ]
        body = b"".join(events)
    answer = _answered(body, b"text/event-stream", random)
    return Case(posted(random.choice(PATHS), _asked(random)), answer, relayed=body)


def body(random: Random) -> Case:
    """A whole body, recorded or odd."""
    if random.random() < 0.5:
        sent = grammar.mutated(random, random.choice(_bodies()), _SSE_TOKENS)
    else:
        sent = grammar.obj(
            random, 5, "provider", "usage", "error", "openrouter_metadata", "choices"
        )
    answer = _answered(sent, b"application/json", random)
    relayed = None if b" 404 " in answer[0] else sent  # a routing error may be explained
    return Case(posted(random.choice(PATHS), _asked(random)), answer, relayed=relayed)


def answer(random: Random) -> Case:
    """Raw bytes in place of an answer."""
    good = b"".join(
        _answered(random.choice((b"{}", b"data: {}\n\n", b"x" * 1000)), b"text/plain", random)
    )
    raw = grammar.mutated(random, good, _HTTP_TOKENS)
    return Case(posted(random.choice(PATHS), _asked(random)), tuple(_pieces(random, raw)))


def request(random: Random) -> Case:
    """Raw bytes in place of a request."""
    paths = (*("/v1" + path for path in PATHS), "/v1/models", "/v1/models/a/b", "/v1/x", "/health")
    paths += (
        "/ready",
        "/metrics",
        "/pointsman/explain",
        "/pointsman/receipts",
        "/dashboard",
        "/a%00",
    )
    good = posted("", _asked(random)).replace(
        b"POST /v1 ", b"POST %b " % random.choice(paths).encode()
    )
    if random.random() < 0.4:
        good = good.replace(
            b"POST ", random.choice((b"GET ", b"HEAD ", b"PUT ", b"CONNECT ", b"x "))
        )
    return Case(grammar.mutated(random, good, _HTTP_TOKENS))


def asked(random: Random) -> Case:
    """A JSON body of a request: deep, wide, keys twice, strange numbers, halves of characters."""
    known = ("model", "messages", "provider", "models", "tools", "stream", "plugins", "fallbacks")
    made = grammar.obj(random, 5, *known)
    if random.random() < 0.7:
        named = random.choice((b"acme/sim-1", _new_model(random)))
        made = b'%b,"model":"%b"}' % (
            made[:-1],
            named,
        )  # of a key that comes twice, the last counts
    if random.random() < 0.5:
        provider = grammar.obj(random, 3, "only", "order", "ignore", "max_price", "quantizations")
        if random.random() < 0.3:
            caps = b",".join(b'"%b":%b' % (key, grammar.number(random)) for key in _PRICED)
            provider = b'{"max_price":{%b}}' % caps
        made = b'%b,"provider":%b}' % (made[:-1], provider)
    if random.random() < 0.2:
        made = grammar.mutated(random, made, _SSE_TOKENS)
    more = random.choice(((), (), (b"x-pointsman-dry-run: 1",), (b"anthropic-version: 1",)))
    path = random.choice((*PATHS, "/messages/count_tokens", "/../pointsman/explain"))
    sent = posted(path, made, *more).replace(b"/v1/../", b"/")
    if random.random() < 0.5:
        return Case(sent)
    lines = b"HTTP/1.1 404 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return Case(sent, (lines % len(REFUSED) + REFUSED,))


def listing(random: Random) -> Case:
    """A listing, asked for by name, and in the way of a request that is judged by it."""
    if random.random() < 0.5:
        made = grammar.mutated(random, random.choice(_listings()), _SSE_TOKENS)
    else:
        known = ("tag", "provider_name", "pricing", "quantization", "id", "canonical_slug")
        rows = [grammar.obj(random, 3, *known) for _ in range(random.randrange(20))]
        shape = random.choice((b'{"data":[%b]}', b'{"data":{"endpoints":[%b]}}', b"[%b]", b"%b"))
        made = shape % b",".join(rows)
    told = b'{"provider":"Novita","usage":{"cost":1}}'
    sound = _answered(told, b"application/json", random)
    which = random.choice(
        (b"/models", b"/models/acme/sim-1", b"/models/quick", b"/models/a/b/endpoints")
    )
    get = b"GET /v1%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n"
    style = random.choice((b"", b"anthropic-version: 1\r\n"))
    sent = random.choice((get % (which, style), posted("/chat/completions", _asked(random))))
    return Case(sent, sound, listing=made)


def policy(random: Random) -> bytes:
    """The text of a policy file."""
    return grammar.mutated(random, random.choice(_policies()), _YAML_TOKENS)


@cache
def _streams() -> list[bytes]:
    return grammar.streams()


@cache
def _bodies() -> list[bytes]:
    return grammar.bodies()


@cache
def _listings() -> list[bytes]:
    return grammar.listings()


@cache
def _policies() -> list[bytes]:
    return [file.read_bytes() for file in sorted(POLICIES.rglob("*.yaml"))]


KINDS: Mapping[str, Callable[[Random], Case]] = {
    each.__name__: each for each in (stream, body, answer, request, asked, listing)
}
