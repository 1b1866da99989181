"""Embeddings and rerank: routed like the rest, without router metadata."""

import pytest

from tests.simulator.simulated import Simulated


async def test_rerank_puts_the_document_with_the_words_first() -> None:
    body = {
        "model": "cohere/rerank-v3.5",
        "query": "red train",
        "documents": ["a blue car", "the red train", "a train"],
        "top_n": 2,
    }
    reply = await Simulated().post("/rerank", body)
    told = reply.json()
    assert [row["index"] for row in told["results"]] == [1, 2]
    assert told["results"][0]["document"] == {"text": "the red train"}
    scores = [row["relevance_score"] for row in told["results"]]
    assert scores == sorted(scores, reverse=True)
    assert told["provider"] == "Azure"


@pytest.mark.parametrize("path", ["/embeddings", "/rerank"])
async def test_embeddings_and_rerank_are_routed_like_the_rest(path: str) -> None:
    body = {"model": "qwen/qwen3-embedding-8b", "input": "x", "documents": ["x"], "query": "x"}
    simulated = Simulated()
    pinned = await simulated.post(path, {**body, "provider": {"quantizations": ["bf16"]}})
    assert pinned.json()["provider"] == "DeepInfra"
    refused = await simulated.post(path, {**body, "provider": {"quantizations": ["fp4"]}})
    assert refused.status_code == 404
