"""The table of dialects is sound: every row can be read by a frame."""

import msgspec
import pytest

from app.wire.dialect import DIALECTS, Dialect, is_beside_base
from app.wire.frame import Frame

FIELDS = {field.name for field in msgspec.structs.fields(Frame)}


def test_the_rows_are_the_apis_by_their_paths() -> None:
    assert {path: row.name for path, row in DIALECTS.items()} == {
        "/chat/completions": "chat",
        "/responses": "responses",
        "/messages": "messages",
        "/completions": "completions",
        "/embeddings": "embeddings",
        "/rerank": "rerank",
        "/alpha/decisions": "decisions",
        "/systemone": "systemone",
        "/images": "images",
        "/audio/speech": "speech",
        "/audio/transcriptions": "transcriptions",
        "/videos": "videos",
        "/batches": "batches",
        "/beta/batches": "batches",
    }


def test_only_messages_wears_anthropics_errors() -> None:
    assert [row.name for row in DIALECTS.values() if row.error_shape == "anthropic"] == ["messages"]


@pytest.mark.parametrize("row", DIALECTS.values(), ids=lambda row: row.name)
def test_every_place_is_one_that_a_frame_has(row: Dialect) -> None:
    places = [
        *row.generation_id,
        *row.finish_reason,
        *([row.tokens.place] if row.tokens else []),
        row.service_tier,
        row.native_finish_reason,
        row.finish_error,
    ]
    assert {place.field for place in places} <= FIELDS
    assert {row.wrapper, row.items} <= {"", *FIELDS}


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("/beta/batches", True),
        ("/beta/batches/batch_1/cancel", True),
        ("/batches", False),
        ("/beta/batches-of-mine", False),
        ("/x/beta/batches", False),
    ],
)
def test_only_batches_are_beside_the_base_address(path: str, *, beside: bool) -> None:
    assert is_beside_base(path) is beside
