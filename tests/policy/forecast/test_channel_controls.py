"""What `prove --channels` sends: a demand that nobody can meet, down each channel that is held."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.policy.forecast.channel_controls import NOBODY, inner_probes, probes
from tests.policy.listings import NOW, row

MODELS: list[dict[str, Any]] = [
    {"id": "~a/family-latest", "alias_target": {"slug": "a/b"}},
    {"id": "a/paint", "architecture": {"output_modalities": ["image"]}},
    {"id": "a/b"},
]
CATALOG = EMPTY.with_models(MODELS)


def test_each_probe_demands_the_impossible_or_says_why_it_can_not() -> None:
    found = list(probes("a/b:free", CATALOG, preset="mine"))
    assert len({each.channel for each in found}) == len(found)
    for each in found:
        assert each.why
        assert each.body is None or each.body["provider"] is NOBODY
    tested = {each.channel: each.body for each in found if each.body is not None}
    assert tested["variant :nitro"] is not None
    assert tested["variant :nitro"]["model"] == "a/b:nitro"
    assert tested["~author/family-latest"]["model"] == "~a/family-latest"
    assert tested["/images"]["model"] == "a/paint"
    assert tested["model@preset/x"]["model"] == "a/b:free@preset/mine"


def test_what_is_lacking_is_named() -> None:
    untested = {each.channel: each.why for each in probes("a/b", EMPTY) if each.body is None}
    assert untested["~author/family-latest"] == "the list of models has no family"
    assert untested["preset"] == "set --preset to a preset of the account"
    assert untested["/embeddings"] == "the list of models has none that puts out embeddings"


@pytest.mark.parametrize(
    ("inner_hosts", "host"),
    [(["Groq"], "novita"), (["Novita"], None), ([], "novita"), (None, None)],
)
def test_inside_a_host_is_demanded_that_serves_the_outer_model_alone(
    inner_hosts: list[str] | None, host: str | None
) -> None:
    rows = [row("novita/priority", "Novita"), row("novita/fp8", "Novita")]
    catalog = EMPTY.with_listing("a/b", rows, NOW)
    if inner_hosts is not None:
        theirs = [row(name.lower(), name) for name in inner_hosts]
        catalog = catalog.with_listing("c/d", theirs, NOW)
    found = list(inner_probes("a/b", "c/d", catalog))
    assert len(found) == 4
    for each in found:
        assert not each.demands
        assert (each.body["provider"] if each.body else None) == (host and {"only": [host]})
