"""The Grafana dashboard loads, and asks for nothing that `/metrics` doesn't have."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.ledger.receipt import FAILED
from tests.telemetry.exposed import families, scraped

FILE = Path(__file__).parent.parent / "docs" / "grafana" / "pointsman.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
GRAFANAS_OWN = {"__rate_interval", "__range", "__interval"}

# The parts of Grafana's dashboard model (schema version 38) that it does not mend by itself.
_SOURCE = {
    "type": "object",
    "properties": {"type": {"const": "prometheus"}, "uid": {"const": "${datasource}"}},
    "required": ["type", "uid"],
}
_GRID = {
    "type": "object",
    "properties": {
        "x": {"type": "integer", "minimum": 0, "maximum": 23},
        "y": {"type": "integer", "minimum": 0},
        "w": {"type": "integer", "minimum": 1, "maximum": 24},
        "h": {"type": "integer", "minimum": 1},
    },
    "required": ["x", "y", "w", "h"],
}
_TARGET = {
    "type": "object",
    "properties": {
        "datasource": _SOURCE,
        "expr": {"type": "string", "minLength": 1},
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
        "legendFormat": {"type": "string"},
    },
    "required": ["datasource", "expr", "refId"],
}
_ROW = {
    "properties": {
        "type": {"const": "row"},
        "collapsed": {"const": False},
        "panels": {"type": "array", "maxItems": 0},
    },
    "required": ["collapsed", "panels"],
}
_DRAWN = {
    "properties": {
        "type": {"enum": ["stat", "timeseries"]},
        "datasource": _SOURCE,
        "description": {"type": "string", "minLength": 1},
        "targets": {"type": "array", "items": _TARGET, "minItems": 1},
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
        "options": {"type": "object"},
    },
    "required": ["datasource", "description", "targets", "fieldConfig", "options"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "null"},
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": {"type": "string", "minLength": 1},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "time": {"type": "object", "required": ["from", "to"]},
        "annotations": {"type": "object", "required": ["list"]},
        "templating": {
            "type": "object",
            "properties": {
                "list": {
                    "type": "array",
                    "items": {"type": "object", "required": ["name", "type", "query"]},
                    "contains": {
                        "properties": {
                            "name": {"const": "datasource"},
                            "type": {"const": "datasource"},
                            "query": {"const": "prometheus"},
                        }
                    },
                }
            },
            "required": ["list"],
        },
        "panels": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "title": {"type": "string", "minLength": 1},
                    "gridPos": _GRID,
                },
                "required": ["id", "type", "title", "gridPos"],
                "oneOf": [_ROW, _DRAWN],
            },
        },
    },
    "required": ["id", "uid", "title", "schemaVersion", "time", "templating", "panels"],
}


def queries() -> Iterator[str]:
    for panel in SHOWN:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


QUERIES = sorted(set(queries()))


def samples() -> dict[str, set[str]]:
    """The labels of everything that can be asked for; Prometheus adds job and instance."""
    return {
        sample.name: {key for each in metric.samples for key in each.labels} | {"job", "instance"}
        for metric in families(scraped()).values()
        for sample in metric.samples
    }


def test_the_file_is_a_dashboard_that_asks_which_prometheus_to_use() -> None:
    jsonschema.validate(DASHBOARD, SCHEMA)


def test_every_panel_has_an_id_of_its_own_and_every_query_a_letter() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    for panel in SHOWN:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), panel["title"]


def test_no_panel_lies_on_another_or_beyond_the_edge() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        columns, rows = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        for place in itertools.product(columns, rows):
            assert place not in taken, f"{panel['title']} lies on {taken[place]}"
            taken[place] = panel["title"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_only_metrics_and_labels_that_exist(query: str) -> None:
    known = samples()
    names = set(re.findall(r"\b(?:pointsman|process)_\w+", query))
    assert names <= known.keys()
    assert names
    for name, selector in re.findall(r"(\w+)\{([^}]*)\}", query):
        assert set(re.findall(r"(\w+) ?(?:=~|!~|!=|=)", selector)) <= known[name]
    common = set.intersection(*(known[name] for name in names))
    for grouping in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
        assert set(grouping.split(", ")) <= common


@pytest.mark.parametrize("query", QUERIES)
def test_a_counter_is_never_shown_bare_and_every_bracket_is_closed(query: str) -> None:
    bare = re.sub(r"(?:rate|increase)\([^\[]*\[[^\]]*\]\)", "", query)
    if not query.startswith("label_values("):
        assert not re.search(r"_(?:total|bucket|sum|count)\b", bare)
    for opening, closing in ("()", "[]", "{}"):
        assert query.count(opening) == query.count(closing)
    assert query.count('"') % 2 == 0


def test_every_variable_that_is_used_is_defined() -> None:
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", FILE.read_text(encoding="utf-8"))) - {"__all"}
    assert used <= defined | GRAFANAS_OWN


def test_every_legend_names_labels_that_its_query_keeps() -> None:
    for target in (target for panel in SHOWN for target in panel["targets"]):
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        kept = set(", ".join(re.findall(r"\bby \(([^)]*)\)", target["expr"])).split(", "))
        metric = re.findall(r"(?:pointsman|process)_\w+", target["expr"])[0]
        assert named <= (kept if "by (" in target["expr"] else samples()[metric])


def test_every_metric_of_ours_that_grows_or_stands_is_shown_somewhere() -> None:
    shown = " ".join(QUERIES)
    unshown = {"pointsman_draining"}  # nobody is scraped for long while being stopped
    ours = {name for name in families(scraped()) if name.startswith("pointsman_")}
    assert {name for name in ours if name not in shown} == unshown


def test_what_counts_as_failed_is_what_the_ledger_counts() -> None:
    text = json.dumps(DASHBOARD)
    asked = re.findall(r'ending=~\\"([a-z_|]+)\\"', text)
    assert asked
    assert {frozenset(each.split("|")) for each in asked} == {FAILED}
