"""A listing as it is kept: the fields that judging reads, under a digest of them. PURE.

Rule 1  Fields that change with every fetch (uptime, status, latency, throughput) are left out, and
        so is everything else that no policy is judged by: each fetch would be another listing.
Rule 2  Values stay as OpenRouter sent them. The order of rows, of fields and of parameters makes no
        difference, so the digest changes only if something was listed differently.
"""

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

FIELDS = (
    *("tag", "provider_name", "quantization", "pricing", "service_tier"),
    *("context_length", "max_completion_tokens"),
    *("supported_parameters", "supports_tool_choice"),
)
LARGEST = 1_000_000  # bytes before compression; sixty endpoints have some 50,000
_DIGITS = 32  # of the digest: 128 bits

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)


class _Body(msgspec.Struct):
    endpoints: list[Any]


_DECODER = msgspec.json.Decoder(_Body, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class KeptListing:
    """What is kept of a listing: `body` is its JSON, compressed by zlib."""

    model: str  # the catalog's key
    digest: str
    body: bytes


def kept_of(model: str, rows: Iterable[Mapping[str, Any]]) -> KeptListing | None:
    """What is kept of a model's rows; None if they are larger than `LARGEST`, or can't be written.

    The JSON is `{"model": key, "endpoints": [rows]}`, each row with those of `FIELDS` that it has.
    """
    try:
        texts = sorted(map(_text_of, rows))
        name = _ENCODER.encode(model)
    except _UNWRITABLE:
        return None
    text = b'{"model":' + name + b',"endpoints":[' + b",".join(texts) + b"]}"
    if len(text) > LARGEST:
        return None
    return KeptListing(model, hashlib.sha256(text).hexdigest()[:_DIGITS], zlib.compress(text))


def rows_in(body: bytes) -> list[dict[str, Any]]:
    """The rows of a listing that was kept. Raises `ValueError` if the body is not one."""
    try:
        text = zlib.decompressobj().decompress(body, LARGEST)
        rows = _DECODER.decode(text).endpoints
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a kept listing: {error}") from None
    return [row for row in rows if isinstance(row, dict)]


def _text_of(row: Mapping[str, Any]) -> bytes:
    kept = {name: row[name] for name in FIELDS if name in row}
    parameters = kept.get("supported_parameters")
    if isinstance(parameters, list) and all(isinstance(each, str) for each in parameters):
        kept["supported_parameters"] = sorted(parameters)
    return _ENCODER.encode(kept)
