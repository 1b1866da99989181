"""Callers are known by their keys, and only by them."""

import pytest
from pydantic import SecretStr

from app.api.callers import Callers, shown_keys
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


BEARER_ANY, PLAIN_ANY = (b"authorization", b"Bearer any"), (b"x-api-key", b"any")
BEARER_BOB, PLAIN_BOB = (b"authorization", b"Bearer k-bob"), (b"x-api-key", b"k-bob")
BEARER_ANNA = (b"authorization", b"Bearer k-anna")


@pytest.mark.parametrize(
    "headers",
    [
        [BEARER_ANY, PLAIN_BOB],
        [PLAIN_ANY, BEARER_BOB],
        [BEARER_ANY, BEARER_BOB],
        [BEARER_BOB, BEARER_ANY],
        [PLAIN_ANY, PLAIN_BOB],
        [(b"authorization", b"Bearer "), PLAIN_BOB],
        [(b"authorization", b"Basic Ym9i"), PLAIN_BOB],
        [BEARER_BOB, (b"x-api-key", b"")],
        [*[BEARER_ANY] * 7, PLAIN_BOB],
    ],
)
def test_a_right_key_is_enough_whatever_stands_beside_it(
    headers: list[tuple[bytes, bytes]],
) -> None:
    assert Callers(KEYS).admit(headers) == "bob"
    assert Callers(KEYS).admit(headers[::-1]) == "bob"


def test_of_two_right_keys_the_bearer_token_names_the_caller() -> None:
    assert Callers(KEYS).admit([PLAIN_BOB, BEARER_ANNA]) == "anna"
    assert shown_keys([PLAIN_BOB, BEARER_ANNA]) == [b"k-anna", b"k-bob"]


def test_t44_a_request_can_not_be_a_list_of_guesses() -> None:
    with pytest.raises(UnknownCallerKey):
        Callers(KEYS).admit([*[BEARER_ANY] * 8, BEARER_BOB])


def test_an_empty_key_is_none() -> None:
    assert shown_keys([(b"authorization", b"Bearer "), (b"x-api-key", b" ")]) == []
