"""`pointsman prove --channels` against routers that keep to `provider`, and that do not."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.cli.prove_channels import Asked, Seen, prove_channels, seen_on
from app.settings import Settings
from app.simulator import create_simulator
from app.simulator.switches import Switches
from tests.running import running
from tests.simulator.channels import MODELS, PRESETS

MODEL, INNER = "acme/big", "acme/judge"
Start = Callable[..., Settings]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    listed = tmp_path / "catalog.json"
    listed.write_text(json.dumps({"format": 1, "models": MODELS}), encoding="utf-8")
    with ExitStack() as stack:

        def go(switches: Switches | None = None) -> Settings:
            simulator = create_simulator(
                catalog=listed, presets=PRESETS, pace=0, switches=switches or Switches()
            )
            server = stack.enter_context(running(simulator))
            url = f"{server.url}/api/v1"
            return Settings.read(
                upstream_url=url, openrouter_api_key="sk-or-v1-workspace-one", state=tmp_path
            )

        yield go


def seen(settings: Settings, *, preset: str | None = "big", positive: bool = False) -> list[Seen]:
    asked = Asked(MODEL, preset=preset, inner=INNER, positive=positive)
    return asyncio.run(seen_on(settings, asked))


def test_every_channel_that_can_be_tested_is_held_by_a_router_that_obeys(start: Start) -> None:
    rows = seen(start())
    held = {row.channel for row in rows if row.outcome == "held"}
    assert held >= {
        *("model on /chat/completions", "model on /responses", "model on /messages"),
        *("model on /completions", "models", "fallbacks", "variant :nitro", "variant :online"),
        *("~author/family-latest", "openrouter/auto", "@preset/x", "model@preset/x", "preset"),
        *("@preset/x in models", "service_tier", "plugin auto-router", "plugin fusion"),
        *("/embeddings", "/rerank", "/images", "/systemone"),
    }
    others = {row.channel for row in rows} - held
    assert others == {"/audio/speech", "/audio/transcriptions", "/videos", "/batches"}
    assert {row.outcome for row in rows} == {"held", "untested"}


def test_a_router_that_disobeys_is_told(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    settings = start(Switches(disobey=True))
    assert prove_channels(settings, Asked(MODEL), as_json=True) == 1
    rows = {row["channel"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["model on /chat/completions"]["outcome"] == "NOT HELD"
    assert rows["@preset/x"]["outcome"] == "untested"
    assert "--preset" in rows["@preset/x"]["why"]


@pytest.mark.parametrize(
    ("inherits", "outcome"),
    [
        (True, "seen: refused inside, so it holds there"),
        (False, "seen: it ran, so it does not hold there"),
    ],
)
def test_what_holds_inside_is_seen(start: Start, outcome: str, *, inherits: bool) -> None:
    switches = Switches(inner_inherits=inherits)
    rows = {row.channel: row for row in seen(start(switches), positive=True)}
    assert rows["acme/judge in the tool subagent"].outcome == outcome
    assert rows["acme/judge in the tool advisor"].outcome == outcome


def test_without_a_host_of_its_own_nothing_can_be_seen_inside(start: Start) -> None:
    rows = asyncio.run(seen_on(start(), Asked(MODEL, inner=MODEL, positive=True)))
    inside = [row for row in rows if "in the tool" in row.channel]
    assert {row.outcome for row in inside} == {"untested"}
    assert all("no provider is listed for acme/big" in row.why for row in inside)


def test_it_is_printed_to_be_pasted(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    assert prove_channels(start(), Asked(MODEL, preset="big"), as_json=False) == 0
    first, _, head, rule, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("Does `provider` hold for acme/big on every channel? Pointsman ")
    assert head == "| Channel | Outcome | Answered | Why |"
    assert rule == "|---|---|---|---|"
    assert len(rows) > 25
    assert all(row.startswith("| ") and row.endswith(" |") for row in rows)


def test_an_answer_of_another_kind_decides_nothing(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = start()
    wrong = Settings.read(
        upstream_url=settings.upstream_url.replace("/api/v1", "/nowhere"),
        openrouter_api_key="sk-or-v1-workspace-one",
    )
    assert prove_channels(wrong, Asked(MODEL), as_json=True) == 2
    outcomes = {row["outcome"] for row in json.loads(capsys.readouterr().out)}
    assert outcomes == {"undecided", "untested"}
