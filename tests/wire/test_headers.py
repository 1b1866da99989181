"""Which headers cross: a list towards upstream, all but a few towards the caller."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.header_names import NO_NAMES, HeaderNames, names_of
from app.wire.headers import Credentials, Header, to_caller, to_upstream
from tests.wire.recordings import recorded_json

CALLER_KEY = b"Bearer pk-caller-canary"
KEY = "sk-or-v1-operator-canary"


def sent(*raw: Header, key: str | None = None, router_metadata: bool = False) -> dict[bytes, bytes]:
    headers = to_upstream(raw, key=key, router_metadata=router_metadata)
    assert len(dict(headers)) == len(headers)
    return dict(headers)


# --- towards upstream -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(b"accept", b"accept-language", b"content-type", b"content-encoding", b"user-agent"),
        *(b"http-referer", b"referer", b"x-title", b"x-session-id", b"idempotency-key"),
        *(b"x-request-id", b"traceparent", b"tracestate", b"anthropic-version", b"anthropic-beta"),
        *(b"x-anthropic-beta", b"openai-organization", b"x-stainless-lang", b"x-openrouter-title"),
        *(b"x-openrouter-cache", b"X-OpenRouter-Categories", b"authorization", b"x-api-key"),
    ],
)
def test_what_openrouter_and_the_sdks_use_goes_upstream(name: bytes) -> None:
    assert sent((name, b"value"))[name.lower()] == b"value"


@pytest.mark.parametrize(
    "name",
    [
        *(b"host", b"content-length", b"cookie", b"origin", b"x-forwarded-for", b"forwarded"),
        *(b"x-real-ip", b"via", b"baggage", b"x-pointsman-dry-run", b"x-pointsman-caller"),
        *(b"sec-fetch-site", b"expect", b"x-upstream", b"api-key", b"proxy-authorization"),
        *(b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"Cookie", b"X-Authorization", b"x-openrouter-provider", b"x-openrouter-fusion-depth"),
    ],
)
def test_t33_all_else_stays_here(name: bytes) -> None:
    assert sent((name, b"value")) == {b"accept-encoding": b"identity"}


def test_t33_a_header_that_connection_names_stays_here() -> None:
    assert sent(
        (b"Connection", b"close, X-Title"),
        (b"connection", b" x-openrouter-title ,,"),
        (b"x-title", b"hop"),
        (b"x-openrouter-title", b"hop"),
        (b"accept", b"*/*"),
    ) == {b"accept": b"*/*", b"accept-encoding": b"identity"}


def test_t33_our_key_stands_in_for_every_credential_of_the_callers() -> None:
    headers = sent((b"Authorization", CALLER_KEY), (b"x-api-key", CALLER_KEY), key=KEY)
    assert headers == {
        b"accept-encoding": b"identity",
        b"authorization": b"Bearer sk-or-v1-operator-canary",
    }


def test_without_a_key_of_ours_the_callers_own_goes_on() -> None:
    assert sent((b"authorization", CALLER_KEY))[b"authorization"] == CALLER_KEY
    assert sent((b"x-api-key", CALLER_KEY))[b"x-api-key"] == CALLER_KEY


def test_a_caller_cannot_have_our_key_left_out() -> None:
    """Naming a header in Connection removes the caller's, never ours."""
    asked = (b"connection", b"authorization, accept-encoding, x-openrouter-metadata")
    headers = sent(asked, key=KEY, router_metadata=True)
    assert headers == {
        b"accept-encoding": b"identity",
        b"authorization": b"Bearer sk-or-v1-operator-canary",
        b"x-openrouter-metadata": b"enabled",
    }


@pytest.mark.parametrize("asked", [b"gzip, br, zstd", b"*"])
def test_t29_only_uncompressed_answers_are_asked_for(asked: bytes) -> None:
    assert sent((b"accept-encoding", asked)) == {b"accept-encoding": b"identity"}


