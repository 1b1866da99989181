"""What a policy must know of a request, and what it refuses to guess."""

import json
from typing import Any

import pytest
from hypothesis import given

from app.errors import MalformedBody, MissingModel
from app.policy.carriers import carried
from app.policy.request import Request, is_given, read_request, request_for
from tests.policy.json_texts import BOUNDED, OBJECTS, Text


def read(**fields: Any) -> Request:
    return read_request(json.dumps({"model": "a/b", **fields}).encode())


def test_a_request_is_read_as_it_stands() -> None:
    body = b'{"model": "A/b:nitro", "stream": true, "provider": {"sort": "price"}}'
    request = read_request(body)
    assert request.body is body
    assert request.models == ("A/b:nitro",)
    assert request.streamed
    assert request.provider == {"sort": "price"}


@pytest.mark.parametrize("stream", [False, None, 1, "true"])
def test_only_true_asks_for_a_stream(stream: Any) -> None:
    assert not read(stream=stream).streamed
    assert not read().streamed


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"model": None}, {"model": ""}, {"model": " "}, {"model": "", "models": []}),
        *({"model": None, "models": None}, {"models": [], "fallbacks": [{}]}),
    ],
    ids=str,
)
def test_a_request_without_a_model_is_told_so(body: dict[str, Any]) -> None:
    with pytest.raises(MissingModel, match="model"):
        read_request(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": 7}, "model"),
        ({"model": ["a/b"]}, "model"),
        ({"models": "a/b"}, "models"),
        ({"models": [1]}, "models"),
        ({"models": {"a/b": 1}}, "models"),
        ({"provider": "openai"}, "provider"),
        ({"provider": ["openai"]}, "provider"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedBody, match=f"^{field} must be"):
        read(**fields)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a/b","provider":{"only":["\\ud800"]}}',
        b'{"model":"a/\\udfff"}',
        b'{"model":"a/b\xff"}',
        b'{"model":"a/b","models":["\xff"]}',
        b'{"model":"a/b","provider":{"options":{"a":' + b"1" * 5000 + b"}}}",
    ],
)
def test_a_field_that_must_be_read_and_cannot_be_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody, match="can't be read"):
        read_request(raw)


@pytest.mark.parametrize("depth", [60, 300, *range(900, 1000, 7)])
def test_a_provider_object_nested_without_end_is_malformed(depth: int) -> None:
    body = b'{"model":"a/b","provider":{"options":' + b'{"a":' * depth + b"1" + b"}" * (depth + 2)
    with pytest.raises(MalformedBody):
        read_request(body)


def test_a_provider_object_may_be_nested_as_deep_as_anybody_needs() -> None:
    options = {"openai": {"a": [[{"b": [1]}]]}}
    assert read(provider={"options": options}).provider == {"options": options}


def test_t37_every_model_that_may_answer_is_known() -> None:
    request = read(models=["c/d", "e/f:free"], fallbacks=[{"model": "g/h"}, {"model": "i/j"}])
    assert request.models == ("a/b", "c/d", "e/f:free", "g/h", "i/j")


def test_without_a_model_the_first_of_the_list_is_meant() -> None:
    request = read(model=" ", models=["c/d", "e/f"])
    assert request.models == ("c/d", "e/f")
    assert not request.names_model


@pytest.mark.parametrize("fallbacks", ["c/d", 5, {"model": "c/d"}, ["c/d"], [{"model": 5}], None])
def test_fallbacks_of_another_shape_are_nobodys_mistake(fallbacks: Any) -> None:
    assert read(fallbacks=fallbacks).models == ("a/b",)


@pytest.mark.parametrize(
    "entries",
    [
        b'[{"model":"c/d","model":"e/f"}]',
        b'[{"mod\\u0065l":"c/d"},{"model":"e/f"}]',
        b'[{"model":"c/d"},{"model":"e/f"},"\xff"]',
        b'[{"model":"c/d"},{"model":"e/f","x":"\\ud800"}]',
        b'[{"model":"c/d"},{"model":"e/f"},' + b"1" * 5000 + b"]",
    ],
)
def test_t37_no_spelling_hides_a_fallback(entries: bytes) -> None:
    """Upstream may read what we find odd, so an odd entry may not hide its neighbours."""
    request = read_request(b'{"model":"a/b","fallbacks":' + entries + b"}")
    assert request.models == ("a/b", "c/d", "e/f")


def test_t37_no_depth_hides_a_fallback() -> None:
    """Somewhere below the interpreter's limit one reader gives up before the other."""
    for depth in range(850, 1000):
        deep = b"[" * depth + b"]" * depth
        try:
            request = read_request(b'{"model":"a/b","fallbacks":[{"model":"c/d"},' + deep + b"]}")
        except MalformedBody:
            continue
        assert request.models == ("a/b", "c/d")


def test_a_name_that_no_model_has_is_not_looked_at() -> None:
    assert read(model="a/" + "b" * 254).model.endswith("b")
    with pytest.raises(MalformedBody, match="256 characters"):
        read(model="a/" + "b" * 255)
    with pytest.raises(MalformedBody, match="256 characters"):
        read(models=["c" * 257])


def test_a_list_of_models_without_end_is_malformed() -> None:
    assert len(read(models=["c/d"] * 31).models) == 32
    with pytest.raises(MalformedBody, match="more than 32 models"):
        read(models=["c/d"] * 32)


@pytest.mark.parametrize("raw", ["null", "[]", "[ \n ]"])
def test_null_and_an_empty_list_say_nothing(raw: str) -> None:
    request = read_request(f'{{"model":"a/b","x":{raw}}}'.encode())
    assert not is_given(request.fields["x"])
    assert not is_given(None)


@pytest.mark.parametrize("raw", ["0", '""', "{}", "[1]", "false"])
def test_anything_else_says_something(raw: str) -> None:
    assert is_given(read_request(f'{{"model":"a/b","x":{raw}}}'.encode()).fields["x"])


def test_a_request_can_be_made_of_a_model_alone() -> None:
    assert request_for("a/b").provider is None
    assert request_for("a/b", {"zdr": True}).provider == {"zdr": True}


@BOUNDED
@given(OBJECTS)
def test_any_object_is_read_or_is_the_callers_mistake(text: Text) -> None:
    try:
        request = read_request(bytes(text))
    except (MalformedBody, MissingModel):
        return
    assert request.models
    assert carried(request.fields).server_tools in {True, False}


@pytest.mark.parametrize("field", ["only", "order", "ignore", "quantizations", "unheard_of"])
def test_t60_a_list_without_end_is_refused_before_any_work(field: str) -> None:
    few, many = [[f"host-{n}" for n in range(count)] for count in (500, 501)]
    assert read_request(json.dumps({"model": "a/b", "provider": {field: few}}).encode()).provider
    with pytest.raises(MalformedBody, match=f"provider.{field} has 501 entries; send at most 500"):
        read_request(json.dumps({"model": "a/b", "provider": {field: many}}).encode())


@pytest.mark.parametrize(
    "more",
    [
        {"provider": {"only": ["x" * 300_000]}},
        {"models": ["a/b" * 100_000]},
        {"fallbacks": [{"model": "x" * 300_000}]},
        {"model": "x" * 300_000},
    ],
)
def test_t60_a_field_that_is_read_whole_is_bounded(more: dict[str, Any]) -> None:
    with pytest.raises(MalformedBody, match=f"{next(iter(more))} is over 256 kB"):
        read_request(json.dumps({"model": "a/b", **more}).encode())
