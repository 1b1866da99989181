"""One name for each model that the catalog or a policy knows, and none for any other."""

from pathlib import Path

import pytest

from app.api.known_models import KnownModels
from app.openrouter.catalog_feed import CatalogFeed
from app.policy_folder import PolicyFolder

POLICY = """\
version: 1
rules:
  - {name: r, models: ["acme/named", "acme/*"], zdr: true}
aliases:
  Fast: {model: acme/aliased}
"""
LISTED = [{"id": "qwen/qwen3-coder"}, {"id": "qwen/qwen3-coder:free"}]


@pytest.fixture
def policies(tmp_path: Path) -> PolicyFolder:
    (tmp_path / "p.yaml").write_text(POLICY, encoding="utf-8")
    return PolicyFolder(tmp_path)


@pytest.fixture
def known(policies: PolicyFolder) -> KnownModels:
    async def nothing(_: str) -> tuple[int, bytes]:
        return 404, b""

    feed = CatalogFeed(nothing)
    feed.current = feed.current.with_models(LISTED).with_listing("acme/listed", [], 0.0)
    return KnownModels(policies, feed)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("qwen/qwen3-coder", "qwen/qwen3-coder"),
        ("Qwen/Qwen3-Coder:nitro", "qwen/qwen3-coder"),
        ("qwen/qwen3-coder:free", "qwen/qwen3-coder:free"),
        ("qwen/qwen3-coder:anything", "qwen/qwen3-coder"),
        ("qwen/qwen3-coder@preset/mine", "qwen/qwen3-coder"),
        ("acme/listed", "acme/listed"),
        ("acme/listed:beta", "acme/listed"),
        ("acme/named", "acme/named"),
        ("acme/named:beta", "acme/named"),
        ("acme/aliased", "acme/aliased"),
        ("FAST", "fast"),
        ("acme/only-a-pattern-fits", None),
        ("qwen/qwen3", None),
        ("", None),
    ],
)
def test_a_model_goes_by_the_name_that_is_known(
    known: KnownModels, asked: str, name: str | None
) -> None:
    assert known.name_of(asked) == name


def test_a_saved_policy_makes_its_models_known(known: KnownModels, policies: PolicyFolder) -> None:
    assert known.name_of("acme/new") is None
    (policies.folder / "p.yaml").write_text(POLICY.replace("acme/named", "acme/new"))
    policies.look()
    policies.look()
    assert known.name_of("acme/new") == "acme/new"
    assert known.name_of("acme/named") is None
