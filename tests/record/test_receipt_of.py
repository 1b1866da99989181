"""From an exchange to its receipt, where more than one model may have answered."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from app.catalog.catalog import EMPTY, Catalog
from app.errors import PolicyConflict, UpstreamCut
from app.ledger.receipt import Receipt, has_failed
from app.ledger.tally import tally_of
from app.ledger.wanted import Wanted
from app.policy.apply import apply
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.request import read_request
from app.policy.routed import routed
from app.policy.sessions import Session
from app.record.exchange import Arrival, Exchange
from app.record.receipt_of import judged, receipt_of, session_digest, unsettled
from app.wire.dialect import DIALECTS, Dialect
from app.wire.observer import LIMIT
from tests.catalog.test_scores import CHECKSUM, KEPT

NOW = 1_800_000_000.0
BOOK = read_book(
    {"p.yaml": "version: 1\nrules:\n  - {name: eight, models: ['*'], quantizations: [fp8]}\n"}
)


def row(tag: str, provider: str, quantization: str) -> dict[str, Any]:
    price = {"prompt": "0.000001", "completion": "0.000002"}
    return {"tag": tag, "provider_name": provider, "quantization": quantization, "pricing": price}


def catalog(**listings: Sequence[dict[str, Any]]) -> Catalog:
    known = EMPTY
    for name, rows in listings.items():
        known = known.with_listing(f"acme/{name}", rows, NOW)
    return known


def exchanged(
    body: dict[str, Any],
    answer: dict[str, Any],
    book: Book = BOOK,
    *,
    since: float = NOW,
    known: Catalog = EMPTY,
) -> Exchange:
    path = "/v1/chat/completions"
    exchange = Exchange(Arrival("rcp_1", path, DIALECTS["/chat/completions"], since=since))
    request = read_request(json.dumps(body).encode())
    found = routed(book, request, caller=None, user_agent="", catalog=known)
    exchange.routed(found)
    exchange.sending(apply(request, found.route))
    answering = exchange.begin_answer(200, [(b"content-type", b"application/json")])
    answering.saw(json.dumps(answer).encode())
    exchange.complete = True
    exchange.ended = exchange.arrival.began + 1
    return exchange


def filed(body: dict[str, Any], answer: dict[str, Any], known: Catalog) -> Receipt:
    return told_of(exchanged(body, answer), known)


def told_of(exchange: Exchange, known: Catalog) -> Receipt:
    return receipt_of(exchange, judged(exchange, known, now=NOW))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.path)
@pytest.mark.parametrize(
    ("headers", "body", "why"),
    [
        ({b"content-encoding": b"br"}, b"\x1b\x0f\x00", "the answer is compressed (br)"),
        ({}, b"ID3 and then music", "the answer is not JSON"),
        ({}, b'{"provider": "Novita", "x": "' + b"x" * LIMIT, "the answer is larger than 8 MB"),
        ({}, b"", "the answer is empty"),
        ({b"content-type": b"text/event-stream"}, b"data: ?\n\n", "an event is not JSON"),
    ],
    ids=["compressed", "sound", "large", "empty", "stream"],
)
def test_an_answer_that_could_not_be_read_is_unproven_and_says_why(
    dialect: Dialect, headers: dict[bytes, bytes], body: bytes, why: str
) -> None:
    exchange = exchanged({"model": "acme/one"}, {})
    exchange.arrival = structs.replace(exchange.arrival, dialect=dialect)
    answer = exchange.begin_answer(200, list(headers.items()))
    if body:
        answer.saw(body)
    receipt = told_of(exchange, ONE_IS_FP4)
    assert receipt.verdict == "unproven"
    assert receipt.reason == f"the provider is not known, because {why}"


NOVITA_AND_FLEX = [row("novita", "Novita", "fp8"), row("novita/flex", "Novita", "fp8")]


@pytest.mark.parametrize(
    ("asked", "listed", "verdict"),
    [
        ({}, [], "kept"),
        ({"service_tier": "default"}, [], "kept"),
        ({"service_tier": None, "speed": "standard"}, [], "kept"),
        ({"service_tier": "flex"}, [], "unproven"),
        ({"speed": "fast"}, [], "unproven"),
        ({"model": "acme/one:floor"}, [], "unproven"),
        ({"service_tier": "flex"}, [row("novita", "Novita", "fp8")], "kept"),
        ({"service_tier": "flex"}, NOVITA_AND_FLEX, "unproven"),
    ],
)
def test_a_provider_asked_for_a_service_tier_is_not_known_by_its_name_alone(
    asked: dict[str, Any], listed: list[dict[str, Any]], verdict: str
) -> None:
    body = {"model": "acme/one", **asked}
    book = read_book(
        {"p.yaml": "version: 1\nrules:\n  - {name: one, models: ['*'], only: [novita]}\n"}
    )
    exchange = exchanged(body, {"model": "acme/one", "provider": "Novita"}, book)
    known = catalog(one=listed) if listed else EMPTY
    assert told_of(exchange, known).verdict == verdict


TWO = {"model": "acme/one", "models": ["acme/two"]}
ONE_IS_FP4 = catalog(one=[row("novita/fp4", "Novita", "fp4")], two=[row("novita", "Novita", "fp8")])


@pytest.mark.parametrize(("answered", "verdict"), [("acme/two", "kept"), ("acme/one", "broken")])
def test_t37_the_model_that_answered_is_the_one_that_is_judged(answered: str, verdict: str) -> None:
    receipt = filed(TWO, {"model": answered, "provider": "Novita"}, ONE_IS_FP4)
    assert (receipt.verdict, receipt.model_served) == (verdict, answered)


def test_one_model_is_judged_whatever_the_answer_calls_it() -> None:
    answer = {"model": "acme/one-2026-01-01", "provider": "Novita"}
    assert filed({"model": "acme/one"}, answer, ONE_IS_FP4).verdict == "broken"


def test_a_model_that_was_not_asked_for_is_judged_by_nobodys_rows() -> None:
    answer = {"model": "acme/three", "provider": "Novita"}
    assert filed(TWO, answer, ONE_IS_FP4).verdict == "unproven"


def test_a_variant_is_told_from_its_model() -> None:
    free = EMPTY.with_listing("acme/one:free", [row("novita/fp4", "Novita", "fp4")], NOW)
    known = free.with_listing("acme/one", [row("novita", "Novita", "fp8")], NOW)
    body = {"model": "acme/one", "models": ["acme/one:free"]}
    assert filed(body, {"model": "acme/one:free", "provider": "Novita"}, known).verdict == "broken"
    assert filed(body, {"model": "acme/one", "provider": "Novita"}, known).verdict == "kept"


def attempts(model: str | None) -> dict[str, Any]:
    tried = [{"provider": "Novita", "model": model, "status": 503}]
    endpoints = {"available": [{"provider": "Groq", "selected": True}], "total": 1}
    return {"openrouter_metadata": {"attempts": tried, "endpoints": endpoints}}


@pytest.mark.parametrize(
    ("tried", "verdict"),
    [
        ("acme/one", "kept"),
        ("acme/two", "broken"),
        ("acme/two-20260101", "broken"),  # a dated name
        ("acme/three", "unproven"),  # at one of them, or at another one
        (None, "unproven"),
    ],
)
def test_t59_an_attempt_at_another_model_is_judged_by_that_ones_rows(
    tried: str | None, verdict: str
) -> None:
    known = catalog(
        one=[row("novita/fp8", "Novita", "fp8")],
        two=[row("groq/fp8", "Groq", "fp8"), row("novita/fp4", "Novita", "fp4")],
    ).with_models([{"id": "acme/two", "canonical_slug": "acme/two-20260101"}])
    answer = {"model": "acme/two", "provider": "Groq", **attempts(tried)}
    assert filed(TWO, answer, known).verdict == verdict


@pytest.mark.parametrize(
    ("message", "ending", "failed"),
    [({"content": "x"}, "complete", False), ({"content": "", "reasoning": "x"}, "empty", True)],
)
def test_t66_an_answer_that_says_nothing_counts_as_failed(
    message: dict[str, str], ending: str, *, failed: bool
) -> None:
    choice = {"message": message, "finish_reason": "stop"}
    answer = {"provider": "Novita", "model": "acme/one", "choices": [choice]}
    receipt = filed({"model": "acme/one"}, answer, EMPTY)
    assert (receipt.ending, receipt.provider) == (ending, "novita")
    assert has_failed(receipt) is failed
    assert tally_of(receipt, None).errors == failed
    assert Wanted(failed=failed).fits(receipt)
    assert not Wanted(failed=not failed).fits(receipt)


NOVITA_503 = {"provider": "Novita", "status": 503}
PREVIOUS = {"provider_name": "novita", "code": 503, "message": "no"}


@pytest.mark.parametrize(
    ("answer", "tried"),
    [
        (  # listed twice, and the last one only as the error's
            {
                "openrouter_metadata": {"attempts": [NOVITA_503 | {"model": "acme/one"}]},
                "error": {
                    "code": 502,
                    "metadata": {"provider_name": "Groq", "previous_errors": [PREVIOUS]},
                },
            },
            [("Novita", "acme/one", 503), ("Groq", None, 502)],
        ),
        (
            {"error": {"code": 429, "metadata": {"provider_name": "Groq"}}, "model": "acme/one"},
            [("Groq", "acme/one", 429)],
        ),
        (
            {"error": {"code": "rate_limit"}, "provider": "Groq", "model": "acme/one"},
            [("Groq", "acme/one", None)],
        ),
        (
            {
                "error": {"code": 502, "metadata": {"provider_name": "NOVITA"}},
                "openrouter_metadata": {"attempts": [NOVITA_503]},
            },
            [("Novita", None, 503)],
        ),
        ({"error": {"code": 404, "message": "No endpoints found"}}, []),
        (
            {"provider": "Groq", "openrouter_metadata": {"attempts": [NOVITA_503]}},
            [("Novita", None, 503)],
        ),
    ],
)
def test_t59_every_provider_that_failed_is_on_the_receipt_with_its_status(
    answer: dict[str, Any], tried: list[tuple[str, str | None, int | None]]
) -> None:
    attempted = filed({"model": "acme/one"}, answer, EMPTY).attempts
    assert [(each["provider"], each["model"], each["status"]) for each in attempted] == tried


def test_the_status_of_an_error_is_that_of_the_provider_that_failed_last() -> None:
    exchange = exchanged({"model": "acme/one"}, {})
    answering = exchange.begin_answer(429, [(b"content-type", b"application/json")])
    answering.saw(b'{"error":{"code":"slow_down","metadata":{"provider_name":"Groq"}}}')
    (attempt,) = told_of(exchange, EMPTY).attempts
    assert attempt == {"provider": "Groq", "model": None, "status": 429}


def test_the_ending_says_whose_doing_it_was() -> None:
    said = {"provider": "Novita", "choices": [{"message": {"content": "x"}}]}
    exchange = exchanged({"model": "acme/one"}, said)
    endings = [told_of(exchange, EMPTY).ending]
    exchange.complete = False
    for error in (None, UpstreamCut("cut"), PolicyConflict("no")):
        exchange.error = error
        endings.append(told_of(exchange, EMPTY).ending)
    assert endings == ["complete", "caller_left", "upstream_cut", "refused"]


def test_a_session_is_kept_as_a_digest_whatever_is_in_it() -> None:
    receipt = filed({"model": "acme/one", "session_id": "secret"}, {}, EMPTY)
    assert receipt.session == session_digest("secret") != "secret"
    assert session_digest(None) is None
    assert len(session_digest("\ud800") or "") == 16


def test_without_a_policy_the_reason_says_whose_wishes_were_judged() -> None:
    body = {"model": "acme/one", "provider": {"only": ["novita"]}}
    exchange = exchanged(body, {"provider": "Novita"})
    request = read_request(json.dumps(body).encode())
    nobody = read_book({"p.yaml": "version: 1\nrules: []\n"})
    found = routed(nobody, request, caller=None, user_agent="", catalog=EMPTY)
    exchange.routed(found)
    exchange.sending(apply(request, found.route))
    receipt = told_of(exchange, EMPTY)
    assert receipt.verdict == "kept"
    assert "no policy applies" in (receipt.reason or "")


@pytest.mark.parametrize(("status", "kept"), [(200, False), (404, True)])
def test_what_was_asked_is_let_go_of_once_it_is_being_answered(status: int, *, kept: bool) -> None:
    """A stream lasts for minutes, and what was asked may weigh megabytes."""
    exchange = exchanged({"model": "acme/one", "session_id": "mine"}, {"provider": "Novita"})
    request = read_request(b'{"model": "acme/one", "session_id": "mine"}')
    found = routed(BOOK, request, caller=None, user_agent="", catalog=EMPTY)
    exchange.routed(found)
    exchange.sending(apply(request, found.route))
    exchange.begin_answer(status, [(b"content-type", b"application/json")])
    assert (exchange.request is not None) == kept
    assert exchange.sent is not None
    assert not exchange.sent.body
    assert exchange.asked.model == "acme/one"
    assert exchange.asked.session == Session("mine", "body.session_id")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": {"code": 429, "message": "slow down"}}, "429"),
        ({"error": "slow down"}, "error"),
        ({"error": {"message": "slow down"}, "provider": "Novita"}, "error"),
        ({"choices": [{"finish_reason": "error", "error": {"code": 502}}]}, "502"),
    ],
)
def test_t51_an_error_inside_a_200_is_filed_as_one(answer: dict[str, Any], code: str) -> None:
    receipt = filed({"model": "acme/one"}, answer, catalog(one=[row("novita", "Novita", "fp8")]))
    told = (receipt.verdict, receipt.ending, receipt.status, receipt.error_code)
    assert told == (None, "upstream_error", 200, code)


def test_t59_a_provider_whose_error_came_inside_a_200_has_had_the_prompt() -> None:
    answer = {"error": {"message": "x"}, "provider": "Novita"}
    known = catalog(one=[row("novita/fp4", "Novita", "fp4")])
    assert filed({"model": "acme/one"}, answer, known).verdict == "broken"
    named_inside = {"error": {"message": "x", "metadata": {"provider_name": "Novita"}}}
    assert filed({"model": "acme/one"}, named_inside, known).verdict == "broken"
    # ... but with server tools, the name may be another one's
    asked = {"model": "acme/one", "tools": [{"type": "openrouter:web_search"}]}
    assert filed(asked, answer, known).verdict is None


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"usage": {"is_byok": False}}, "broken"),
        ({"openrouter_metadata": {"is_byok": False}}, "broken"),
        ({"usage": {"is_byok": True}}, "unproven"),
        ({"usage": {"is_byok": False}, "openrouter_metadata": {"is_byok": True}}, "unproven"),
        ({}, "unproven"),
    ],
)
def test_t48_an_answer_from_outside_of_a_strict_order_is_held_to_the_key_that_was_used(
    told: dict[str, Any], verdict: str
) -> None:
    body = {"model": "acme/one", "provider": {"order": ["groq"], "allow_fallbacks": False}}
    known = catalog(one=[row("novita/fp8", "Novita", "fp8")])
    assert filed(body, {"provider": "Novita", **told}, known).verdict == verdict


def test_an_old_listing_accuses_nobody() -> None:
    """Labels change: whoever is accused by one is accused by a listing as new as the request."""
    exchange = exchanged({"model": "acme/one"}, {"provider": "Novita"})
    row_ = [row("novita/fp4", "Novita", "fp4")]
    for age, verdict in ((0, "broken"), (9, "broken"), (11, "unproven")):
        known = EMPTY.with_listing("acme/one", row_, NOW - age)
        found = judged(exchange, known, now=NOW)
        assert found.verdict.verdict == "broken"
        assert (unsettled(found.verdict, exchange) is None) == (verdict == "broken")
        assert receipt_of(exchange, found).verdict == verdict


def test_a_receipt_names_the_listing_that_it_was_judged_by() -> None:
    known = catalog(one=[row("novita/fp8", "Novita", "fp8")], two=[row("x/fp8", "X", "fp8")])
    digests = {
        name: listing.kept.digest for name, listing in known.listings.items() if listing.kept
    }
    exchange = exchanged({"model": "acme/one"}, {"provider": "Novita"})
    found = judged(exchange, known, now=NOW)
    listed = found.listed
    assert listed is not None
    assert (listed.model, listed.fetched_at.timestamp()) == ("acme/one", NOW)
    assert receipt_of(exchange, found).listing == listed.digest == digests["acme/one"]
    other = filed({"model": "acme/two"}, {"provider": "X"}, known)
    assert other.listing == digests["acme/two"]


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"provider": "Novita"}, EMPTY),  # not listed yet
        ({"error": {"message": "x"}}, catalog(one=[row("novita", "Novita", "fp8")])),
    ],
)
def test_a_receipt_that_no_listing_was_used_for_names_none(
    answer: dict[str, Any], known: Catalog
) -> None:
    assert filed({"model": "acme/one"}, answer, known).listing is None


def test_a_listing_of_a_broken_date_costs_no_receipt() -> None:
    """It comes from the time of a file."""
    known = EMPTY.with_listing("acme/one", [row("novita/fp8", "Novita", "fp8")], -1e18)
    assert filed({"model": "acme/one"}, {"provider": "Novita"}, known).listing is not None


# --- a model that stands for others -----------------------------------------------------------

STAND_INS = read_book(
    {
        "p.yaml": json.dumps(
            {
                "version": 1,
                "rules": [
                    {"name": "all", "models": ["*"], "ignore": ["groq"]},
                    {"name": "pinned", "models": ["acme/two"], "only": ["novita"]},
                    {"name": "private", "models": ["acme/three"], "zdr": True},
                ],
            }
        )
    }
)
FAMILY = EMPTY.with_models(
    [
        {"id": "acme/two", "canonical_slug": "acme/two-20260101"},
        {"id": "~acme/family-latest", "alias_target": {"slug": "acme/two"}},
    ]
).with_listing("acme/two", [row("novita", "Novita", "fp8"), row("x", "X", "fp8")], NOW)


def stood_for(model: str, answer: dict[str, Any]) -> Receipt:
    exchange = exchanged({"model": "acme/one"}, answer)
    request = read_request(json.dumps({"model": model}).encode())
    found = routed(STAND_INS, request, caller=None, user_agent="", catalog=FAMILY)
    exchange.routed(found)
    exchange.sending(apply(request, found.route))
    return told_of(exchange, FAMILY)


@pytest.mark.parametrize("model", ["openrouter/auto", "typesafe/jev-router", "@preset/mine"])
@pytest.mark.parametrize(
    ("by", "verdict"), [("Novita", "kept"), ("X", "broken"), ("Groq", "broken")]
)
def test_an_answer_for_a_router_is_held_to_the_rules_of_the_model_it_names(
    model: str, by: str, verdict: str
) -> None:
    receipt = stood_for(model, {"model": "acme/two-20260101", "provider": by})
    assert receipt.verdict == verdict
    assert ("the rules for acme/two" in (receipt.reason or "")) == (by == "X")


def test_the_newest_of_a_family_is_judged_by_the_model_that_answers() -> None:
    for by, verdict in (("Novita", "kept"), ("X", "broken")):
        answer = {"model": "acme/two-20260101", "provider": by}
        assert stood_for("~acme/family-latest", answer).verdict == verdict


def test_t57_a_clause_that_was_not_sent_and_no_answer_can_show_is_not_kept() -> None:
    """The router's own rules are what is sent; that of the model it picked has no say there."""
    receipt = stood_for("openrouter/auto", {"model": "acme/three", "provider": "Novita"})
    assert receipt.verdict == "unproven"
    assert "the request did not require zdr (the rules for acme/three)" in (receipt.reason or "")


