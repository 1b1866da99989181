"""One frame of an event stream, as bytes (openrouter.md §3.1)."""

import json
from typing import Any

COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"


def data(content: Any) -> bytes:
    """One frame of JSON."""
    return (
        b"data: "
        + json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        + (b"\n\n")
    )


def event(name: str, content: Any) -> bytes:
    """One frame with an event's name."""
    return f"event: {name}\n".encode() + data(content)
