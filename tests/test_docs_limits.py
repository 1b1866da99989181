"""Each bound in `docs/limits.md` is the one in the code, and no bound of a connection is missing.

A row names what it speaks of in a comment: `module:NAME`, `module:Class.field` of the settings, or
`module:Callable(parameter)` for a parameter's default.
"""

import importlib
import inspect
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from app.server.bounds import Bounds
from app.settings import Settings

TEXT = (Path(__file__).parent.parent / "docs" / "limits.md").read_text(encoding="utf-8")
SCALES = {
    "kB": 1e3,
    "MB": 1e6,
    "s": 1.0,
    "days": 86_400.0,
    "bytes": 1.0,
    "characters": 1.0,
    "": 1.0,
}
NONE = "none"


class Row(NamedTuple):
    """One line of one of the tables."""

    section: str
    what: str
    refers: str
    default: str
    setting: str
    beyond: str


def rows() -> list[Row]:
    found = []
    for section in TEXT.split("\n## ")[1:]:
        title, *lines = section.splitlines()
        for line in lines:
            if line.startswith("| ") and not line.startswith("| What |"):
                first, *rest = (cell.strip() for cell in line.strip("|").split(" |"))
                what, _, refers = first.partition("<!--")
                found.append(Row(title, what.strip(), refers.strip(" ->"), *rest))
    return found


ROWS = rows()


def meant(refers: str) -> float | None:
    """The value in the code, in bytes, seconds or pieces."""
    module, _, name = refers.partition(":")
    of, dot, field = name.partition(".")
    called, bracket, parameter = name.partition("(")
    value = getattr(importlib.import_module(module), of if dot else called)
    if dot:
        value = value.model_fields[field].default
        if isinstance(value, timedelta):
            return value.total_seconds()
        scale = 1e6 if field.endswith("_mb") else 1e3 if field.endswith("_kb") else 1.0
        return None if value is None else value * scale
    if bracket:
        value = inspect.signature(value).parameters[parameter.rstrip(")")].default
    return float(value)


def said(default: str) -> float | None:
    if default == NONE:
        return None
    if default.startswith("2⁶³ - 1"):
        return float(2**63 - 1)
    number, unit = re.match(r"([0-9.,]+) ?(\w*)", default).groups()  # type: ignore[union-attr]
    return float(number.replace(",", "")) * SCALES.get(unit, 1.0)


def test_there_is_a_table_for_each_part() -> None:
    assert [row.section for row in ROWS if row.refers]
    sections = list(dict.fromkeys(row.section for row in ROWS))
    assert sections == [
        *("Requests", "Connections", "Policies", "Upstream", "Ledger"),
        *("Notifications", "Terminal and log", "Tools for agents"),
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what[:60])
def test_a_bound_is_what_the_code_has(row: Row) -> None:
    assert row.refers, "name the constant in a comment"
    assert said(row.default) == meant(row.refers)


@pytest.mark.parametrize("row", [row for row in ROWS if row.setting], ids=lambda row: row.setting)
def test_a_setting_of_a_bound_is_one(row: Row) -> None:
    named = re.fullmatch(r"\[`POINTSMAN_(\w+)`\]\(settings\.md#pointsman_(\w+)\)", row.setting)
    assert named is not None
    assert named[1].lower() == named[2]
    assert named[2] in Settings.model_fields


def test_no_bound_of_a_connection_and_no_setting_of_one_is_left_out() -> None:
    refers = {row.refers for row in ROWS}
    assert {f"app.server.bounds:Bounds({field.name})" for field in fields(Bounds)} <= refers
    settings = " ".join(row.setting for row in ROWS)
    for name in Settings.model_fields:
        if re.search(r"max_|_timeout$|_seconds$|_keep$", name):
            assert f"POINTSMAN_{name.upper()}`" in settings, name


def test_defaults_of_bounds_are_those_of_the_settings() -> None:
    assert Bounds.of(Settings.read()) == Bounds()
