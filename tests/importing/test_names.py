"""Other tools' names for models."""

import pytest

from app.importing.names import is_openrouter, pattern_in, slug_in


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("qwen/qwen3-coder", "qwen/qwen3-coder"),
        ("openrouter/qwen/qwen3-coder:free", "qwen/qwen3-coder:free"),
        ("openrouter/Qwen/Qwen3-Coder ", "qwen/qwen3-coder"),
        ("openrouter/auto", "openrouter/auto"),
        ("openrouter/openrouter/auto", "openrouter/auto"),
        ("~anthropic/claude-sonnet-latest", "~anthropic/claude-sonnet-latest"),
        ("gpt-4o", None),
        ("openrouter/a b/c", None),
        ("a/b@preset/mine", None),
        ("openrouter/*", None),
        ("", None),
    ],
)
def test_a_slug_is_what_follows_the_tools_prefix(name: str, slug: str | None) -> None:
    assert slug_in(name, "openrouter") == slug


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("openrouter/*", "*"),
        ("openrouter/anthropic/*", "anthropic/*"),
        ("*", "*"),
        ("openrouter/a/b", "a/b"),
        ("openrouter/a/*[1]", None),
    ],
)
def test_wildcards_stay_wildcards(name: str, pattern: str | None) -> None:
    assert pattern_in(name, "openrouter") == pattern


def test_a_prefix_that_was_not_named_stays() -> None:
    assert slug_in("openrouter/a/b") is None
    assert slug_in("openai/a/b", "openrouter", "openai") == "a/b"


@pytest.mark.parametrize(
    ("addresses", "ours"),
    [
        (["https://openrouter.ai/api/v1"], True),
        (["", "https://EU.OpenRouter.ai/api"], True),
        (["http://127.0.0.1:4477/v1"], True),
        (["http://localhost:4477"], True),
        (["http://localhost:44770"], False),
        (["https://llm.example/v1", ""], False),
        ([], False),
    ],
)
def test_an_address_is_openrouters_or_pointsmans(addresses: list[str], ours: bool) -> None:  # noqa: FBT001
    assert is_openrouter(*addresses) is ours
