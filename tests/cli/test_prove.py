"""`pointsman prove` against a router that obeys, and against one that does not."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.cli.prove import Proof, proofs_of, prove
from app.errors import SettingsError
from app.settings import Settings
from app.simulator import create_simulator
from app.simulator.switches import Switches
from tests.running import running

POLICY = """\
version: 1
rules:
  - name: all
    models: ["*"]
    quantization_floor: fp8
    only: [novita, deepinfra, siliconflow]
    ignore: [chutes]
    max_price: {prompt: 5, completion: 9}
    zdr: true
    data_collection: deny
    require_parameters: true
    sort: price
  - {name: pinned, models: ["moonshotai/*"], order: [novita], allow_fallbacks: false}
"""
CODER, KIMI = "qwen/qwen3-coder", "moonshotai/kimi-k2"

Prove = Callable[..., dict[str, Proof]]


@pytest.fixture
def settings_for(tmp_path: Path) -> Iterator[Callable[[Switches], Settings]]:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "p.yaml").write_text(POLICY)
    with ExitStack() as stack:

        def start(switches: Switches) -> Settings:
            server = stack.enter_context(running(create_simulator(switches=switches, pace=0)))
            return Settings.read(
                policies=tmp_path / "p",
                upstream_url=f"{server.url}/api/v1",
                openrouter_api_key="sk-or-v1-x",
            )

        yield start


@pytest.fixture
def proved(settings_for: Callable[[Switches], Settings]) -> Prove:
    def go(switches: Switches, model: str = CODER, *, positive: bool = False) -> dict[str, Proof]:
        settings = settings_for(switches)
        proofs = asyncio.run(proofs_of(settings, model, positive=positive))
        return {proof.clause: proof for proof in proofs}

    return go


TESTED = {"only", "ignore", "quantizations", "max_price", "zdr", "require_parameters"}

OBEYING = {
    "as it is": Switches(),
    "display names match": Switches(display_names_match=True),
    "strict prices": Switches(max_price_strict=True),
    "families": Switches(families_expand=True),
    "no provider": Switches(provider_field="missing"),
    "availability": Switches(availability=True),
    "metadata first": Switches(metadata_frame="first"),
    "drift": Switches(drift={"novita/fp8": "fp4"}),
    "html": Switches(html_404=False),
}


@pytest.mark.parametrize("switches", OBEYING.values(), ids=OBEYING)
def test_a_router_that_obeys_is_proven_to(proved: Prove, switches: Switches) -> None:
    proofs = proved(switches)
    assert {name: proofs[name].outcome for name in TESTED} == dict.fromkeys(TESTED, "enforced")
    assert proofs["data_collection"].outcome == proofs["sort"].outcome == "untested"
    assert 'rule "all"' in proofs["only"].because
    assert proofs["quantizations"].answered == "404 Filter by Quantization"


def test_a_router_that_disobeys_is_caught_at_every_clause(proved: Prove) -> None:
    proofs = proved(Switches(disobey=True))
    assert {name: proofs[name].outcome for name in TESTED} == dict.fromkeys(TESTED, "NOT ENFORCED")
    assert proofs["only"].answered.startswith("200 from ")


def test_an_order_without_fallbacks_is_tested(proved: Prove) -> None:
    assert proved(Switches(), KIMI)["order"].outcome == "enforced"
    assert proved(Switches(disobey=True), KIMI)["order"].outcome == "NOT ENFORCED"


def test_the_positive_control_judges_who_served(proved: Prove) -> None:
    served = proved(Switches(), positive=True)["all of it"]
    assert served.outcome == "kept"
    assert served.answered.startswith("200 from ")
    nobody = Switches(provider_field="missing")
    assert proved(nobody, positive=True)["all of it"].outcome == "kept"  # by router metadata


def test_the_positive_control_catches_who_disobeys(proved: Prove) -> None:
    assert proved(Switches(disobey=True), positive=True)["all of it"].outcome == "broken"


def test_an_upstream_error_decides_nothing(proved: Prove) -> None:
    proofs = proved(Switches(), "acme/none")
    assert proofs["only"].outcome == "undecided"
    assert "not a valid model" in proofs["only"].answered
    assert proofs["max_price"].outcome == "untested"


def test_the_exit_code_is_for_scripts(
    settings_for: Callable[[Switches], Settings],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert prove(settings_for(Switches()), CODER, positive=False, as_json=False) == 0
    out = capsys.readouterr().out
    assert "enforced" in out
    assert max(map(len, out.splitlines())) <= 80
    disobeying = settings_for(Switches(disobey=True))
    assert prove(disobeying, CODER, positive=False, as_json=True) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {row["outcome"] for row in rows} == {"NOT ENFORCED", "untested"}


def test_without_a_policy_there_is_nothing_to_prove(
    settings_for: Callable[[Switches], Settings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = settings_for(Switches())
    (tmp_path / "p" / "p.yaml").write_text("version: 1\nrules: []\n")
    assert prove(settings, CODER, positive=True, as_json=False) == 0
    assert "nothing to prove" in capsys.readouterr().out


def test_it_needs_a_key(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    settings = Settings.read(policies=tmp_path / "p")
    with pytest.raises(SettingsError, match="OPENROUTER_API_KEY"):
        prove(settings, CODER, positive=False, as_json=False)
