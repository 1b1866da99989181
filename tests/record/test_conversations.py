"""The host of a conversation's last turn is remembered, and let go of when it should be."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.ledger.receipt import Receipt
from app.policy.affinity import FIRST_TURN, HOST_FAILED, IDLE, Host, Memory, Turn
from app.policy.request import read_request
from app.policy.routed import routed
from app.record.conversations import Conversations, Counts, Key
from app.record.exchange import Arrival, Exchange
from app.server.clock import steady
from app.wire.dialect import DIALECTS
from tests.policy.listings import row
from tests.policy.sending import book_of

START = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
IDLE_SECONDS = 600.0
KEY = Key("5e55", None, "a/b", None)
NOVITA = Host("novita", ("fp8",))


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.now = START.timestamp()

    def __call__(self) -> float:
        return self.now


def made(most: int = 10) -> tuple[Conversations, Clock]:
    clock = Clock()
    return Conversations(idle=IDLE_SECONDS, clock=clock, most=most), clock


def turn(provider: str | None = "novita", *, at: float = 0.0, **more: Any) -> Receipt:
    """A turn that begins `at` seconds after the start and takes one."""
    said: dict[str, Any] = {
        "id": "rcp_1",
        "started_at": START + timedelta(seconds=at),
        "duration_ms": 1000.0,
        "path": "/v1/chat/completions",
        "session": KEY.session,
        "model_sent": KEY.model,
        "provider": provider,
        "quantizations_listed": ("fp8",),
        "status": 200,
        "ending": "complete",
    }
    return Receipt(**(said | more))


def test_the_host_of_the_last_turn_is_the_pin_and_the_issuer() -> None:
    conversations, _ = made()
    assert conversations.memory(KEY) == Memory(None, FIRST_TURN, None)
    conversations.note(turn())
    assert conversations.memory(KEY) == Memory(NOVITA, issuer=NOVITA)


@pytest.mark.parametrize(
    "other",
    [KEY._replace(session="0"), KEY._replace(subagent="1"), KEY._replace(model="a/c"),
     KEY._replace(caller="me")],
)  # fmt: skip
def test_sessions_subagents_models_and_callers_are_apart(other: Key) -> None:
    conversations, _ = made()
    conversations.note(turn())
    assert conversations.memory(other).pin is None


def test_ten_idle_minutes_end_a_pin_but_not_the_knowledge_of_the_issuer() -> None:
    conversations, clock = made()
    conversations.note(turn())
    clock.now += 1 + IDLE_SECONDS
    assert conversations.memory(KEY).pin == NOVITA
    clock.now += 0.1
    assert conversations.memory(KEY) == Memory(None, IDLE, NOVITA)


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 502, "ending": "upstream_error"},
        {"status": 429, "ending": "upstream_error"},
        {"status": 408, "ending": "upstream_error"},
        {"status": None, "ending": "upstream_error"},
        {"status": 200, "ending": "upstream_error"},  # an error inside a 200
        {"status": 200, "ending": "upstream_cut"},
    ],
)
def test_an_error_of_the_host_lets_go_of_it(failure: dict[str, Any]) -> None:
    conversations, _ = made()
    conversations.note(turn())
    conversations.note(turn(at=5, **failure))
    assert conversations.memory(KEY) == Memory(None, HOST_FAILED, NOVITA)
    conversations.note(turn("deepinfra", at=10))  # the one that answered in its place
    assert conversations.memory(KEY).pin == Host("deepinfra", ("fp8",))


@pytest.mark.parametrize(
    "nothing",
    [
        {"status": 400, "ending": "upstream_error"},  # the request's own fault
        {"status": 401, "ending": "upstream_error", "provider": None},
        {"status": 403, "ending": "refused", "provider": None},
        {"provider": None},  # not named
        {"cache_status": "HIT", "provider": "deepinfra"},  # the response cache, and no host
        {"session": None},
        {"model_sent": None},
    ],
)
def test_a_turn_that_shows_nothing_of_a_host_changes_nothing(nothing: dict[str, Any]) -> None:
    conversations, _ = made()
    conversations.note(turn())
    conversations.note(turn(at=5, **nothing))
    assert conversations.memory(KEY) == Memory(NOVITA, issuer=NOVITA)


def test_a_client_that_left_was_served_all_the_same() -> None:
    conversations, _ = made()
    conversations.note(turn(ending="caller_left"))
    assert conversations.memory(KEY).pin == NOVITA


def test_turns_may_be_noted_in_any_order_and_twice() -> None:
    conversations, _ = made()
    later = turn("deepinfra", at=5)
    for each in (later, turn(), later):
        conversations.note(each)
    assert conversations.memory(KEY).pin == Host("deepinfra", ("fp8",))


def test_a_turn_of_a_clock_that_was_set_back_does_not_stand_in_the_way_of_later_ones() -> None:
    conversations, clock = made()
    clock.now += 3600
    conversations.note(turn(at=3600))
    clock.now -= 3600
    conversations.note(turn("deepinfra", at=5))
    assert conversations.memory(KEY).pin == Host("deepinfra", ("fp8",))


def asked(catalog: Catalog, **body: Any) -> Turn:
    """What is known of a conversation when it asks for its next turn, under `strict`."""
    request = read_request(json.dumps({"session_id": "mine", **body}).encode())
    found = routed(
        book_of({"affinity": "strict"}),
        request,
        caller=None,
        user_agent="",
        catalog=catalog,
        presets={},
    )
    exchange = Exchange(Arrival("rcp_1", "/v1/chat/completions", DIALECTS["/chat/completions"]))
    exchange.routed(found)
    turned = made()[0].turn(exchange, found, catalog)
    assert turned is not None
    return turned


def test_the_endpoints_of_a_conversation_are_those_of_every_model_that_may_answer() -> None:
    """The host of a fallback need not list the first model; it was refused as gone."""
    first, second = [row("novita/fp8", "Novita")], [row("deepinfra/fp8", "DeepInfra")]
    one = EMPTY.with_listing("a/b", first, steady())
    both = one.with_listing("a/c", second, steady()).with_listing("openrouter/auto", [], steady())
    two = {"models": ["a/b", "a/c"]}
    assert {each.provider for each in asked(both, **two).rows or ()} == {"novita", "deepinfra"}
    assert {each.provider for each in asked(both, model="a/c").rows or ()} == {"deepinfra"}
    assert asked(one, **two).rows is None
    assert asked(both, model="openrouter/auto").rows is None


def test_a_failure_that_is_the_first_thing_known_is_remembered() -> None:
    conversations, _ = made()
    conversations.note(turn(status=503, ending="upstream_error"))
    assert conversations.memory(KEY) == Memory(None, HOST_FAILED, None)


def test_a_host_without_a_duration_ended_when_it_began() -> None:
    conversations, clock = made()
    conversations.note(turn(duration_ms=None))
    clock.now += IDLE_SECONDS
    assert conversations.memory(KEY).pin == NOVITA


def test_the_oldest_conversations_are_forgotten() -> None:
    conversations, _ = made(most=3)
    for number in range(5):
        conversations.note(turn(session=str(number), at=number))
    conversations.note(turn(session="2", at=9))
    conversations.note(turn(session="5", at=10))
    assert len(conversations) == 3
    known = [n for n in range(6) if conversations.memory(KEY._replace(session=str(n))).pin]
    assert known == [2, 4, 5]


def test_an_upstream_that_names_ever_new_providers_takes_no_more_memory() -> None:
    conversations, _ = made(most=3)
    for number in range(50):
        conversations.note(turn(f"provider-{number}", at=number))
    assert conversations.memory(KEY).issuer == Host("provider-49", ("fp8",))
    assert len(conversations._hosts) <= 4  # noqa: SLF001 - nothing else shows it


def test_turns_served_here_are_counted_by_affinity_and_those_of_others_are_not() -> None:
    conversations, _ = made()
    long: dict[str, Any] = {"prompt_tokens": 2000, "affinity": "pin"}
    conversations.note(turn(**long), own=True)
    conversations.note(turn(at=5, cached_tokens=1500, **long), own=True)
    conversations.note(turn("deepinfra", at=10, cached_tokens=0, **long), own=True)
    conversations.note(turn("deepinfra", at=15, cached_tokens=None, **long), own=True)
    conversations.note(turn(at=20, status=502, ending="upstream_error"), own=True)
    conversations.note(turn("novita", at=25, cached_tokens=0, prompt_tokens=10), own=True)
    conversations.note(turn("parasail", at=30))
    assert conversations.counts == {
        "pin": Counts(turns=4, flips=1, followed=2, cold=1),
        "off": Counts(turns=1, flips=1),
    }
    conversations.note(turn(session="two", status=502, ending="upstream_error"), own=True)
    conversations.note(turn(session="two", at=5), own=True)
    assert conversations.counts["off"] == Counts(turns=2, flips=1)
