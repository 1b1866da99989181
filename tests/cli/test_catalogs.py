"""Where a catalog comes from, and what is fetched for it: little, and a few at a time."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.catalog.catalog import Catalog
from app.catalog.snapshot import FORMAT
from app.cli.catalogs import MOST_FETCHED, Rows, fetch, open_catalog, simulated_snapshot
from app.errors import SettingsError, UpstreamError
from app.openrouter.listings import rows_at
from app.settings import Settings
from app.simulator import create_simulator
from app.wire.headers import RawHeaders
from tests.running import running

ROW = {"tag": "novita/fp8", "provider_name": "Novita"}


class Upstream:
    """Answers as OpenRouter would, and remembers who asked for what, and how many at once."""

    def __init__(self, *slugs: str, **answers: tuple[int, Any]) -> None:
        self.paths: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._slugs = slugs or ("acme/sim-1",)
        self._answers = answers

    async def get(self, path: str, _headers: RawHeaders) -> tuple[int, RawHeaders, bytes]:
        status, answer = await self._answer(path)
        return status, [], msgspec.json.encode(answer)

    async def _answer(self, path: str) -> tuple[int, object]:
        self.paths.append(path)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0.001)
        self._now -= 1
        if path.endswith("/endpoints"):
            return self._answers.get("endpoints", (200, {"data": {"endpoints": [ROW]}}))
        if path == "/providers":
            return self._answers.get("providers", (200, {"data": [{"slug": "novita"}]}))
        models = [{"id": model} for model in self._slugs]
        return self._answers.get("models", (200, {"data": models}))


def rows_of(upstream: Upstream) -> Rows:
    openrouter: Any = upstream
    return partial(rows_at, openrouter, headers=[])


async def test_what_is_wanted_is_fetched_once_each_and_nothing_else() -> None:
    upstream = Upstream()
    names = ["acme/sim-1:nitro", "Acme/sim-1", "acme/sim-1:free"]
    snapshot, left_out = await fetch(rows_of(upstream), lambda _: names)
    assert upstream.paths[:2] == ["/models?output_modalities=all", "/providers"]
    assert sorted(upstream.paths[2:]) == [
        "/models/acme/sim-1/endpoints",
        "/models/acme/sim-1:free/endpoints",
    ]
    assert (set(snapshot.endpoints), left_out) == ({"acme/sim-1", "acme/sim-1:free"}, 0)
    assert snapshot.catalog(0.0).providers == {"novita"}


async def test_a_wide_policy_fetches_no_more_than_is_polite() -> None:
    models = [f"acme/sim-{n}" for n in range(MOST_FETCHED + 7)]
    upstream = Upstream(*models)
    snapshot, left_out = await fetch(rows_of(upstream), lambda known: list(known.models))
    assert (len(snapshot.endpoints), left_out) == (MOST_FETCHED, 7)
    assert list(snapshot.endpoints) == models[:MOST_FETCHED]
    assert upstream.most_at_once <= 4


async def test_a_name_cannot_lead_elsewhere() -> None:
    upstream = Upstream()
    await fetch(rows_of(upstream), lambda _: ["a/b?c#d e"])
    assert upstream.paths[-1] == "/models/a/b%3Fc%23d%20e/endpoints"


async def test_a_model_that_there_is_not_has_no_listing_and_is_no_error() -> None:
    snapshot, _ = await fetch(rows_of(Upstream(endpoints=(404, None))), lambda _: ["acme/sim-2"])
    assert snapshot.endpoints == {}


async def test_no_list_of_providers_is_no_error_either() -> None:
    snapshot, _ = await fetch(rows_of(Upstream(providers=(404, None))), lambda _: [])
    assert snapshot.providers == []


@pytest.mark.parametrize(
    "answers",
    [
        {"models": (404, None)},
        {"models": (200, {"data": []})},
        {"models": (401, {"error": {}})},
        {"models": (200, "x")},
        {"providers": (500, None)},
        {"endpoints": (429, {"error": {}})},
        {"endpoints": (200, {"data": {"endpoints": None}})},
    ],
)
async def test_an_answer_that_is_no_listing_is_an_error_and_no_empty_catalog(
    answers: dict[str, tuple[int, Any]],
) -> None:
    with pytest.raises(SettingsError, match="can't fetch the catalog"):
        await fetch(rows_of(Upstream(**answers)), lambda _: ["acme/sim-1"])


def test_the_simulators_catalog_shows_what_its_listings_show() -> None:
    snapshot = simulated_snapshot()
    assert "_simulator" not in json.dumps([snapshot.models, dict(snapshot.endpoints)], default=str)
    assert "qwen/qwen3-coder:free" in snapshot.endpoints
    assert {"slug": "novita", "name": "Novita"} in snapshot.providers


def test_live_and_simulated_are_the_same_where_upstream_is_the_simulator() -> None:
    def everything(known: Catalog) -> list[str]:
        return [*known.models]

    with running(create_simulator(pace=0)) as upstream:
        settings = Settings.read(upstream_url=f"{upstream.url}/api/v1")
        live = open_catalog("live", settings, everything)
    simulated = open_catalog("simulated", settings, everything)
    assert live.catalog.models == simulated.catalog.models
    assert live.catalog.providers == simulated.catalog.providers
    for model, listing in simulated.catalog.listings.items():
        fetched = live.catalog.listing(model)
        assert fetched is not None
        assert fetched.endpoints == listing.endpoints


def test_an_upstream_that_is_not_there_is_said_in_one_sentence() -> None:
    settings = Settings.read(upstream_url="http://127.0.0.1:9/api/v1")
    with pytest.raises(SettingsError, match="can't fetch the catalog: no answer from") as failed:
        open_catalog("live", settings, lambda _: [])
    assert not isinstance(failed.value, UpstreamError)


def test_a_file_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    whole = {"format": FORMAT, "fetched_at": "2026-11-21T09:30:00+00:00", "models": []}
    file.write_text(json.dumps({**whole, "endpoints": {"acme/sim-1": [ROW]}}))
    source = open_catalog(str(file), Settings.read(), lambda _: [])
    listing = source.catalog.listing("acme/sim-1")
    assert listing is not None
    assert listing.fetched_at == 1_795_253_400


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_names_the_choices(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="use --catalog live, simulated or a file"):
        open_catalog(str(tmp_path / name), Settings.read(), lambda _: [])


def test_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    whole = {"format": FORMAT, "fetched_at": "yesterday", "models": [], "endpoints": {}}
    file.write_text(json.dumps(whole))
    with pytest.raises(SettingsError, match="yesterday"):
        open_catalog(str(file), Settings.read(), lambda _: [])
