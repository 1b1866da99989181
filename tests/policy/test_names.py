"""Names of models, where they are sent under another name."""

import json

import pytest

from app.errors import MalformedBody
from app.policy.names import renamed
from app.policy.request import read_request

SENT_AS = {"mine": "q/q", "x/y@preset/z": "x/y"}


def changed(body: bytes) -> dict[str, bytes | None]:
    return renamed(read_request(body), SENT_AS)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"q/q"}', {}),
        (b'{"model":"mine"}', {"model": b'"q/q"'}),
        (b'{"model":"q/q","models":null}', {}),
        (b'{"model":"q/q","models":["a/b"],"fallbacks":[{"model":"c/d"}]}', {}),
        (b'{"model":"q/q","models":["a/b","mine"]}', {"models": b'["a/b","q/q"]'}),
        (b'{"models":["mine"]}', {"models": b'["q/q"]'}),
        (b'{"model":"mine","models":["x/y@preset/z"]}', {"model": b'"q/q"', "models": b'["x/y"]'}),
    ],
)
def test_only_fields_that_name_such_a_model_change(
    body: bytes, expected: dict[str, bytes | None]
) -> None:
    assert changed(body) == expected


def test_t34_a_fallback_keeps_all_but_its_models_name() -> None:
    entries = b'[ {"n": 1.0, "model" : "mine"} , "mine", {"model":"a/b"}, {}, {"model": null}, 1.0]'
    assert changed(b'{"model":"q/q","fallbacks":' + entries + b"}") == {
        "fallbacks": b'[{"n": 1.0, "model" : "q/q"},"mine",{"model":"a/b"},{},{"model": null},1.0]'
    }


def test_a_fallback_that_names_two_models_is_sent_with_the_last() -> None:
    body = b'{"model":"q/q","fallbacks":[{"model":"mine","mod\\u0065l":"mine"},{"model":"mine"}]}'
    fallbacks = changed(body)["fallbacks"]
    assert fallbacks is not None
    assert json.loads(fallbacks, object_pairs_hook=list) == [[("model", "q/q")]] * 2


@pytest.mark.parametrize("odd", [b'{"x":"\\ud800"}', b'{"model":"\xff"}', b'{"model":"\\ud800"}'])
def test_fallbacks_that_cannot_be_rewritten_are_malformed(odd: bytes) -> None:
    with pytest.raises(MalformedBody, match=r"^fallbacks can't be read"):
        changed(b'{"model":"q/q","fallbacks":[{"model":"mine"},' + odd + b"]}")