def test_a_router_that_does_not_name_its_model_proves_nothing() -> None:
    assert stood_for("openrouter/auto", {"provider": "X"}).verdict == "unproven"


# --- everybody who got the prompt -------------------------------------------------------------

HOSTS = catalog(one=[row("novita/fp8", "Novita", "fp8"), row("chutes/fp4", "Chutes", "fp4")])
NOVITA = {"provider": "Novita", "status": 200}
SELECTED = {"available": [{"provider": "Novita", "selected": True}]}
BOTH = {"available": [{"provider": name, "selected": True} for name in ("Novita", "Chutes")]}
LARGE = {"summary": "x" * 70_000, "attempts": [{"provider": "Chutes", "status": 500}, NOVITA]}
RAN = {"server_tool_use_details": {"web_search_requests": 1}, "padding": "x" * 70_000}


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"openrouter_metadata": {"attempt": 1, "attempts": [NOVITA]}}, "kept"),
        ({"openrouter_metadata": {"attempt": 1, "endpoints": SELECTED}}, "kept"),
        ({"openrouter_metadata": {"attempts": [{"provider": "Chutes", "status": 200}]}}, "broken"),
        ({"openrouter_metadata": {"attempts": [{"provider": "Chutes", "status": 0}]}}, "broken"),
        ({"openrouter_metadata": {"attempts": [{"status": 500}, NOVITA]}}, "unproven"),
        ({"openrouter_metadata": {"attempt": 3, "endpoints": SELECTED}}, "unproven"),
        ({"openrouter_metadata": {"attempt": 2, "attempts": [NOVITA]}}, "unproven"),
        ({"openrouter_metadata": {"endpoints": BOTH}}, "unproven"),
        ({"openrouter_metadata": LARGE}, "unproven"),
        ({"usage": RAN}, "unproven"),
        (
            {
                "openrouter_metadata": {"attempts": [NOVITA]},
                "error": {"metadata": {"previous_errors": [{"provider_name": "Chutes"}]}},
                "usage": {"completion_tokens": 3},
            },
            "broken",
        ),
    ],
)
def test_t59_an_account_of_attempts_that_is_odd_or_incomplete_is_no_proof(
    told: dict[str, Any], verdict: str
) -> None:
    answer = {"model": "acme/one", "provider": "Novita", **told}
    assert filed({"model": "acme/one"}, answer, HOSTS).verdict == verdict


