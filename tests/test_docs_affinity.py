"""docs/affinity.md: its reasons are those of the code, and its bounds too."""

import re
from pathlib import Path

from app.policy.affinity import WHY
from app.policy.route import AFFINITIES
from app.record.conversations import MOST
from app.settings import Settings

PAGE = (Path(__file__).parent.parent / "docs" / "affinity.md").read_text(encoding="utf-8")


def test_every_reason_of_a_pin_is_on_the_page_in_the_words_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:pinned: )?(.+?) \|$", PAGE, re.MULTILINE))
    assert {name: rows.get(name) for name in WHY} == dict(WHY)


def test_every_kind_of_affinity_is_on_the_page() -> None:
    assert all(f"| `{each}` |" in PAGE for each in AFFINITIES)


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"last {MOST:,} conversations" in PAGE
    assert f"{Settings.model_fields['pin_seconds'].default // 60} minutes" in PAGE
