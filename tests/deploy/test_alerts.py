"""The alerts ask for metrics that exist, and fire for what they are for."""

import re
import shutil
import subprocess
from typing import Any

import pytest

from app.ledger.receipt import FAILED
from tests.deploy.built import DEPLOY, ROOT, read

FILE = DEPLOY / "scale" / "alerts.yaml"
(GROUP,) = read(FILE)["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
LISTED = {
    name: (kind, set(labels.split(", ")) if labels else set())
    for name, kind, labels in re.findall(
        r"^\| `(\w+)` \| (\w+) \| ?([\w, ]*?) ?\|", METRICS, re.MULTILINE
    )
}
PROMETHEUS = {"job", "instance"}
BY_NAME = [pytest.param(rule, id=rule["alert"]) for rule in RULES]


@pytest.mark.parametrize("rule", BY_NAME)
def test_an_alert_names_only_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    names = set(re.findall(r"\bpointsman_\w+", rule["expr"]))
    assert names <= LISTED.keys()
    assert names or 'up{job="pointsman"}' in rule["expr"]
    labels = PROMETHEUS.union(*(LISTED[name][1] for name in names))
    used = ", ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"])).split(", ")
    used += re.findall(r"(\w+) ?(?:=~|!~|!=|=)\"", rule["expr"])
    shown = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
    assert {*used, *shown} - {""} <= labels


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_counter_is_compared_with_what_it_was(rule: dict[str, Any]) -> None:
    for name in re.findall(r"\bpointsman_\w+", rule["expr"]):
        kind, _ = LISTED[name]
        if kind == "counter":
            assert re.search(rf"(rate|increase)\({name}(\{{[^}}]*\}})?\[", rule["expr"])


@pytest.mark.parametrize("rule", BY_NAME)
def test_an_alert_says_what_it_is_and_how_bad(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert f"`{rule['alert']}`" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_what_counts_as_failed_is_what_the_ledger_counts() -> None:
    (expr,) = (rule["expr"] for rule in RULES if rule["alert"] == "PointsmanErrorShare")
    (endings,) = re.findall(r'ending=~"([a-z_|]+)"', expr)
    assert set(endings.split("|")) == FAILED


def test_prometheus_fires_each_alert_for_what_it_is_for() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here; on Debian: apt install prometheus")
    file = ROOT / "tests" / "deploy" / "alerts.test.yaml"
    assert {rule["alert"] for rule in RULES} <= set(
        re.findall(r"Pointsman\w+", file.read_text("utf-8"))
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [promtool, "test", "rules", str(file)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
