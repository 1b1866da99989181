"""`docs/sessions.md` has the table of places that the code has."""

import re
from pathlib import Path

from app.policy.sessions import PLACES, Place
from app.wire.headers import to_upstream

PAGE = (Path(__file__).parent.parent / "docs" / "sessions.md").read_text(encoding="utf-8")


SURE = r"read|not established|seen, [^;]*\d[^;]*, \d{4}-\d\d-\d\d(; [^;]+: read)?"


def table(title: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def forwarded(place: Place) -> str:
    where, name = place.source.split(".")[:2]
    sent = to_upstream([(name.encode(), b"x")], key=None, router_metadata=False)
    return "yes" if where == "body" or (name.encode(), b"x") in sent else "no"


def test_the_places_are_those_of_the_code_in_their_order() -> None:
    places = [place for place in PLACES if place.role == "session"]
    rows = [[f"`{place.source}`", place.scope, forwarded(place)] for place in places]
    assert table("Order of precedence") == rows


def test_the_places_of_subagents_are_those_of_the_code() -> None:
    places = [place for place in PLACES if place.role != "session"]
    rows = [[f"`{p.source}`", p.scope, p.role, forwarded(p)] for p in places]
    assert table("Subagents") == rows


def test_each_tool_sends_what_the_code_looks_for() -> None:
    told = {
        (tool, source)
        for tool, sends, *_ in table("Tools")
        for source in re.findall(r"`((?:header|body)\.[^`]+)`", sends)
    }
    assert told == {(tool, place.source) for place in PLACES for tool in place.tools}


def test_each_tool_has_a_date_and_a_source() -> None:
    for tool, sends, since, sure, otherwise in table("Tools"):
        assert re.fullmatch(SURE, sure), tool
        assert since or sends == "not known", tool
        assert otherwise or "`" in sends or "no" in sends, tool
