"""Strange bytes: JSON as nobody writes it, and good bytes with something done to them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openrouter"

KEYS = (
    *("id", "model", "models", "provider", "providers", "usage", "cost", "choices", "delta"),
    *("message", "messages", "content", "text", "error", "code", "type", "status", "metadata"),
    *("previous_errors", "provider_name", "openrouter_metadata", "endpoints", "available"),
    *("attempts", "selected", "pipeline", "strategy", "finish_reason", "native_finish_reason"),
    *("prompt_tokens", "completion_tokens", "cost_details", "upstream_inference_prompt_cost"),
    *("prompt_tokens_details", "cached_tokens", "is_byok", "server_tool_use_details", "data"),
    *("tag", "pricing", "prompt", "completion", "overrides", "context_length"),
    *("supported_parameters", "quantization", "uptime_last_30m", "service_tier"),
    *("supports_tool_choice", "only", "order", "ignore", "quantizations", "max_price", "sort"),
    *("allow_fallbacks", "zdr", "tools", "plugins", "stream", "preset", "fallbacks", "set"),
    *("options", "response", "session_id", "user", "alias_target", "canonical_slug"),
    *("architecture", "created", "name"),
)
VALUES = (
    *("acme/sim-1", "a/b", "qwen/qwen3-coder:free", "@preset/x", "Novita", "novita/fp8"),
    *("DeepInfra", "fp8", "unknown", "deny", "price", "stop", "error", "function", "image_url"),
    *("openrouter:web_search", "priority"),
)

_NUMBERS = (
    *(
        "0",
        "-0",
        "-1",
        "1",
        "1.5",
        "0.1",
        "1e5",
        "1E+5",
        "1e-7",
        "1e308",
        "1e309",
        "1e999",
        "1e-400",
    ),
    *("1e-999999999", "0e-999999999", "1e999999999", "-1e999999999", "1e99999999999999999999"),
    *("9007199254740991", "9007199254740993", "9223372036854775808", "18446744073709551616"),
    *("NaN", "Infinity", "-Infinity", "01", "+1", ".5", "5.", "1_0", "0x10", "--1", "1e", "1e+"),
)
_ODD_TEXTS = (
    *(rb"\ud800", rb"\udfff", rb"\ud83d\ude00", rb"\u0000", rb"\u202e", rb"\\", rb"\"", rb"\x"),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\x1b[31m", b"\n", b"\r\n", b"\xe2\x80\xa8"),
    *("é😀", "\N{RIGHT-TO-LEFT OVERRIDE}x"),
)


def _size(random: Random, most: int) -> int:
    """Mostly small, seldom as much as can be."""
    return random.choices((1, 20, 41, 400, 5000, most), (30, 30, 20, 10, 2, 0.3))[0]


def number(random: Random) -> bytes:
    kind = random.random()
    if kind < 0.6:
        return random.choice(_NUMBERS).encode()
    digits = b"%d" % random.randrange(10) * _size(random, 100_000)
    return random.choice((b"%b", b"-%b", b"0.%b", b"1e%b", b"1e-%b", b"1.%b")) % digits


def text(random: Random) -> bytes:
    kind = random.random()
    if kind < 0.5:
        return random.choice((*KEYS, *VALUES)).encode()
    if kind < 0.8:
        odd = random.choices(_ODD_TEXTS, k=random.randrange(1, 4))
        return b"".join(each.encode() if isinstance(each, str) else each for each in odd)
    return random.choice((b"x", b"\\ud800", b" ", b"\xff")) * _size(random, 70_000)


def value(random: Random, depth: int = 4) -> bytes:
    """Some JSON, or nearly."""
    kind = random.random()
    if depth and kind < 0.3:
        items = [value(random, depth - 1) for _ in range(random.randrange(5))]
        return b"[" + b",".join(items) + b"]"
    if depth and kind < 0.6:
        return obj(random, depth - 1)
    if kind < 0.62:
        return _heap(random)
    if kind < 0.75:
        return number(random)
    if kind < 0.85:
        return random.choice((b"true", b"false", b"null", b"{}", b"[]", b'""', b"", b"nul"))
    return b'"' + text(random) + b'"'


def obj(random: Random, depth: int = 4, *known: str) -> bytes:
    """An object of known keys, a few of them twice; `known` ones are more likely."""
    keys = random.choices((*KEYS, *known * 20), k=random.randrange(1, 9))
    pairs = [b'"%b":%b' % (key.encode(), value(random, depth)) for key in keys]
    if random.random() < 0.05:
        pairs.append(b'"' + text(random) + b'":' + value(random, 0))
    return b"{" + random.choice((b",", b", ", b",\n\t")).join(pairs) + b"}"


def _heap(random: Random) -> bytes:
    """Much of the same."""
    count = _size(random, 20_000)
    each = random.choice((b"[]", b"{}", b"1", b"1.5", b'"a"', b'{"provider":"x"}', b'{"tag":"x"}'))
    open_, close = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    if random.random() < 0.5:
        return open_ * count + each + close * random.choice((count, count - 1))
    return b"[" + b",".join([each] * count) + b"]"


def mutated(random: Random, good: bytes, tokens: Sequence[bytes]) -> bytes:
    """Good bytes with one to four things done to them."""
    for _ in range(random.randrange(1, 5)):
        good = random.choice(_MUTATIONS)(random, good, tokens)[:600_000]
    return good


def _somewhere(random: Random, good: bytes) -> tuple[int, int]:
    start = random.randrange(len(good) + 1)
    return start, min(len(good), start + random.choice((1, 2, 8, 40, 400)))


def _flip(random: Random, good: bytes, _: Sequence[bytes]) -> bytes:
    start, _end = _somewhere(random, good)
    return good[:start] + bytes([random.randrange(256)]) + good[start + 1 :]


def _cut(random: Random, good: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _somewhere(random, good)
    return good[:start] + good[end:]


def _end(random: Random, good: bytes, _: Sequence[bytes]) -> bytes:
    return good[: random.randrange(len(good) + 1)]


def _repeat(random: Random, good: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _somewhere(random, good)
    return good[:start] + good[start:end] * _size(random, 5000) + good[end:]


def _insert(random: Random, good: bytes, tokens: Sequence[bytes]) -> bytes:
    start, end = _somewhere(random, good)
    token = random.choice(tokens)
    keep = random.random() < 0.5
    return good[:start] + token + good[start if keep else end :]


def _insert_value(random: Random, good: bytes, _: Sequence[bytes]) -> bytes:
    start, _end = _somewhere(random, good)
    return good[:start] + value(random, 2) + good[start:]


_MUTATIONS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    *(_flip, _cut, _end, _repeat, _insert, _insert, _insert_value),
)


def streams() -> list[bytes]:
    """Recorded event streams."""
    return [file.read_bytes() for file in sorted((FIXTURES / "sse").glob("*.sse"))]


def bodies() -> list[bytes]:
    """Recorded bodies: answers, errors, records."""
    files = sorted((FIXTURES / "json").glob("*.json"))
    errors = json.loads((FIXTURES / "errors" / "error_bodies.json").read_text(encoding="utf-8"))
    return [file.read_bytes() for file in files] + [
        json.dumps(each["body"]).encode() for each in errors
    ]


def listings() -> list[bytes]:
    """Recorded listings, in the shape that they are answered in."""
    files = sorted((FIXTURES / "endpoints").glob("*.json"))
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [json.dumps({"data": {"endpoints": _rows(each)}}).encode() for each in rows]


def _rows(recorded: object) -> list[object]:
    if isinstance(recorded, list):
        return recorded
    found = recorded.values() if isinstance(recorded, dict) else ()
    return next((rows for each in found if (rows := _rows(each))), [])