def streamed(*events: bytes) -> Receipt:
    exchange = exchanged({"model": "acme/one", "stream": True}, {})
    answer = exchange.begin_answer(200, [(b"content-type", b"text/event-stream")])
    answer.saw(b"".join(b"data: " + event + b"\n\n" for event in (*events, b"[DONE]")))
    return told_of(exchange, HOSTS)


FIRST = b'{"provider":"Novita","model":"acme/one"}'


def test_t59_a_second_account_does_not_make_the_first_forgotten() -> None:
    tried = b'{"openrouter_metadata":{"attempts":[{"provider":"Chutes","status":500}]}}'
    again = b'{"openrouter_metadata":{"attempts":[{"provider":"Novita","status":200}]}}'
    assert streamed(FIRST, again).verdict == "kept"
    assert streamed(FIRST, tried, again).verdict == "broken"


def test_an_event_that_can_not_be_read_may_name_another_provider() -> None:
    deep = b"[" * 3000 + b"]" * 3000
    assert streamed(FIRST, b'{"x":' + deep + b"}").verdict == "kept"
    assert streamed(FIRST, b'{"provider":"Chutes","x":' + deep + b"}").verdict == "unproven"


def test_an_answer_by_a_model_that_is_known_to_be_another_is_not_judged_as_the_one_asked() -> None:
    known = HOSTS.with_models([{"id": "acme/one"}, {"id": "acme/two"}])
    by_two = {"model": "acme/two", "provider": "Novita"}
    assert filed({"model": "acme/one"}, by_two, known).verdict == "unproven"
    dated = {"model": "acme/one-20260101", "provider": "Novita"}
    assert filed({"model": "acme/one"}, dated, known).verdict == "kept"


