"""Errors as clients read them, as a reply and as an event in a stream."""

import json

import pytest

from app.errors import StallMissed
from app.server.replies import error_event
from app.wire.dialect import DIALECTS, Dialect
from app.wire.observer import Observer

STREAMED = [row for row in DIALECTS.values() if row.tokens]


@pytest.mark.parametrize("dialect", STREAMED, ids=lambda row: row.name)
def test_t69_an_error_event_is_one_that_is_read_as_an_error_and_ends_nothing(
    dialect: Dialect,
) -> None:
    event = error_event(StallMissed("too\nlong"), dialect, "rcp_1", 7)
    observer = Observer(dialect, content_type="text/event-stream")
    observer.feed(event)
    seen = observer.close()
    assert seen.error is not None
    assert (seen.error.code, seen.error.message) == ("stall_deadline", "too\nlong")
    assert not seen.done


def test_the_responses_api_gets_openais_error_event_and_what_its_sdk_looks_for() -> None:
    event = error_event(StallMissed("too long"), DIALECTS["/responses"], "rcp_1", 7)
    assert json.loads(event.removeprefix(b"data: ")) == {
        "type": "error",
        "sequence_number": 7,
        "code": "stall_deadline",
        "message": "too long",
        "param": None,
        "error": {
            "message": "too long",
            "type": "upstream_error",
            "param": None,
            "code": "stall_deadline",
        },
    }
