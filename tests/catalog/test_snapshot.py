"""A catalog in a file: what is written is read, and what is none is said to be none."""

import json
from typing import Any

import pytest

from app.catalog.snapshot import FORMAT, Snapshot, read_snapshot, written
from app.errors import SettingsError

MODEL = {"id": "acme/sim-1", "hugging_face_id": "acme/sim", "future": 1}
ROW = {"tag": "novita/fp8", "provider_name": "Novita", "quantization": "fp8"}
SNAPSHOT = Snapshot(
    fetched_at="2026-11-21T09:30:00+00:00",
    models=[MODEL],
    endpoints={"acme/sim-1": [ROW]},
    providers=[{"slug": "novita", "name": "Novita"}],
)


def test_what_is_written_is_read_again_with_every_field_of_every_row() -> None:
    text = written(SNAPSHOT)
    assert read_snapshot(text, "c.json") == SNAPSHOT
    assert json.loads(text)["models"] == [MODEL]
    assert text.endswith(b"}\n")
    assert text.count(b"\n") > 5  # so that a review shows what has changed


def test_the_format_is_the_documented_one() -> None:
    assert json.loads(written(SNAPSHOT)).keys() == {
        *("format", "fetched_at", "models", "endpoints", "providers"),
    }
    assert json.loads(written(SNAPSHOT))["format"] == "pointsman-catalog/1"


def test_a_snapshot_makes_a_catalog() -> None:
    catalog = SNAPSHOT.catalog(100.0)
    listing = catalog.listing("acme/sim-1:nitro")
    assert listing is not None
    assert ([e.tag for e in listing.endpoints], listing.fetched_at) == (["novita/fp8"], 100.0)
    assert catalog.published("acme/sim-1") is True
    assert catalog.providers == {"novita"}


def document(**changes: Any) -> bytes:
    whole = {"format": FORMAT, "fetched_at": "2026-11-21", "models": [], "endpoints": {}}
    return json.dumps({name: v for name, v in {**whole, **changes}.items() if v != "gone"}).encode()


def test_providers_may_be_missing_and_unknown_keys_are_passed_over() -> None:
    assert read_snapshot(document(more=1), "c.json").providers == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not a catalog"),
        (b"[]", "is not a catalog"),
        (b'{"format": "\xff"}', "is not a catalog"),
        (b"[" * 100_000, "is not a catalog"),
        (b"{}", 'the format is ""'),
        (document(format="pointsman-catalog/2"), "pointsman-catalog/2"),
        (document(format=1), "is not a catalog"),
        (document(models={}), r"\$\.models"),
        (document(fetched_at="gone"), "fetched_at"),
        (document(endpoints={"a/b": {}}), "endpoints"),
    ],
)
def test_what_is_no_snapshot_is_refused_with_the_file_and_the_way_out(
    text: bytes, told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        read_snapshot(text, "c.json")
    assert str(refused.value).startswith("c.json")
    assert "--save FILE" in str(refused.value)
