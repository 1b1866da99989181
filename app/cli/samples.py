"""A few requests like those of a coding tool, sent through the proxy to show what it does."""

import time
from typing import Any

import httpx2

from .log_table import show
from .terminal import Console

_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "read_file",
            "description": "Read one file of the project.",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            },
        },
    }
]


def _asks(text: str, model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


SAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("an open-weight coding model, streamed", _asks("Hi.", "qwen/qwen3-coder", stream=True)),
    ("another one, with a tool", _asks("Hi.", "moonshotai/kimi-k2", stream=True, tools=_TOOLS)),
    ("a closed model, not streamed", _asks("Hi.", "anthropic/claude-sonnet-4.6")),
    (
        "a tool that accepts only fp4",
        _asks("Hi.", "deepseek/deepseek-v4.1-flash", provider={"quantizations": ["fp4"]}),
    ),
    ("a model that does not exist", _asks("Hi.", "acme/no-such-model")),
)

_WAIT_SECONDS = 10.0

_NEXT = """
Try it yourself:

  curl {base_url}/chat/completions -H 'content-type: application/json'{key} \\
    -d '{{"model": "qwen/qwen3-coder", "stream": true,
         "messages": [{{"role": "user", "content": "hi"}}]}}'

Dashboard: {root}/dashboard
Receipts:  {log}
as JSON:   {receipts}
Serving until Ctrl-C. With OPENROUTER_API_KEY set, pointsman run serves the real one.
"""


def send_samples(base_url: str, headers: dict[str, str], log: str) -> None:
    """Send the samples; print their receipts and the next steps."""
    console = Console()
    root = base_url.removesuffix("/v1")
    receipts = f"{root}/pointsman/receipts"
    with httpx2.Client(headers=headers, timeout=30, trust_env=False) as client:
        try:
            _wait_until_ready(client, f"{root}/ready")
            sent = [_send(client, base_url, told, body, console) for told, body in SAMPLES]
            found = [_receipt(client, f"{receipts}/{receipt_id}") for receipt_id in sent]
        except httpx2.TransportError:
            return  # stopped meanwhile
    console.print()
    show([receipt for receipt in found if receipt is not None], console)
    key = " -H 'authorization: Bearer CALLER-KEY'" if headers else ""
    told = _NEXT.format(base_url=base_url, key=key, root=root, receipts=receipts, log=log)
    print(told, flush=True)


def _wait_until_ready(client: httpx2.Client, url: str) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        try:
            client.get(url)
        except httpx2.TransportError:
            time.sleep(0.02)
        else:
            return


def _send(
    client: httpx2.Client, base_url: str, told: str, body: dict[str, Any], console: Console
) -> str:
    answer = client.post(f"{base_url}/chat/completions", json=body)
    console.print(f"sent {told}: {answer.status_code}")
    return str(answer.headers["x-pointsman-receipt"])


def _receipt(client: httpx2.Client, url: str) -> dict[str, Any] | None:
    """One receipt, as soon as it is in the ledger; None if the ledger can't be read."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        answer = client.get(url)
        if answer.is_success:
            receipt: dict[str, Any] = answer.json()
            return receipt
        if answer.is_server_error or time.monotonic() > until:
            return None
        time.sleep(0.05)
