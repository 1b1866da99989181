"""Callers are known by their keys, and only by them."""

import pytest
from pydantic import SecretStr

from app.errors import CallerError, TooManyWrongKeys, UnknownCallerKey
from app.server.callers import (
    WRONG_KEYS_A_MINUTE,
    WRONG_KEYS_A_MINUTE_LOOPBACK,
    Callers,
    shown_keys,
)

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


WRONG = [(b"x-api-key", b"wrong")]


def refusals(callers: Callers, count: int, address: str | None) -> list[str]:
    """The codes of the errors that so many wrong keys get."""
    codes = []
    for _ in range(count):
        with pytest.raises(CallerError) as caught:
            callers.admit(WRONG, address)
        codes.append(caught.value.code)
    return codes


def test_wrong_keys_are_braked_and_right_ones_never() -> None:
    callers = Callers(KEYS)
    codes = refusals(callers, WRONG_KEYS_A_MINUTE + 5, "10.0.0.1")
    assert codes == ["unknown_caller_key"] * WRONG_KEYS_A_MINUTE + ["too_many_wrong_keys"] * 5
    assert callers.admit([PLAIN_BOB], "10.0.0.1") == "bob"
    assert refusals(callers, 1, "10.0.0.2") == ["unknown_caller_key"]


def test_a_braked_caller_is_told_how_long_to_wait() -> None:
    callers = Callers(KEYS)
    refusals(callers, 3 * WRONG_KEYS_A_MINUTE, "10.0.0.1")
    with pytest.raises(TooManyWrongKeys, match="wait 60 seconds") as caught:
        callers.admit([], "10.0.0.1")
    assert caught.value.headers == ((b"retry-after", b"60"),)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None, ""])
def test_this_machine_may_err_more_often(address: str | None) -> None:
    codes = refusals(Callers(KEYS), WRONG_KEYS_A_MINUTE_LOOPBACK + 1, address)
    assert codes.count("too_many_wrong_keys") == 1


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # one host's own choice
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_addresses_of_one_network_are_braked_as_one(one: str, other: str, *, alike: bool) -> None:
    callers = Callers(KEYS)
    refusals(callers, WRONG_KEYS_A_MINUTE, one)
    assert (refusals(callers, 1, other) == ["too_many_wrong_keys"]) == alike


def test_a_caller_reads_its_own_receipts_and_an_operator_all() -> None:
    callers = Callers(KEYS, operators=["anna"])
    assert callers.may_read_of("bob") == "bob"
    assert callers.may_read_of("anna") is None
    assert callers.may_read_of(None) == ""  # and not None, that would be all
    assert Callers({}).may_read_of(None) is None
