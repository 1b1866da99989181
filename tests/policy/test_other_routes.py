"""Routes that accept a part of the provider object: every clause is carried, dropped or refused."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.catalog.catalog import STALE_SECONDS
from app.catalog.endpoint import Endpoint
from app.errors import PolicyConflict, PolicyFileError, PolicyRefused
from app.policy.apply import Outgoing, apply
from app.policy.fields import FIELDS
from app.policy.filters import FILTERS, Asked
from app.policy.form import split_form
from app.policy.other_routes import OTHER_ROUTES, Carriage, is_hard, rows_of
from app.policy.request import read_form, read_request
from app.policy.tags import means
from tests.policy.listings import MODEL, NOW, endpoint, listed, row
from tests.policy.sending import book_of, route

# A value of each clause that shuts endpoints out, or that only wishes.
HARD: dict[str, Any] = {
    "only": ["novita"],
    "ignore": ["groq"],
    "quantizations": ["fp8"],
    "max_price": {"prompt": 1},
    "allow_fallbacks": False,
    "data_collection": "deny",
    "zdr": True,
    "enforce_distillable_text": True,
    "require_parameters": True,
}
WISHES: dict[str, Any] = {
    "order": ["novita"],
    "sort": "price",
    "preferred_min_throughput": 50,
    "preferred_max_latency": 3,
    "options": {"novita": {"x": 1}},
}
HARMLESS: dict[str, Any] = {
    "allow_fallbacks": True,
    "data_collection": "allow",
    "zdr": False,
    "enforce_distillable_text": False,
    "require_parameters": False,
}
ROWS = (
    endpoint("novita/fp8", "Novita"),
    endpoint("novita/fp4", "Novita", "fp4"),
    endpoint("groq", "Groq"),
    endpoint("groq/fp4", "Groq", "fp4"),
    endpoint("mara/fp8", "Mara", prompt="0.00001"),
    endpoint("tei/fp16", "Tei", "fp16"),
)


def on(path: str, rows: tuple[Endpoint, ...] | None = ROWS) -> Carriage:
    return Carriage(OTHER_ROUTES[path], rows)


def sent(
    path: str,
    rule: dict[str, Any],
    body: dict[str, Any] | bytes | None = None,
    rows: tuple[Endpoint, ...] | None = ROWS,
) -> Outgoing:
    asked = {"model": "a/b"} if body is None else body
    raw = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return apply(read_request(raw), route(book_of(rule), raw), on=on(path, rows))


def test_the_two_tables_are_all_clauses() -> None:
    assert {*HARD, *WISHES} == set(FIELDS)
    assert all(each.accepts <= FIELDS.keys() for each in OTHER_ROUTES.values())


@pytest.mark.parametrize("field", HARD)
@pytest.mark.parametrize("path", OTHER_ROUTES)
def test_a_hard_clause_is_carried_resolved_or_refused(path: str, field: str) -> None:
    rule = {field: HARD[field]}
    accepted = field in OTHER_ROUTES[path].accepts
    resolved = OTHER_ROUTES[path].takes_tags and field in {"ignore", "quantizations", "max_price"}
    if accepted:
        outgoing = sent(path, rule)
        assert field in (outgoing.preferences or {})
        assert outgoing.overruled == ()
    elif resolved:
        outgoing = sent(path, rule)
        assert outgoing.preferences is not None
        assert outgoing.preferences.keys() == {"only"}
        (lost,) = outgoing.overruled
        assert (lost.field, lost.sent, lost.rule) == (field, None, "rule-0")
        assert "`only` lists" in lost.why
    else:
        with pytest.raises(PolicyRefused) as refused:
            sent(path, rule)
        message = str(refused.value)
        assert 'rule "rule-0" (test.yaml:' in message
        key = "max_price.prompt" if field == "max_price" else field
        assert f"requires {key}; POST {path} accepts only" in message
        assert "`routes: pass`" in message
        passed = sent(path, {**rule, "routes": "pass"})
        assert field not in (passed.preferences or {})
        assert [each.field for each in passed.overruled] == [field]
        assert "`routes: pass`" in passed.overruled[0].why


@pytest.mark.parametrize("path", OTHER_ROUTES)
@pytest.mark.parametrize(("field", "value"), [*WISHES.items(), *HARMLESS.items()], ids=str)
def test_a_wish_is_carried_or_dropped_and_told(path: str, field: str, value: Any) -> None:
    outgoing = sent(path, {field: value})
    if field in OTHER_ROUTES[path].accepts:
        assert outgoing.preferences is not None
        assert field in outgoing.preferences
        assert outgoing.overruled == ()
    else:
        assert outgoing.preferences is None
        (lost,) = outgoing.overruled
        assert (lost.field, lost.sent, lost.rule) == (field, None, "rule-0")
        assert f"POST {path} does not accept it" in lost.why
        assert outgoing.body == b'{"model": "a/b"}'


@pytest.mark.parametrize("path", OTHER_ROUTES)
def test_a_strict_order_is_hard(path: str) -> None:
    rule = {"order": ["tei", "novita"], "allow_fallbacks": False}
    if path == "/images":
        assert sent(path, rule).preferences == rule
    elif OTHER_ROUTES[path].takes_tags:
        outgoing = sent(path, rule, rows=None)
        assert outgoing.preferences == {"only": ["tei", "novita"], "allow_fallbacks": False}
        assert outgoing.terms.order == ("tei", "novita")
    else:
        with pytest.raises(PolicyRefused, match=r"requires order; .* requires allow_fallbacks"):
            sent(path, rule)


def test_what_the_request_itself_requires_is_not_lost_either() -> None:
    body = {"model": "a/b", "provider": {"zdr": True}}
    with pytest.raises(PolicyRefused, match="the request itself requires zdr; POST /images"):
        sent("/images", {"sort": "price"}, body)
    assert apply(
        read_request(json.dumps(body).encode()), route(book_of(), body), on=on("/images")
    ).body == (json.dumps(body).encode())


def test_keys_never_seen_go_on_as_they_came() -> None:
    body = {"model": "a/b", "provider": {"brand_new": 1, "sort": "price"}}
    outgoing = sent("/videos", {"models": ["a/*"]}, body)
    assert json.loads(outgoing.body)["provider"] == {"brand_new": 1}
    assert [(each.field, each.rule) for each in outgoing.overruled] == [("sort", "rule-0")]


def test_the_strictest_of_two_rules_decides() -> None:
    strict, lax = {"models": ["a/b"], "zdr": True}, {"models": ["c/d"], "routes": "pass"}
    body = {"model": "a/b", "models": ["c/d"]}
    with pytest.raises(PolicyRefused):
        apply(
            read_request(json.dumps(body).encode()),
            route(book_of(strict, lax), body),
            on=on("/images"),
        )


# --- batches: what a listing decides ----------------------------------------------------------


def tags(rule: dict[str, Any], rows: tuple[Endpoint, ...] | None = ROWS) -> list[str]:
    found: list[str] = (sent("/batches", rule, rows=rows).preferences or {})["only"]
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # `groq` would also mean groq/fp4, so it is not named
        ({"quantizations": ["fp8"]}, ["novita/fp8", "mara/fp8"]),
        ({"quantization_floor": "fp8"}, ["novita/fp8", "mara/fp8", "tei/fp16"]),
        ({"quantizations": ["fp8"], "only": ["novita"]}, ["novita/fp8"]),
        ({"ignore": ["novita", "mara"]}, ["groq", "groq/fp4", "tei/fp16"]),
        ({"only": ["tei", "novita"], "ignore": ["novita/fp4"]}, ["novita/fp8", "tei/fp16"]),
        ({"only": ["tei"], "ignore": ["novita"]}, ["tei"]),  # the listing is not needed
        (
            {"max_price": {"prompt": 5}, "quantizations": ["fp8", "fp16"]},
            ["novita/fp8", "tei/fp16"],
        ),
        (
            {
                "order": ["tei", "novita"],
                "allow_fallbacks": False,
                "quantizations": ["fp8", "fp16"],
            },
            ["novita/fp8", "tei/fp16"],
        ),
    ],
)
def test_the_tags_of_the_endpoints_inside_are_named(
    rule: dict[str, Any], expected: list[str]
) -> None:
    assert tags(rule) == expected


def test_endpoints_of_a_service_tier_are_for_those_who_name_them() -> None:
    rows = (endpoint("openai", "OpenAI"), endpoint("openai/priority", "OpenAI"))
    assert tags({"quantizations": ["fp8"]}, rows) == ["openai"]
    assert tags({"quantizations": ["fp8"], "only": ["openai/priority"]}, rows) == [
        "openai/priority"
    ]


@pytest.mark.parametrize(
    ("rows", "rule", "why"),
    [
        (None, {"quantizations": ["fp8"]}, "the listing of the model's endpoints is missing"),
        (ROWS, {"quantizations": ["bf16"]}, "certainly satisfies it"),
        ((), {"quantizations": ["fp8"]}, "certainly satisfies it"),
        (
            (endpoint("a/mxfp8", "A", "mxfp8"),),
            {"quantizations": ["fp8"]},
            "certainly satisfies it",
        ),
        (
            (endpoint("a", "A", prompt=None),),
            {"max_price": {"prompt": 1}},
            "certainly satisfies it",
        ),
    ],
)
def test_what_a_listing_does_not_decide_is_refused(
    rows: tuple[Endpoint, ...] | None, rule: dict[str, Any], why: str
) -> None:
    with pytest.raises(PolicyRefused, match=why):
        sent("/batches", rule, rows=rows)
    assert sent("/batches", {**rule, "routes": "pass"}, rows=rows).preferences is None


def test_a_listing_has_to_be_fresh() -> None:
    listing = listed([row("a/fp8", "A")]).listing(MODEL)
    assert rows_of(listing, NOW) == (endpoint("a/fp8", "A"),)
    assert rows_of(listing, NOW + STALE_SECONDS) is None
    assert rows_of(None, NOW) is None


# --- no hard clause is ever lost --------------------------------------------------------------

_VALUES = {
    "only": st.lists(
        st.sampled_from(["novita", "groq", "tei/fp16", "mara"]), min_size=1, unique=True
    ),
    "order": st.lists(st.sampled_from(["novita/fp8", "groq", "tei"]), min_size=1, unique=True),
    "ignore": st.lists(st.sampled_from(["mara", "groq/fp4", "novita"]), min_size=1, unique=True),
    "quantizations": st.lists(st.sampled_from(["fp8", "fp16", "fp4"]), min_size=1, unique=True),
    "max_price": st.fixed_dictionaries({"prompt": st.sampled_from([1, 5, 50])}),
    **{name: st.just(value) for name, value in HARD.items() if name in HARMLESS},
    "sort": st.just("price"),
}
# Wishes are what a rule says of a field, or says nothing.
_RULES = st.fixed_dictionaries({}, optional=_VALUES)
_LISTINGS = st.one_of(st.none(), st.lists(st.sampled_from(ROWS), unique_by=id).map(tuple))


@given(
    rule=_RULES,
    provider=st.one_of(st.none(), _RULES),
    path=st.sampled_from(sorted(OTHER_ROUTES)),
    rows=_LISTINGS,
)
def test_no_hard_clause_is_lost_on_any_route(
    rule: dict[str, Any],
    provider: dict[str, Any] | None,
    path: str,
    rows: tuple[Endpoint, ...] | None,
) -> None:
    """Each is sent, or holds for every endpoint that what is sent can reach, or it is refused."""
    body = json.dumps({"model": "a/b", "provider": provider}).encode()
    request = read_request(body)
    try:
        by = route(book_of(rule), body)
        whole = apply(request, by).preferences or {}
    except (PolicyFileError, PolicyConflict):
        assume(False)
    try:
        outgoing = apply(request, by, on=on(path, rows))
    except PolicyRefused:
        return
    reduced = outgoing.preferences or {}
    assert {name for name in reduced if name in FIELDS} <= OTHER_ROUTES[path].accepts
    lost = [
        name
        for name in whole
        if is_hard(name, whole) and reduced.get(name) != whole[name] and name != "only"
    ]
    if lost == ["order"]:
        assert set(reduced["only"]) <= set(whole.get("only") or whole["order"])
        return
    asked = Asked(preferences=whole)
    reachable = [
        each
        for each in rows or ()
        if not reduced.get("only") or any(means(tag, each) for tag in reduced["only"])
    ]
    for name in lost:
        (filtering,) = (each for each in FILTERS if each.name == name)
        assert all(filtering.passes(asked, each, rows or ()) for each in reachable)
    if lost:
        assert "only" in reduced
    if "only" in whole:
        assert "only" in reduced
        (filtering,) = (each for each in FILTERS if each.name == "only")
        assert reduced["only"] == whole["only"] or all(
            filtering.passes(asked, each, rows or ()) for each in reachable
        )


# --- bytes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "arrived"),
    [
        (
            b'{"model":"a/b","requests":[ {"n": 1.0} ]}',
            b'{"model":"a/b","provider":{"only":["x"]},"requests":[ {"n": 1.0} ]}',
        ),
        (
            b'{ "model" : "a/b" ,\n "requests" : [1.0] , "user":1 }\n',
            b'{ "model" : "a/b" ,\n "provider":{"only":["x"]},"requests" : [1.0] , "user":1 }\n',
        ),
        (
            b'{"requests":[1.0]  ,"model":"a/b"}',
            b'{"provider":{"only":["x"]},"requests":[1.0]  ,"model":"a/b"}',
        ),
        (
            b'{"model":"a/b","provider":null,"endpoint":"e","requests":[]}',
            b'{"model":"a/b","provider":{"only":["x"]},"endpoint":"e","requests":[]}',
        ),
        # upstream reads `requests` as a stream: what stands behind it is not seen
        (
            b'{"model":"a/b","requests":[],"provider":{"only":["x"]},"z":1}',
            b'{"model":"a/b","provider":{"only":["x"]},"requests":[],"z":1}',
        ),
        (
            b'{"model":"a/b","requests":[],"provider":{"only":["x","y"]}}',
            b'{"model":"a/b","provider":{"only":["x"]},"requests":[]}',
        ),
        (
            b'{"model":"a/b","provider":{"only":["x"]},"requests":[1.0]}',
            b'{"model":"a/b","provider":{"only":["x"]},"requests":[1.0]}',
        ),
        (b'{"model":"a/b"}', b'{"model":"a/b","provider":{"only":["x"]}}'),
    ],
)  # fmt: skip
def test_in_a_batch_all_that_is_ours_stands_before_requests(body: bytes, arrived: bytes) -> None:
    assert sent("/batches", {"only": ["x"]}, body).body == arrived


def test_in_a_batch_fields_that_a_rule_strips_or_sets_are_edited_too() -> None:
    body = b'{"endpoint":"e","model":"a/b","requests":[1.0],"user":"u","n":1}'
    rule = {"strip": ["endpoint", "n"], "set": {"user": "me", "callback_url": "c"}}
    assert sent("/batches", rule, body).body == (
        b'{"model":"a/b","user":"me","callback_url":"c","requests":[1.0]}'
    )
    assert sent("/batches", {"strip": ["requests"]}, body).body == (
        b'{"endpoint":"e","model":"a/b","user":"u","n":1}'
    )


@pytest.mark.slow
def test_sixty_megabytes_of_requests_go_on_as_they_came() -> None:
    requests = b'[{"custom_id":"1","body":{"model":"a/b","x":"' + b"y" * 60_000_000 + b'"}}]'
    body = b'{"endpoint":"/v1/chat/completions","model":"a/b","requests":' + requests + b"}"
    arrived = sent("/batches", {"only": ["x"]}, body).body
    assert arrived == body.replace(b'"requests":', b'"provider":{"only":["x"]},"requests":', 1)


def test_an_alias_is_replaced_by_its_model() -> None:
    book = book_of({"models": ["a/*"], "only": ["x"]}, aliases={"mine": {"model": "a/b"}})
    body = b'{"model":"mine","requests":[]}'
    outgoing = apply(read_request(body), route(book, body), on=on("/batches"))
    assert outgoing.body == b'{"model":"a/b","provider":{"only":["x"]},"requests":[]}'


def test_a_form_is_edited_in_its_parts() -> None:
    kind = b"multipart/form-data; boundary=X"
    body = (
        b'--X\r\nContent-Disposition: form-data; name="model"\r\n\r\nmine\r\n'
        b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\x00\xff\r\n'
        b"--X--\r\n"
    )
    book = book_of({"models": ["a/*"], "zdr": True}, aliases={"mine": {"model": "a/b"}})
    request = read_form(body, kind)
    by = book.route_for(request, caller=None, user_agent="", catalog=listed([]))
    arrived = apply(request, by, on=on("/audio/transcriptions")).body
    assert arrived == (
        b'--X\r\nContent-Disposition: form-data; name="provider"\r\n\r\n{"zdr":true}\r\n'
        + body.replace(b"mine", b"a/b")
    )
    assert bytes(split_form(arrived, kind).fields["provider"]) == b'{"zdr":true}'
