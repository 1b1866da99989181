"""A conversation stays at the host of its last turn, and never outside the policy."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.catalog.catalog import EMPTY
from app.catalog.endpoint import Endpoint
from app.errors import MalformedBody, PolicyConflict, SealedElsewhere
from app.policy import affinity as affinity_room
from app.policy.affinity import (
    CLIENT_ORDERS,
    FIRST_TURN,
    HOST_FAILED,
    LAST_TURN,
    NO_SESSION,
    NOT_LISTED,
    OUTSIDE_POLICY,
    SEALED,
    UNKNOWN_ISSUER,
    WHY,
    Host,
    Memory,
    Stay,
    Turn,
    turn_of,
)
from app.policy.apply import Outgoing, apply
from app.policy.presets import Presets
from app.policy.request import read_request
from app.policy.routed import routed
from tests.policy.algebra import OURS, TAGS, THEIRS, admitted, every_offer
from tests.policy.json_texts import BOUNDED
from tests.policy.listings import endpoint
from tests.policy.sending import as_bytes, book_of, route

ROWS = (
    endpoint("deepinfra/fp8", "DeepInfra"),
    endpoint("deepinfra/bf16", "DeepInfra", "bf16"),
    endpoint("novita/fp8", "Novita"),
    endpoint("parasail/int4", "Parasail", "int4"),
    endpoint("openai/priority", "OpenAI", None),
)
AT_NOVITA = Memory(pin=Host("novita"), issuer=Host("novita"))


def sent(
    rule: dict[str, Any],
    body: dict[str, Any] | None = None,
    memory: Memory = AT_NOVITA,
    rows: tuple[Endpoint, ...] | None = ROWS,
    presets: Presets | None = None,
    **turn: Any,
) -> Outgoing:
    """A request as it is sent in a conversation whose last turn novita served."""
    asked = {"model": "a/b", **(body or {})}
    found = route(book_of({"affinity": "pin", **rule}), asked)
    turned = Turn(**{"digest": "5e55", "memory": memory, "rows": rows, **turn})
    return apply(read_request(as_bytes(asked)), found, presets or {}, None, turned)


def kept(outgoing: Outgoing) -> Stay:
    assert outgoing.stay is not None
    return outgoing.stay


def pinned(outgoing: Outgoing) -> tuple[str | None, str | None]:
    return kept(outgoing).pinned_to, kept(outgoing).reason


# --- hint -------------------------------------------------------------------------------------


def test_a_hint_sends_the_sessions_digest_where_the_body_names_no_session() -> None:
    outgoing = sent({"affinity": "hint"})
    assert json.loads(outgoing.body) == {"model": "a/b", "session_id": "5e55"}
    assert outgoing.changed == ("session_id",)
    assert kept(outgoing) == Stay("hint", hint=True)
    assert outgoing.preferences is None


@pytest.mark.parametrize("affinity", ["hint", "pin", "strict"])
@pytest.mark.parametrize("own", ["mine", "", 7])
def test_a_session_of_the_clients_is_never_overwritten(affinity: str, own: Any) -> None:
    outgoing = sent({"affinity": affinity}, {"session_id": own}, Memory())
    assert outgoing.body == as_bytes({"model": "a/b", "session_id": own})
    assert not kept(outgoing).hint


def test_a_null_session_names_none() -> None:
    assert json.loads(sent({"affinity": "hint"}, {"session_id": None}).body)["session_id"] == "5e55"


@pytest.mark.parametrize(
    "rule",
    [{"set": {"session_id": "fixed"}}, {"strip": ["session_id"]}, {"refuse": ["session_id"]}],
)
def test_a_rule_about_the_session_takes_precedence(rule: dict[str, Any]) -> None:
    outgoing = sent({"affinity": "hint", **rule})
    assert not kept(outgoing).hint
    assert json.loads(outgoing.body).get("session_id") in {None, "fixed"}


def test_no_session_is_sent_where_a_tools_sandbox_lives_per_session() -> None:
    assert json.loads(sent({"affinity": "hint"}, sandboxed=True).body) == {"model": "a/b"}


def test_without_a_session_nothing_is_sent() -> None:
    for affinity, reason in (("hint", None), ("pin", NO_SESSION), ("strict", NO_SESSION)):
        outgoing = sent({"affinity": affinity}, digest=None)
        assert json.loads(outgoing.body) == {"model": "a/b"}
        assert pinned(outgoing) == (None, reason)


# --- pin --------------------------------------------------------------------------------------


def test_a_pin_puts_the_host_of_the_last_turn_in_front() -> None:
    outgoing = sent({})
    assert outgoing.preferences == {"order": ["novita/fp8"]}
    assert kept(outgoing) == Stay("pin", True, "novita/fp8", LAST_TURN, ("order",))
    assert json.loads(outgoing.body)["provider"] == {"order": ["novita/fp8"]}


def test_a_provider_with_several_endpoints_is_named_by_its_slug_or_by_the_label_it_had() -> None:
    memory = Memory(pin=Host("deepinfra"))
    assert pinned(sent({}, memory=memory)) == ("deepinfra", LAST_TURN)
    labelled = Memory(pin=Host("deepinfra", ("bf16",)))
    assert pinned(sent({}, memory=labelled)) == ("deepinfra/bf16", LAST_TURN)
    unlisted = Memory(pin=Host("deepinfra", ("fp4",)))
    assert pinned(sent({}, memory=unlisted)) == ("deepinfra", LAST_TURN)


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ({"order": ["parasail", "novita"]}, ["novita/fp8", "parasail", "novita"]),
        ({"order": ["novita/fp8", "parasail"]}, ["novita/fp8", "parasail"]),
        ({"pin": ["parasail", "novita"]}, ["novita/fp8", "parasail", "novita"]),
        (
            {"order": ["parasail", "novita"], "allow_fallbacks": False},
            ["novita/fp8", "parasail", "novita"],
        ),
        ({"allow_fallbacks": False}, ["novita/fp8"]),
        ({"sort": "price"}, ["novita/fp8"]),
    ],
)
def test_an_order_of_the_policys_comes_after_the_pin(rule: Any, order: list[str]) -> None:
    outgoing = sent(rule)
    assert (outgoing.preferences or {})["order"] == order
    assert (outgoing.preferences or {}).get("allow_fallbacks") == rule.get("allow_fallbacks")


@pytest.mark.parametrize(
    "rule",
    [
        {"only": ["deepinfra"]},
        {"ignore": ["novita"]},
        {"quantization_floor": "bf16"},
        {"max_price": {"prompt": 0.5}},
        {"order": ["deepinfra"], "allow_fallbacks": False},
    ],
)
def test_a_host_that_no_longer_complies_is_let_go_of(rule: Any) -> None:
    assert pinned(sent(rule)) == (None, OUTSIDE_POLICY)
    assert "novita" not in json.dumps((sent(rule).preferences or {}).get("order", []))
    unknown = sent(rule, rows=None)  # without a listing, names alone decide
    by_name = {"only", "ignore", "order"} & rule.keys()
    assert pinned(unknown) == ((None, OUTSIDE_POLICY) if by_name else ("novita", LAST_TURN))


def test_a_host_that_no_longer_lists_the_model_is_let_go_of() -> None:
    assert pinned(sent({}, memory=Memory(pin=Host("baseten")))) == (None, NOT_LISTED)


def test_a_service_tier_is_reached_by_its_own_name_only() -> None:
    openai = Memory(pin=Host("openai"))
    assert pinned(sent({}, memory=openai)) == (None, OUTSIDE_POLICY)
    named = sent({"only": ["openai/priority", "novita"]}, memory=openai)
    assert pinned(named) == ("openai/priority", LAST_TURN)


@pytest.mark.parametrize(
    "rule",
    [
        {"only": ["openai/priority"]},
        {"order": ["openai/priority"], "allow_fallbacks": False},
    ],
)
def test_without_a_listing_a_slug_is_not_taken_for_its_tier(rule: dict[str, Any]) -> None:
    outgoing = sent(rule, memory=Memory(pin=Host("openai")), rows=None)
    assert pinned(outgoing) == (None, OUTSIDE_POLICY)
    assert outgoing.preferences == rule


def test_a_turn_says_what_its_request_does() -> None:
    book = book_of({"affinity": "strict"})
    sealed = [{"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}]
    for body, is_sealed, has_sandbox in (
        ({"messages": []}, False, False),
        ({"messages": sealed}, True, False),
        ({"tools": [{"type": "openrouter:bash"}]}, False, True),
        ({"tools": [{"type": "shell"}]}, False, True),
        ({"tools": [{"type": "function", "function": {"name": "bash"}}]}, False, False),
    ):
        request = read_request(as_bytes({"model": "a/b", **body}))
        found = routed(book, request, caller=None, user_agent="", catalog=EMPTY)
        turn = turn_of(found, "5e55", AT_NOVITA, ROWS)
        assert (turn.sealed, turn.sandboxed) == (is_sealed, has_sandbox)
        assert (turn.digest, turn.memory, turn.rows) == ("5e55", AT_NOVITA, ROWS)
    hinting = routed(
        book_of({"affinity": "pin"}),
        read_request(as_bytes({"model": "a/b", "messages": sealed})),
        caller=None,
        user_agent="",
        catalog=EMPTY,
    )
    assert not turn_of(hinting, "5e55", AT_NOVITA, ROWS).sealed  # it binds nothing there


def test_an_entry_that_only_the_slug_covers_is_narrowed_to_the_listed_tag() -> None:
    outgoing = sent({"only": ["novita/fp8", "deepinfra"]}, rows=None)
    assert (outgoing.preferences or {})["order"] == ["novita/fp8"]


@pytest.mark.parametrize(
    "body",
    [
        {"provider": {"order": ["deepinfra"]}},
        {"provider": {"sort": "price"}},
        {"model": "a/b:nitro"},
        {"models": ["c/d:floor"]},
    ],
)
def test_a_client_that_orders_by_itself_is_left_alone(body: dict[str, Any]) -> None:
    outgoing = sent({}, body)
    assert pinned(outgoing) == (None, CLIENT_ORDERS)
    assert outgoing.preferences == body.get("provider")


def test_an_order_that_a_rule_replaces_is_not_the_clients() -> None:
    body = {"provider": {"order": ["deepinfra"]}}
    assert pinned(sent({"merge": "replace"}, body)) == ("novita/fp8", LAST_TURN)


def test_what_is_remembered_of_a_lost_host_is_said() -> None:
    assert pinned(sent({}, memory=Memory())) == (None, FIRST_TURN)
    assert pinned(sent({}, memory=Memory(why=HOST_FAILED))) == (None, HOST_FAILED)


def test_every_reason_has_its_words() -> None:
    assert all(WHY.values())
    assert len(WHY) == 10


def test_a_case_that_was_decided_before_is_the_same_again_and_no_other_one() -> None:
    request, book = read_request(b'{"model":"a/b"}'), book_of({"affinity": "pin"})
    found = route(book, {"model": "a/b"})
    at_deepinfra = Memory(pin=Host("deepinfra", ("fp8",)))
    turns = [
        Turn("5e55", AT_NOVITA, ROWS),
        Turn("another", AT_NOVITA, ROWS),
        Turn("5e55", at_deepinfra, ROWS),
        Turn("5e55", AT_NOVITA, ROWS[:2]),
        Turn(None, AT_NOVITA, ROWS),
        Turn("5e55", AT_NOVITA, ROWS, sandboxed=True),
    ]
    for _ in range(2):
        sent_to = [apply(request, found, {}, None, turn) for turn in turns]
        assert [pinned(each) for each in sent_to] == [
            ("novita/fp8", LAST_TURN),
            ("novita/fp8", LAST_TURN),
            ("deepinfra/fp8", LAST_TURN),
            (None, NOT_LISTED),
            (None, NO_SESSION),
            ("novita/fp8", LAST_TURN),
        ]
        assert b'"session_id":"another"' in sent_to[1].body
        assert b"session_id" not in sent_to[5].body


def test_decided_cases_are_forgotten_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity_room, "_REMEMBERED", 2)
    for label in ("a", "b", "c", "d"):
        sent({}, memory=Memory(pin=Host("novita", (label,))))
        assert len(affinity_room.RECENT) <= 2


# --- strict -----------------------------------------------------------------------------------


def test_strict_is_as_pin_where_nothing_is_sealed() -> None:
    outgoing = sent({"affinity": "strict"})
    assert pinned(outgoing) == ("novita/fp8", LAST_TURN)
    assert "only" not in (outgoing.preferences or {})


def test_sealed_reasoning_goes_to_its_issuer_alone() -> None:
    outgoing = sent({"affinity": "strict"}, sealed=True)
    assert outgoing.preferences == {"only": ["novita"], "order": ["novita/fp8"]}
    assert kept(outgoing).fields == ("only", "order")
    assert pinned(outgoing) == ("novita/fp8", SEALED)
    assert outgoing.terms.only == ("novita",)  # what the verdict judges by


def test_the_issuer_outlives_an_error_and_ten_idle_minutes() -> None:
    lost = Memory(pin=None, why=HOST_FAILED, issuer=Host("novita"))
    assert pinned(sent({"affinity": "strict"}, memory=lost, sealed=True))[1] == SEALED
    assert pinned(sent({"affinity": "pin"}, memory=lost, sealed=True)) == (None, HOST_FAILED)


def test_an_unknown_issuer_binds_nothing() -> None:
    outgoing = sent({"affinity": "strict"}, memory=Memory(), sealed=True)
    assert pinned(outgoing) == (None, UNKNOWN_ISSUER)
    assert outgoing.preferences is None


def test_a_client_that_orders_keeps_its_order_and_still_goes_to_the_issuer() -> None:
    body = {"provider": {"order": ["deepinfra", "novita"], "only": ["novita", "parasail"]}}
    outgoing = sent({"affinity": "strict"}, body, sealed=True)
    assert outgoing.preferences == {"only": ["novita"], "order": ["novita"]}
    assert pinned(outgoing) == ("novita/fp8", SEALED)


@pytest.mark.parametrize(
    ("rule", "body", "why"),
    [
        ({"only": ["deepinfra"]}, {}, "no longer allow"),
        ({"ignore": ["novita"]}, {}, "no longer allow"),
        ({"order": ["deepinfra"], "allow_fallbacks": False}, {}, "no longer allow"),
        ({"quantization_floor": "bf16"}, {}, "no longer allow"),
        ({}, {"provider": {"only": ["deepinfra"]}}, "no longer allow"),
    ],
)
def test_sealed_reasoning_whose_issuer_is_gone_is_refused(rule: Any, body: Any, why: str) -> None:
    with pytest.raises(SealedElsewhere, match=why) as told:
        sent({"affinity": "strict", **rule}, body, sealed=True)
    assert 'rule "rule-0" (test.yaml:1)' in str(told.value)
    assert "remove the sealed parts" in str(told.value)


def test_an_issuer_that_no_longer_lists_the_model_is_gone() -> None:
    memory = Memory(issuer=Host("baseten"))
    with pytest.raises(SealedElsewhere, match="no longer lists a/b"):
        sent({"affinity": "strict"}, memory=memory, sealed=True)


def test_an_issuers_tier_stays_the_only_entry() -> None:
    memory = Memory(issuer=Host("openai"))
    rule = {"affinity": "strict", "only": ["openai/priority", "novita"]}
    outgoing = sent(rule, memory=memory, sealed=True)
    assert outgoing.preferences == {"only": ["openai/priority"], "order": ["openai/priority"]}


# --- whatever the sides say -------------------------------------------------------------------

HOSTS = st.builds(Host, st.sampled_from(["a", "b", "c"]))
MEMORIES = st.builds(Memory, pin=HOSTS | st.none(), issuer=HOSTS | st.none())
OFFERS = every_offer()
LISTED = tuple(
    endpoint(tag, tag.split("/")[0].upper(), label)
    for tag in TAGS
    for label in ("int4", "fp8", "bf16", None)
)
TURNS = st.builds(
    Turn,
    digest=st.just("5e55"),
    memory=MEMORIES,
    rows=st.sampled_from([LISTED, None]),
    sealed=st.booleans(),
)


@BOUNDED
@given(OURS, THEIRS | st.none(), st.sampled_from(["pin", "strict"]), TURNS)
def test_a_pin_only_narrows_or_reorders(ours: Any, theirs: Any, affinity: str, turn: Turn) -> None:
    body = as_bytes({"model": "a/b"} | ({} if theirs is None else {"provider": theirs}))
    try:
        found = route(book_of({**ours, "affinity": affinity}), body)
        plain = apply(read_request(body), found)
    except (PolicyConflict, MalformedBody, ValueError):
        assume(False)
    try:
        outgoing = apply(read_request(body), found, {}, None, turn)
    except SealedElsewhere:
        assert affinity == "strict"
        assert turn.sealed
        return
    before, after = plain.preferences or {}, outgoing.preferences or {}
    left = admitted(after, OFFERS)
    assert left <= admitted(before, OFFERS)
    if kept(outgoing).pinned_to is None:
        assert after == before
        return
    assert {*before} - {"sort"} <= {*after} | {"order"}
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert differing <= {"only", "order", "sort"}
    if kept(outgoing).reason == SEALED:
        issuer = turn.memory.issuer
        assert issuer is not None
        assert {offer.tag.split("/")[0] for offer in left} <= {issuer.provider}
    again = apply(read_request(outgoing.body), found, {}, None, turn)
    assert admitted(again.preferences or {}, OFFERS) <= left