def test_router_metadata_is_asked_for_whatever_the_caller_wishes() -> None:
    wishes = [(b"X-OpenRouter-Metadata", b"disabled"), (b"X-OpenRouter-Experimental-Metadata", b"")]
    assert sent(*wishes, router_metadata=True) == {
        b"accept-encoding": b"identity",
        b"x-openrouter-metadata": b"enabled",
    }
    assert sent(wishes[0])[b"x-openrouter-metadata"] == b"disabled"


def test_doubles_and_their_order_are_kept() -> None:
    raw = [(b"anthropic-beta", b"a"), (b"accept", b"x"), (b"anthropic-beta", b"b")]
    assert to_upstream(raw, key=None, router_metadata=False)[:3] == raw


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=5))))
def test_t33_no_header_crosses_by_its_strangeness(raw: list[Header]) -> None:
    allowed = ("accept", "authorization", "content-", "http-referer", "openai-", "x-", "anthropic-")
    for name, _ in to_upstream(raw, key=None, router_metadata=False):
        assert name.decode("latin-1").startswith(
            (*allowed, "idempotency-key", "referer", "trace", "user-agent")
        )


# --- what settings add, and rules remove ------------------------------------------------------

ADDED = names_of(("X-Team", "x-exp-*", "x-p*"))


def forwarded(
    *names: bytes, also: HeaderNames = NO_NAMES, removed: HeaderNames = NO_NAMES
) -> list[bytes]:
    raw = [(name, b"v") for name in names]
    sent = to_upstream(raw, key=None, router_metadata=False, also=also, removed=removed)
    return [name for name, _ in sent if name != b"accept-encoding"]


def test_settings_add_names_and_prefixes() -> None:
    names = (b"x-team", b"X-TEAM", b"x-exp-a", b"x-exp", b"x-teams", b"x-title")
    assert forwarded(*names, also=ADDED) == [b"x-team", b"x-team", b"x-exp-a", b"x-title"]
    assert forwarded(*names) == [b"x-title"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            b"x-pointsman-dry-run",
            b"x-provider-flags",
            b"x-password",
            b"x-exp-token",
            b"x-exp-auth",
        ),
        *(b"cookie", b"host", b"content-length", b"x-exp-" + b"a" * 300),
    ],
)
def test_t33_a_prefix_never_adds_what_may_not_be_forwarded(name: bytes) -> None:
    assert forwarded(name, also=ADDED) == []


def test_a_header_that_connection_names_stays_here_although_it_was_added() -> None:
    raw = [(b"connection", b"X-Team"), (b"x-team", b"1"), (b"x-exp-a", b"2")]
    sent = to_upstream(raw, key=None, router_metadata=False, also=ADDED)
    assert sent[:-1] == [(b"x-exp-a", b"2")]


def test_a_rule_removes_what_would_be_forwarded_and_nothing_that_is_ours() -> None:
    removed = names_of(("X-Stainless-*", "x-team", "x-openrouter-metadata"))
    names = (b"X-Stainless-OS", b"x-team", b"x-exp-a", b"x-title")
    assert forwarded(*names, also=ADDED, removed=removed) == [b"x-exp-a", b"x-title"]
    sent = to_upstream(
        [(b"x-openrouter-metadata", b"off")], key=KEY, router_metadata=True, removed=removed
    )
    assert dict(sent)[b"x-openrouter-metadata"] == b"enabled"


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=5))))
def test_settings_never_forward_less_and_rules_never_more(raw: list[Header]) -> None:
    ask = partial(to_upstream, raw, key=None, router_metadata=False)
    assert set(ask(removed=names_of(("x-*",)))) <= set(ask()) <= set(ask(also=ADDED))


# --- towards the caller -----------------------------------------------------------------------


