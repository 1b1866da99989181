"""The shipped default does what its comments say."""

from pathlib import Path
from typing import Any

import pytest

from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy_folder import shipped_policies
from tests.policy.sending import preferences, route, send

FILE = shipped_policies() / "default.yaml"
EIGHT_BITS = ["fp8", "mxfp8", "fp16", "bf16", "fp32"]
FOUR_BITS = ["int4", "fp4", "mxfp4", "nvfp4", "fp6", "int8", *EIGHT_BITS]


@pytest.fixture(scope="module")
def book() -> Book:
    return read_book({str(FILE): FILE.read_text(encoding="utf-8")})


def test_only_the_default_is_loaded_as_shipped() -> None:
    assert [each.name for each in sorted(Path(FILE.parent).glob("*.y*ml"))] == ["default.yaml"]


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        ("qwen/qwen3-coder", EIGHT_BITS),
        ("moonshotai/kimi-k2", EIGHT_BITS),
        ("deepseek/deepseek-v4.1-flash:free", EIGHT_BITS),
        ("google/gemma-3-27b-it", EIGHT_BITS),
        ("openrouter/auto", EIGHT_BITS),
        ("@preset/mine", EIGHT_BITS),
        ("anthropic/claude-sonnet-5", [*EIGHT_BITS, "unknown"]),
        ("openai/gpt-5", [*EIGHT_BITS, "unknown"]),
        ("google/gemini-3-pro", [*EIGHT_BITS, "unknown"]),
        # published at 4 bits
        ("openai/gpt-oss-120b", FOUR_BITS),
        ("openai/gpt-oss-20b:free", FOUR_BITS),
        ("moonshotai/kimi-k2-thinking", FOUR_BITS),
    ],
)
def test_a_model_gets_the_precision_its_authors_published(
    book: Book, model: str, labels: list[str]
) -> None:
    assert preferences(book, model) == {
        "quantizations": labels,
        "data_collection": "deny",
        "allow_fallbacks": True,
    }


@pytest.mark.parametrize(
    ("theirs", "sent"),
    [
        ({"data_collection": "allow"}, {}),
        ({"quantizations": ["fp4", "bf16"]}, {"quantizations": ["bf16"]}),
        ({"only": ["deepinfra"], "zdr": True}, {"only": ["deepinfra"], "zdr": True}),
        ({"allow_fallbacks": False}, {"allow_fallbacks": False}),
    ],
)
def test_tools_may_ask_for_less_never_for_more(
    book: Book, theirs: dict[str, Any], sent: dict[str, Any]
) -> None:
    held = preferences(book, "qwen/qwen3-coder")
    assert send(book, {"model": "qwen/qwen3-coder", "provider": theirs}).preferences == held | sent


def test_it_speaks_for_every_caller_and_never_blocks(book: Book) -> None:
    for caller, agent in ((None, ""), ("background", "cline/3")):
        found = route(book, {"model": "qwen/qwen3"}, caller=caller, user_agent=agent)
        assert found.rules == ("careful",)
        assert (found.merge, found.on_violation, found.router_metadata) == ("tighten", "log", True)
        assert not found.refuse
        assert not found.strip
