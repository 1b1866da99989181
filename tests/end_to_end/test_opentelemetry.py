"""Spans and measurements, as a collector on a real socket gets them."""

import logging
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest

from app.errors import SettingsError
from app.main import create_app
from app.settings import Settings
from tests.conftest import Proxy, StartProxy
from tests.otlp_receiver import Collector, attributes, collecting
from tests.scripted_upstream import Reset, ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ANSWER = (
    b'{"id":"gen-1","model":"acme/sim-1-2026","provider":"Novita",'
    b'"choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":{"prompt_tokens":12,"completion_tokens":5,'
    b'"cost":0.25,"prompt_tokens_details":{"cached_tokens":8}}}'
)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the environment names, with little patience between batches."""
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
        yield collector


@pytest.fixture
def traced(collector: Collector, start_proxy: StartProxy, openrouter: ScriptedUpstream) -> Proxy:
    """Pointsman that tells the collector."""
    assert collector.url
    openrouter.plays(reply(ANSWER))
    return start_proxy(
        "version: 1\nrules:\n  - {name: r, models: ['acme/*'], ignore: [deepinfra]}\n",
        upstream_url=openrouter.url,
        otel=True,
    )


async def test_a_request_is_one_span_in_the_words_of_the_conventions(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    before = time.time_ns()
    answer = await traced.client.post(traced.url + CHAT, json=ASK)
    collector.wait(lambda it: it.spans)
    (span,) = collector.spans
    said = attributes(span.attributes)
    assert (span.name, span.kind, span.parent_span_id) == (
        "chat acme/sim-1",
        span.SPAN_KIND_CLIENT,
        b"",
    )
    assert before <= span.start_time_unix_nano <= span.end_time_unix_nano <= time.time_ns()
    assert (
        said.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openrouter",
            "gen_ai.request.model": "acme/sim-1",
            "gen_ai.response.model": "acme/sim-1-2026",
            "gen_ai.response.id": "gen-1",
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read.input_tokens": 8,
            "server.address": "127.0.0.1",
            "server.port": int(openrouter.url.split(":")[2].split("/")[0]),
            "http.response.status_code": 200,
            "pointsman.receipt": answer.headers["x-pointsman-receipt"],
            "pointsman.provider": "novita",
            "pointsman.verdict": "kept",
            "pointsman.cost_usd": 0.25,
        }.items()
    )
    assert said["gen_ai.response.finish_reasons"] == ["stop"]
    assert said["pointsman.rules"] == ["r"]
    assert "error.type" not in said
    assert span.status.code == span.status.STATUS_CODE_UNSET
    assert collector.resource["service.name"] == "pointsman"


async def test_the_callers_span_is_the_parent_and_ours_is_upstreams(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
    await traced.client.post(traced.url + CHAT, json=ASK, headers=headers)
    collector.wait(lambda it: it.spans)
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert span.trace_state == "vendor=1"
    sent = openrouter.only_request
    assert sent.header("traceparent") == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert sent.header("tracestate") == "vendor=1"


async def test_without_a_parent_a_trace_begins_here_and_goes_on_upstream(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    headers = {"traceparent": "nonsense", "tracestate": "vendor=1"}
    await traced.client.post(traced.url + CHAT, json=ASK, headers=headers)
    collector.wait(lambda it: it.spans)
    (span,) = collector.spans
    sent = openrouter.only_request
    assert sent.header("traceparent") == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-03"
    assert sent.header("tracestate") is None


async def test_what_the_caller_does_not_keep_is_not_kept_here(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    dropped = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    await traced.client.post(traced.url + CHAT, json=ASK, headers=dropped)
    await traced.client.post(traced.url + CHAT, json=ASK)
    collector.wait(lambda it: it.spans)
    (span,) = collector.spans
    assert span.trace_id.hex() != TRACE
    passed_on = openrouter.requests[0].header("traceparent") or ""
    assert passed_on.startswith(f"00-{TRACE}-")
    assert passed_on.endswith("-00")


async def test_a_post_that_passes_through_has_a_span_and_a_reading_one_leaves_the_trace_alone(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    given = f"00-{TRACE}-{SPAN}-01"
    for method in ("POST", "GET"):
        await traced.client.request(
            method, f"{traced.url}/v1/files", json={}, headers={"traceparent": given}
        )
    collector.wait(lambda it: it.spans)
    (span,) = collector.spans
    assert (span.name, span.parent_span_id.hex()) == ("passthrough", SPAN)
    posted, read = (request.header("traceparent") for request in openrouter.requests)
    assert (posted, read) == (f"00-{TRACE}-{span.span_id.hex()}-01", given)


async def test_failures_are_told_by_a_word_and_a_refusal_goes_nowhere(
    traced: Proxy, collector: Collector, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(
        reply(b'{"error":{"message":"canary-error","code":429}}', status=429),
        sse(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', Reset, end=False),
    )
    refused = {**ASK, "provider": {"only": ["deepinfra"]}}
    await traced.client.post(traced.url + CHAT, json=ASK)
    with pytest.raises(httpx2.RemoteProtocolError):
        await traced.client.post(traced.url + CHAT, json={**ASK, "stream": True})
    await traced.client.post(traced.url + CHAT, json=refused)
    collector.wait(lambda it: len(it.spans) == 3)
    told = [(span.status.code, span.status.message) for span in collector.spans]
    error = collector.spans[0].status.STATUS_CODE_ERROR
    assert told == [(error, "429"), (error, "upstream_cut"), (error, "policy_conflict")]
    assert [attributes(span.attributes)["error.type"] for span in collector.spans] == [
        message for _, message in told
    ]
    assert not [body for body in collector.raw if b"canary-error" in body]
    assert len(openrouter.requests) == 2


async def test_measurements_are_those_of_the_conventions(
    traced: Proxy, collector: Collector
) -> None:
    await traced.client.post(traced.url + CHAT, json=ASK)
    await traced.client.post(traced.url + CHAT, json={**ASK, "model": "nobody/heard-of-it"})
    collector.wait(
        lambda it: sum(at.count for at in it.histograms.get("gen_ai.client.token.usage", ())) == 4
    )
    duration = collector.histograms["gen_ai.client.operation.duration"]
    assert sum(point.count for point in duration) == 2
    assert tuple(duration[0].explicit_bounds)[:3] == (0.01, 0.02, 0.04)
    tokens = [
        (attributes(point.attributes)["gen_ai.token.type"], point.sum)
        for point in collector.histograms["gen_ai.client.token.usage"]
    ]
    assert sorted(tokens) == [("input", 24), ("output", 10)]
    models = {attributes(point.attributes)["gen_ai.request.model"] for point in duration}
    assert models == {"other"}  # upstream's catalog lists neither


async def test_a_collector_in_trouble_costs_no_request_anything(
    traced: Proxy, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL + 1, logger="opentelemetry")
    collector.status = 503
    for _ in range(3):
        answer = await traced.client.post(traced.url + CHAT, json=ASK)
        assert answer.status_code == 200
    assert len(await traced.receipts(3)) == 3
    collector.status = 200


async def test_without_opentelemetry_the_callers_trace_goes_on_as_it_came(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(ANSWER))
    headers = {"traceparent": "not even well-formed", "tracestate": "vendor=1"}
    await proxy.client.post(proxy.url + CHAT, json=ASK, headers=headers)
    sent = openrouter.only_request
    assert sent.header("traceparent") == "not even well-formed"
    assert sent.header("tracestate") == "vendor=1"


def test_the_operators_own_name_for_the_service_is_kept(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, start_proxy: StartProxy
) -> None:
    del collector, start_proxy
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway")
    from app.telemetry.tracing import resource  # noqa: PLC0415 - an extra

    assert resource("0.1.0").attributes["service.name"] == "gateway"


def test_a_missing_extra_is_a_start_up_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "app.telemetry.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"pip install 'pointsman\[otel\]'"):
        create_app(Settings.read(otel=True))
