"""Forms: split strictly, changed in their parts, every other byte as it was."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.errors import MalformedBody, MissingModel
from app.policy.form import is_form, split_form
from app.policy.request import read_form

KIND = b"multipart/form-data; boundary=X-1"


def part(name: str, content: bytes, *, more: str = "", head: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"{more}\r\n{head}\r\n'
    return b"--X-1\r\n" + disposition.encode("latin-1") + content + b"\r\n"


def form(*parts: bytes, end: bytes = b"--X-1--\r\n") -> bytes:
    return b"".join(parts) + end


MODEL = part("model", b"acme/stt")
FILE = part(
    "file", b"RIFF\r\n\x00--X", more='; filename="a b.wav"', head="Content-Type: audio/x\r\n"
)


def test_its_parts_are_fields() -> None:
    body = form(
        MODEL,
        part(
            "provider", b'{"zdr": true}', head="Content-Type: application/json; charset=utf-8\r\n"
        ),
        part("stream", b"true"),
        part("prompt", "ü".encode()),
        part("tags[]", b"one"),
        part("long", b"x" * 5000),
        FILE,
    )
    request = read_form(body, KIND)
    assert (request.models, request.streamed, request.provider) == (
        ("acme/stt",),
        True,
        {"zdr": True},
    )
    assert {name: bytes(raw) for name, raw in request.fields.items()} == {
        "model": b'"acme/stt"',
        "provider": b'{"zdr": true}',
        "stream": b"true",
        "prompt": '"ü"'.encode(),
        "tags[]": b'"one"',
        "long": b'""',
        "file": b'""',
    }


def test_parts_are_replaced_added_and_left_out() -> None:
    body = form(part("a", b"1"), MODEL, FILE, part("a", b"2"))
    changed = split_form(body, KIND).edit(
        {"model": b'"acme/other"', "provider": b'{"only":["x"]}', "a": None, "b": None}
    )
    assert changed == form(part("provider", b'{"only":["x"]}'), part("model", b"acme/other"), FILE)
    twice = split_form(body, KIND).edit({"a": b"3"})
    assert twice == form(part("a", b"3"), MODEL, FILE)


def test_a_value_with_the_boundary_in_it_is_refused() -> None:
    with pytest.raises(MalformedBody, match="boundary occurs in the value of user"):
        split_form(form(MODEL), KIND).edit({"user": b'"--X-1"'})


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (b"multipart/form-data; boundary=X-1", True),
        (b'Multipart/Form-Data ;charset=utf-8; Boundary="X-1"', True),
        (b"multipart/form-data", False),
        (b"multipart/form-data; boundary=", False),
        (b"multipart/form-data; boundary=X-1; boundary=Y", False),
        (b"multipart/form-data; boundary=X-1 trailing", False),
        (b'multipart/form-data; boundary="a b"', False),
        (b"multipart/form-data; boundary=" + b"x" * 71, False),
        (b"multipart/form-data; boundary=Y", False),
    ],
)
def test_the_boundary_is_a_plain_one(kind: bytes, *, found: bool) -> None:
    assert is_form(kind)
    if found:
        assert split_form(form(MODEL), kind).boundary == b"--X-1"
    else:
        with pytest.raises(MalformedBody):
            split_form(form(MODEL), kind)


@pytest.mark.parametrize("kind", [b"", b"application/json", b"multipart/mixed; boundary=X-1"])
def test_other_content_types_are_no_forms(kind: bytes) -> None:
    assert not is_form(kind)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--X-1--\r\n",
        b"preamble\r\n" + form(MODEL),
        form(MODEL, end=b""),
        form(MODEL, end=b"--X-1"),
        form(MODEL, end=b"--X-1--\r\nepilogue"),
        form(MODEL, end=b"--X-1 --\r\n"),
        form(MODEL).replace(b"\r\n", b"\n"),
        form(MODEL, part("x", b"a\n--X-1\nb")),  # a lenient reader would see another part
        form(MODEL, part("x", b"", head="y" * 5000)),
        form(MODEL, b"--X-1\r\nno head\r\n"),
        form(*(part(f"p{n}", b"") for n in range(65))),
        form(MODEL, MODEL),
        form(MODEL, part("provider", b"{}"), part("provider", b"{}")),
        form(part("Model", b"acme/stt")),
        form(MODEL, part("Provider", b"{}")),
        form(MODEL, part("provider[only][]", b"x")),
        form(MODEL, part("provider.only", b"x")),
        form(MODEL, part("provider", b"{}", more='; filename="p.json"')),
        form(MODEL, part("provider", b"{}", head="Content-Type: text/plain; charset=utf-16\r\n")),
        form(MODEL, part("provider", b"e30=", head="Content-Transfer-Encoding: base64\r\n")),
        form(MODEL, part("provider", b"{}", more="; name*=utf-8''x")),
        form(MODEL, part("provider", b"{}", more='; name="x"')),
        form(MODEL, part("pro\\vider", b"{}")),
        form(MODEL, part("%70rovider", b"{}")),
        form(MODEL, part("", b"{}")),
        form(MODEL, part("x", b"", head="Content-Disposition: form-data; name=provider\r\n")),
        form(MODEL, part("x", b"", head=" folded\r\n")),
        form(MODEL, b"--X-1\r\nContent-Type: text/plain\r\n\r\nx\r\n"),
        form(MODEL, b"--X-1\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n"),
    ],
)
def test_a_form_that_may_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody, match="the form can't be read: "):
        split_form(body, KIND)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"only": ', b'"x"', b"\xff{}"])
def test_a_provider_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedBody, match="provider"):
        read_form(form(MODEL, part("provider", content)), KIND)


def test_a_form_without_a_model_is_refused() -> None:
    with pytest.raises(MissingModel):
        read_form(form(FILE), KIND)


_NAMES = st.sampled_from(["file", "language", "tags[]", "session_id", "a.b"])
_PARTS = st.lists(st.tuples(_NAMES, st.binary(max_size=40)), max_size=6)


@given(_PARTS, st.integers(0, 6), st.one_of(st.none(), st.just({"only": ["a"]})))
def test_whatever_is_in_its_parts_only_what_changes_is_touched(
    parts: list[tuple[str, bytes]], place: int, provider: dict[str, Any] | None
) -> None:
    whole = [part(name, content) for name, content in parts]
    whole.insert(place, MODEL)
    if provider is not None:
        whole.append(part("provider", json.dumps(provider).encode()))
    body = form(*whole)
    assume(body.count(b"--X-1") == len(whole) + 1)
    split = split_form(body, KIND)
    assert b"".join(body[p.start : p.end + 2] for p in split.parts) == b"".join(whole)
    assert split.edit({}) == body
    changed = split.edit({"provider": b'{"zdr":true}'})
    again = split_form(changed, KIND)
    assert bytes(again.fields["provider"]) == b'{"zdr":true}'
    assert again.edit({"provider": None}) == split.edit({"provider": None})


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_garbage_is_refused_and_never_anything_else(body: bytes, kind: bytes) -> None:
    for told in (KIND, b"multipart/form-data; boundary=" + kind):
        for tried in (body, b"--X-1\r\n" + body, form(MODEL, b"--X-1\r\n" + body)):
            try:
                found = split_form(tried, told)
            except MalformedBody:
                continue
            assert found.edit({}) == tried
            assert all(isinstance(raw, msgspec.Raw) for raw in found.fields.values())
