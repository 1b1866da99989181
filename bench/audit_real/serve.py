"""Serve the model as OpenRouter would, with an endpoint for each way to serve it.

    python -m bench.audit_real.serve [--port 4480] [--noise 0.025]

It knows `GET /models`, `/providers`, `/models/AUTHOR/SLUG/endpoints` and `POST /chat/completions`
without streaming, below `/api/v1`: what `pointsman audit` asks for. An answer takes about two
seconds, and each endpoint half a gigabyte of memory, from its first request on.
"""

import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from bench.audit_real.answering import TOKENS, Walk
from bench.audit_real.hosts import HOSTS, MODEL, Host, found_model, load

_BASE = "/api/v1"
_PRICES = {"prompt": "0.0000001", "completion": "0.0000002"}
_PARAMETERS = ["max_tokens", "temperature", "top_p", "seed", "stop"]


def model_row() -> dict[str, object]:
    return {
        "id": MODEL,
        "canonical_slug": MODEL,
        "name": "SmolLM2 135M Instruct",
        "hugging_face_id": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "context_length": 8192,
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        "pricing": _PRICES,
        "supported_parameters": _PARAMETERS,
    }


def endpoint_row(host: Host) -> dict[str, object]:
    return {
        "name": f"{host.provider} | {MODEL}",
        "provider_name": host.provider,
        "tag": host.tag,
        "quantization": host.label,
        "context_length": 8192,
        "max_completion_tokens": 64,
        "pricing": _PRICES,
        "supported_parameters": _PARAMETERS,
        "status": 0,
        "uptime_last_30m": 100,
    }


class Answers:
    """What the hosts say, one request at a time."""

    def __init__(self, noise: float) -> None:
        self.model, self.engine_of = load(found_model())
        self.noise = noise
        self.rng = np.random.default_rng()
        self.walks: dict[str, Walk] = {}
        self.lock = threading.Lock()

    def completion(self, asked: dict) -> dict[str, object] | None:
        """An answer; None if the request names no endpoint of ours."""
        only = (asked.get("provider") or {}).get("only") or [host.tag for host in HOSTS]
        host = next((h for h in HOSTS if h.tag in only or h.tag.split("/")[0] in only), None)
        if host is None or asked.get("model") != MODEL:
            return None
        prompt = self.model.tokenizer.chat(asked["messages"][-1]["content"], host.system)
        temperature = host.temperature or float(asked.get("temperature", 1))
        most = min(int(asked.get("max_tokens") or TOKENS), TOKENS)
        with self.lock:
            if host.tag not in self.walks:
                self.walks[host.tag] = Walk(self.engine_of(host), self.model.tokenizer.end)
            ids = self.walks[host.tag].answer(prompt, most, self.noise, temperature, self.rng)
        cost = (len(prompt) * 1e-7) + len(ids) * 2e-7
        return {
            "id": f"gen-{int(time.time())}-{self.rng.integers(1 << 62):020}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": MODEL,
            "provider": host.provider,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self.model.tokenizer.decode(ids)},
                    "finish_reason": "length" if len(ids) == most else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": len(prompt),
                "completion_tokens": len(ids),
                "total_tokens": len(prompt) + len(ids),
                "cost": cost,
            },
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def do_GET(self) -> None:
        pages: dict[str, object] = {
            "/models": [model_row()],
            "/providers": [{"name": h.provider, "slug": h.tag.split("/")[0]} for h in HOSTS],
            f"/models/{MODEL}/endpoints": model_row()
            | {"endpoints": list(map(endpoint_row, HOSTS))},
        }
        page = pages.get(self.path.partition("?")[0].removeprefix(_BASE))
        self.reply(404, _error(404, "Not found")) if page is None else self.reply(
            200, {"data": page}
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.removeprefix(_BASE) != "/chat/completions":
            return self.reply(404, _error(404, "Not found"))
        asked = json.loads(body)
        if asked.get("stream"):
            return self.reply(400, _error(400, "This server does not stream"))
        said = self.answers.completion(asked)
        if said is None:
            return self.reply(404, _error(404, "No allowed providers are available"))
        return self.reply(200, said)

    def reply(self, status: int, value: object) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def _error(code: int, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4480)
    parser.add_argument("--noise", type=float, default=0.025)
    asked = parser.parse_args()
    Handler.answers = Answers(asked.noise)
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), Handler)
    print(f"{MODEL} at http://127.0.0.1:{server.server_port}{_BASE}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
