"""Callers are known by their keys, and only by them."""

import pytest
from pydantic import SecretStr

from app.api.callers import Callers, shown_key
from app.errors import UnknownCallerKey

KEYS = {"anna": SecretStr("k-anna"), "bob": SecretStr("k-bob")}


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer k-bob"),
        (b"authorization", b"bearer  k-bob "),
        (b"x-api-key", b"k-bob"),
    ],
)
def test_a_caller_is_named_by_the_key_it_shows(header: tuple[bytes, bytes]) -> None:
    assert Callers(KEYS).admit([header]) == "bob"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Basic k-bob")],
        [(b"authorization", b"k-bob")],
        [(b"x-api-key", b"k-bo")],
    ],
)
def test_t44_nobody_else_is_let_in(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(UnknownCallerKey):
        Callers(KEYS).admit(headers)


def test_without_keys_everybody_is_let_in_without_a_name() -> None:
    assert Callers({}).admit([(b"authorization", b"Bearer whatever")]) is None


def test_a_bearer_token_goes_before_an_api_key() -> None:
    headers = [(b"x-api-key", b"second"), (b"authorization", b"Bearer first")]
    assert shown_key(headers) == b"first"
