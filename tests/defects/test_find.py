"""Each defect is found in the answers that show it and in no other, in every dialect."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.defects.find import FOUND_IN
from app.defects.table import DEFECTS, GROUPS, NAMES
from tests.defects.answers import body_of, finds, request_of, stream_of
from tests.wire.recordings import STREAMS, recorded

FIXTURES = Path(__file__).parents[1] / "fixtures" / "defects"
APPLIES = {row.name: row.dialects for row in DEFECTS}


def cases() -> list[Any]:
    found = []
    for name in NAMES:
        for row in json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8")):
            for dialect in row.get("dialects", APPLIES[name]):
                case_id = f"{name}-{dialect}-{row['about']}"
                found.append(pytest.param(name, dialect, row, id=case_id))
    return found


CASES = cases()


@pytest.mark.parametrize(("name", "dialect", "row"), CASES)
def test_an_answer_has_the_defects_it_shows_and_no_others(
    name: str, dialect: str, row: dict[str, Any]
) -> None:
    """The same whole, streamed in pieces of any size, and fed byte by byte."""
    assert row["finds"] in ([name], [])
    request, expected = request_of(dialect, row["asked"]), tuple(row["finds"])
    body = body_of(dialect, row["said"])
    assert finds(dialect, request, [body], streamed=False) == expected
    for piece in (3, 1000):
        stream = stream_of(dialect, row["said"], piece)
        assert finds(dialect, request, [stream], streamed=True) == expected
    if len(stream) < 20_000:
        bytewise = (stream[at : at + 1] for at in range(len(stream)))
        assert finds(dialect, request, bytewise, streamed=True) == expected


def test_every_defect_has_both_kinds_of_answers_in_each_of_its_dialects() -> None:
    there = {(case.values[0], case.values[1], bool(case.values[2]["finds"])) for case in CASES}
    wanted = {
        (name, dialect, shows)
        for name in NAMES
        for dialect in APPLIES[name]
        for shows in (True, False)
    }
    assert wanted <= there
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(NAMES)


# --- recorded ones ----------------------------------------------------------------------------

TOOL = {
    "chat": "none",
    "responses": "llm_version",
    "messages": "get_weather",
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_answer_has_no_defects(name: str) -> None:
    dialect = STREAMS[name][0].name
    request = request_of(dialect, {"tools": {TOOL[dialect]: {"type": "object"}}})
    assert finds(dialect, request, [recorded(name)], streamed=True) == ()


@pytest.mark.parametrize("name", ["reasoning_only", "network_error"])
def test_an_empty_success_is_one(name: str) -> None:
    path = next(FIXTURES.parent.glob(f"openrouter/additions/empty_success*{name}*.sse"))
    assert finds("chat", {}, [path.read_bytes()], streamed=True) == ("empty",)


def test_each_defect_has_its_way_of_being_found_and_is_in_one_group() -> None:
    assert tuple(FOUND_IN) == NAMES
    assert sorted(row.name for rows in GROUPS.values() for row in rows) == sorted(NAMES)