def test_a_receipt_names_the_benchmark_scores_that_a_floor_went_by_or_lacked() -> None:
    body = {"model": "acme/sim-1"}
    answer = {"id": "gen-1", "model": "acme/sim-1", "provider": "Acme", "choices": []}
    floor = "score_floor: {gpqa_diamond: 0.6, unscored: allow}"
    book = read_book({"p.yaml": f"version: 1\nrules:\n  - {{name: s, models: ['*'], {floor}}}\n"})
    for known in (EMPTY.with_scores(KEPT), EMPTY):
        exchange = exchanged(body, answer, book, known=known)
        receipt = told_of(exchange, EMPTY)
        told = "; score_floor not applied: no benchmark scores are kept"
        assert (receipt.reason or "").endswith(told) is (known is EMPTY)
        source = f"scores 2026-11-21 sha256:{CHECKSUM[:12]}"
        assert receipt.evidence[1:] == ((source,) if known is not EMPTY else ())


def test_scores_that_a_request_overrode_are_not_evidence() -> None:
    floor = "merge: fill, score_floor: {gpqa_diamond: 0.7}"
    book = read_book({"p.yaml": f"version: 1\nrules:\n  - {{name: s, models: ['*'], {floor}}}\n"})
    answer = {"id": "gen-1", "model": "acme/sim-1", "provider": "Acme", "choices": []}
    for own, told in (({"only": ["acme"]}, True), ({"only": ["otherhost"]}, False), ({}, True)):
        body = {"model": "acme/sim-1", "provider": own}
        exchange = exchanged(body, answer, book, known=EMPTY.with_scores(KEPT))
        evidence = told_of(exchange, EMPTY).evidence
        assert any(each.startswith("scores ") for each in evidence) is told
