"""Stand-ins for the feed's two seams, and short words for what its tests say often."""

import asyncio
import json
from typing import Any

from app.openrouter.catalog_feed import CatalogFeed

MODEL = "qwen/qwen3-coder"
LIST, LISTING = "/models", f"/models/{MODEL}/endpoints"
MODELS_BODY = {"data": [{"id": MODEL, "hugging_face_id": "Qwen/Qwen3-Coder"}]}

Answer = tuple[int, bytes] | Exception


def listing_of(*tags: str) -> dict[str, Any]:
    return {"data": {"endpoints": [{"tag": tag, "provider_name": "Novita"} for tag in tags]}}


class Upstream:
    """Answers each path as it is told to, at once or when it is let go; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.go = asyncio.Event()
        self.go.set()
        self.tell(LIST, MODELS_BODY)
        self.tell(LISTING, listing_of("novita/fp8"))

    def tell(self, path: str, body: object, status: int = 200) -> None:
        self.answers[path] = status, json.dumps(body).encode()

    async def get(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        await self.go.wait()
        answer = self.answers.get(path, (404, b'{"error": {"code": 404}}'))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


async def want(feed: CatalogFeed, *models: str) -> None:
    for model in models:
        feed.want(model)
    await feed.settled()


def tags(feed: CatalogFeed, model: str = MODEL) -> list[str] | None:
    listing = feed.current.listing(model)
    return None if listing is None else [endpoint.tag for endpoint in listing.endpoints]
