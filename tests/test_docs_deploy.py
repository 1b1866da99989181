"""docs/deploy.md: its commands make the secrets of Compose, and its numbers are those in force."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from app.settings import Settings
from tests.deploy.built import DEPLOY, ROOT
from tests.deploy.test_compose import COMPOSE, ENV, REPLICAS, SERVICES
from tests.deploy.test_kubernetes import container, of_kind, plain_env, pod

TEXT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
GROWTH = (ROOT / "docs" / "growth.md").read_text(encoding="utf-8")
(COMMANDS,) = re.findall(r"^```sh run\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_commands_make_every_secret_and_they_fit_together(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    scale = tmp_path / "deploy" / "scale"
    scale.mkdir(parents=True)
    shutil.copy(DEPLOY / "scale" / "scale.env.example", scale)
    done = subprocess.run(  # noqa: S603 - the page's own commands
        ["/bin/sh", "-e", "-c", f"umask 022\n{COMMANDS}\npwd; umask"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, mask = done.stdout.split()  # the commands after them are for the same folder
    assert (Path(where).resolve(), int(mask, 8)) == (tmp_path.resolve(), 0o022)
    assert (scale / "scale.env").is_file()
    for secret in COMPOSE["secrets"].values():
        assert (tmp_path / "deploy" / secret["file"]).is_file()
    secrets = scale / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert stat.S_IMODE((secrets / "pointsman.env").stat().st_mode) == 0o600
    password = (secrets / "postgres_password").read_text(encoding="utf-8")
    lines = (secrets / "pointsman.env").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", maxsplit=1) for line in lines)
    assert given["POINTSMAN_LEDGER_URL"] == f"postgresql://pointsman:{password}@postgres/pointsman"
    settings = Settings.read(
        openrouter_api_key=given["OPENROUTER_API_KEY"],
        caller_keys=given["POINTSMAN_CALLER_KEYS"],
        ledger_url=given["POINTSMAN_LEDGER_URL"],
        shared_secret=given["POINTSMAN_SHARED_SECRET"],
        operators=ENV["POINTSMAN_OPERATORS"],
        host="0.0.0.0",  # noqa: S104 - checked, not bound
    )
    settings.check_exposure()
    assert set(settings.operators) <= set(settings.caller_keys)
    key = (secrets / "prometheus_key").read_text(encoding="utf-8")
    assert settings.caller_keys["prometheus"].get_secret_value() == key


def test_the_times_of_a_stop_are_those_of_the_files() -> None:
    drains = {
        overlay: plain_env(overlay)["POINTSMAN_DRAIN_SECONDS"] for overlay in ("production", "demo")
    }
    graces = {overlay: pod(overlay)["terminationGracePeriodSeconds"] for overlay in drains}
    wait = container("production")["lifecycle"]["preStop"]["sleep"]["seconds"]
    stop = SERVICES[REPLICAS[0]]["stop_grace_period"].removesuffix("s")
    assert f"For {wait} seconds (`preStop`)" in TEXT
    assert (
        f"`POINTSMAN_DRAIN_SECONDS`: {drains['production']} (demo: {drains['demo']}) "
        f"| {ENV['POINTSMAN_DRAIN_SECONDS']} |"
    ) in TEXT
    assert (
        f"`terminationGracePeriodSeconds`: {graces['production']} (demo: {graces['demo']}) "
        f"| or after `stop_grace_period`: {stop} |"
    ) in TEXT
    assert f"{wait} + {drains['production']} + 20 = {graces['production']}" in TEXT


def test_the_sizes_follow_from_what_was_measured() -> None:
    """The arithmetic again, with the constants of the other page."""
    (of_chunk,) = re.findall(r"^\| 2,000 \| [\d.]+ \| ([\d.]+) \|", GROWTH, re.MULTILINE)
    assert f"{float(of_chunk):.0f} µs (2,000 open streams)" in TEXT
    of_stream = float(of_chunk) * 50 / 1000
    assert f"a stream costs {of_stream:.1f} ms" in TEXT
    metrics = of_kind("HorizontalPodAutoscaler")["spec"]["metrics"]
    (streams,) = [int(each["pods"]["target"]["averageValue"]) for each in metrics if "pods" in each]
    half_a_core_ms = 500
    assert streams * of_stream == pytest.approx(half_a_core_ms, rel=0.1)
    assert container("production")["resources"]["requests"]["cpu"] == f"{half_a_core_ms}m"

    bodies = int(plain_env("production")["POINTSMAN_MAX_BODIES_MB"])
    assert ENV["POINTSMAN_MAX_BODIES_MB"] == str(bodies)
    whole = 100 + 2 * streams * 20 / 1000 + 3 * bodies
    assert f"(3 x {bodies} = {3 * bodies} MB): {whole:.0f} MB" in TEXT
    limit = int(container("production")["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert whole < limit * 1.048576
    assert SERVICES[REPLICAS[0]]["mem_limit"] == f"{limit}m"