def test_what_upstream_says_reaches_the_caller_as_it_was() -> None:
    raw = [
        (b"content-type", b"application/json"),
        (b"content-length", b"7"),
        (b"x-generation-id", b"gen-1"),
        (b"retry-after", b"3"),
        (b"x-ratelimit-remaining", b"0"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    assert to_caller(raw, 200) == raw


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_t27_t28_a_raw_body_keeps_its_label_and_length(coding: bytes) -> None:
    raw = [(b"content-encoding", coding), (b"content-length", b"99")]
    assert to_caller(raw, 200) == raw


@pytest.mark.parametrize(
    "name",
    [
        *(b"Access-Control-Allow-Origin", b"access-control-expose-headers", b"alt-svc"),
        *(b"connection", b"Keep-Alive", b"transfer-encoding", b"trailer", b"upgrade", b"te"),
        *(b"proxy-authenticate", b"proxy-connection", b"X-Pointsman-Receipt"),
    ],
)
def test_t40_what_speaks_for_another_connection_or_origin_stays_here(name: bytes) -> None:
    assert to_caller([(name, b"*")], 200) == []


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_can_have_no_body_has_no_length(status: int) -> None:
    raw = [(b"content-length", b"9"), (b"x-a", b"1")]
    assert to_caller(raw, status) == [(b"x-a", b"1")]
    assert to_caller(raw, 200) == raw


def test_a_header_with_a_name_without_end_crosses_neither_way() -> None:
    """Names are remembered, and a thousand of these would be a hundred megabytes."""
    long, short = b"x-stainless-" + b"a" * 90_000, b"x-stainless-" + b"a" * 80
    raw = [(long, b"1"), (short, b"2")]
    assert to_caller(raw, 200) == [(short, b"2")]
    assert to_upstream(raw, key=None, router_metadata=False)[:1] == [(short, b"2")]


def test_t33_a_header_that_upstreams_connection_names_stays_here() -> None:
    assert to_caller([(b"connection", b"X-Hop"), (b"x-hop", b"1"), (b"x-end", b"2")], 200) == [
        (b"x-end", b"2")
    ]


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"])
def test_t02_a_stream_is_marked_as_not_to_be_buffered(kind: bytes) -> None:
    assert to_caller([(b"content-type", kind)], 200) == [
        (b"content-type", kind),
        (b"x-accel-buffering", b"no"),
        (b"cache-control", b"no-cache, no-transform"),
    ]


def test_t02_upstreams_own_word_on_buffering_and_caching_stands() -> None:
    raw = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"yes"),
    ]
    assert to_caller(raw, 200) == raw


def test_the_recorded_headers_of_a_stream_lose_only_what_is_not_the_callers() -> None:
    recordings = recorded_json("sse/requests_and_headers.json")["recordings"]
    headers = recordings["responses_gpt4o_2026-08-04.sse"]["response_headers"]
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    names = [name for name, _ in to_caller(raw, 200)]
    assert names == [
        b"cache-control",
        b"content-type",
        b"date",
        b"server",
        b"x-content-type-options",
        b"x-generation-id",
        b"x-accel-buffering",
    ]


def test_a_trace_of_ours_stands_in_for_the_callers_whole() -> None:
    asked = [(b"traceparent", b"theirs"), (b"tracestate", b"a=1"), (b"TraceState", b"b=2")]
    assert to_upstream(asked, key=None, router_metadata=False)[:2] == asked[:2]
    ours = [(b"traceparent", b"ours")]
    sent_on = to_upstream(asked, key=None, router_metadata=False, trace=ours)
    assert sent_on == [(b"accept-encoding", b"identity"), *ours]


def test_a_body_whose_compression_was_undone_is_not_called_compressed() -> None:
    came = [(b"content-encoding", b"gzip"), (b"content-type", b"application/json")]
    for decoded in (True, False):
        sent = to_upstream(came, key=None, router_metadata=False, decoded=decoded)
        assert ((b"content-encoding", b"gzip") in sent) != decoded


def test_credentials_are_kept_of_all_headers_and_never_shown() -> None:
    kept = Credentials(
        [(b"authorization", CALLER_KEY), (b"accept", b"*/*"), (b"x-api-key", b"pk-two")]
    )
    assert kept.headers == ((b"authorization", CALLER_KEY), (b"x-api-key", b"pk-two"))
    assert kept.size == len(CALLER_KEY) + len(b"pk-two")
    assert repr(kept) == "Credentials(2)"
