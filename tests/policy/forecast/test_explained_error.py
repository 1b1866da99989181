"""A routing 404 gains a paragraph; of everything else not a byte is changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.apply import apply
from app.policy.file.parse import read_book
from app.policy.forecast.explained_error import explained, explanation
from app.policy.forecast.forecast import asked_by, forecasts
from app.policy.forecast.routing_refusal import read_refusal
from app.policy.request import read_request
from app.policy_folder import shipped_policies

FIXTURES = Path(__file__).parent.parent.parent / "fixtures/openrouter/errors/error_bodies.json"
BODIES: list[dict[str, Any]] = json.loads(FIXTURES.read_text(encoding="utf-8"))

# The 404s that are about routing; a model that has gone is none of a policy's doing.
ROUTING = {case["id"] for case in BODIES if case["http_status"] == 404} - {
    "docs-availability-model_deprecated"
}
POLICY = """\
version: 1
rules:
  - name: r
    models: ["acme/*"]
    quantization_floor: fp8
    max_price: {prompt: 1}
    only: [novita, groq, deepinfra]
"""


def row(tag: str, quantization: str, price: str = "0.0000005") -> dict[str, Any]:
    prices = {"prompt": price, "completion": price}
    named = {"tag": tag, "provider_name": tag.partition("/")[0].title()}
    return {**named, "quantization": quantization, "pricing": prices}


EMPTIED = [
    row("novita/fp4", "fp4"),
    row("groq", "fp8", "0.000002"),
    row("chutes/fp8", "fp8"),
]


def told(
    body: bytes,
    rows: list[dict[str, Any]] | None,
    *,
    policy: str = POLICY,
    **asked: Any,
) -> bytes:
    """The body as it would be passed on; `asked` are fields of the request."""
    book = read_book({"p.yaml": policy})
    fields = {"model": "acme/sim-1", "provider": {"zdr": True}, **asked}
    request = read_request(json.dumps(fields).encode())
    catalog: Catalog = EMPTY if rows is None else EMPTY.with_listing(fields["model"], rows, 0.0)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    sent = apply(request, route).preferences
    refusal = read_refusal(body)
    if refusal is None:
        return body
    found = forecasts(request, route, sent, catalog, ladder=book.ladder, emptied=refusal.filters)
    asked_for = asked_by(request, route, sent)
    return explained(refusal, explanation(refusal, asked_for, tuple(found)))


def spoken(body: bytes, rows: list[dict[str, Any]] | None, **how: Any) -> str:
    message: str = json.loads(told(body, rows, **how))["error"]["message"]
    return message.split("\n\n", 1)[1]


def refused(message: str, step: str | None = None, *rows: tuple[str, int]) -> bytes:
    """A 404 that names its step and its counts, as far as they are given."""
    funnel = [{"step": name, "endpoint_count": count} for name, count in rows]
    metadata = {"routing_funnel": funnel, "failed_routing_step": step} if step else {}
    error = {"code": 404, "message": message, "metadata": metadata}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    "case", [case for case in BODIES if case["http_status"] == 404], ids=lambda case: case["id"]
)
def test_t13_upstreams_own_words_stay_the_first_paragraph(case: dict[str, Any]) -> None:
    body = json.dumps(case["body"]).encode()
    longer = told(body, EMPTIED)
    if case["id"] not in ROUTING:
        assert longer is body
        return
    before, after = json.loads(body), json.loads(longer)
    first, second = after["error"].pop("message").split("\n\n", 1)
    assert first == before["error"].pop("message")
    assert second.startswith("Pointsman: ")
    assert after == before


NOT_FOUND = (
    b'{"error": {"code": 404, "message":"No endpoints found for x.", "n": 1.0}, "user_id":"u"}'
)


def test_all_other_bytes_stay() -> None:
    start, end = b'{"error": {"code": 404, "message":', b', "n": 1.0}, "user_id":"u"}'
    longer = told(NOT_FOUND, EMPTIED)
    assert longer.startswith(start)
    assert longer.endswith(end)


def test_it_says_which_line_removed_whom_and_the_way_out() -> None:
    text = spoken(NOT_FOUND, EMPTIED)
    assert (
        "Pointsman: Listed endpoints of acme/sim-1: 3 -> only 2 -> fp8+ 1 -> zdr 1? -> "
        'max_price 0. rule "r" (p.yaml:7) removed chutes/fp8. rule "r" (p.yaml:5) removed' in text
    )
    assert 'rule "r" (p.yaml:7) removed chutes/fp8.' in text
    assert 'rule "r" (p.yaml:5) removed novita/fp4.' in text
    assert 'rule "r" (p.yaml:6) removed groq.' in text
    assert "Smallest change: " in text


def test_many_removed_endpoints_are_counted() -> None:
    rows = [row(f"host{number}/fp8", "fp8") for number in range(20)]
    assert "and 14 more." in spoken(NOT_FOUND, rows)


def test_without_a_listing_it_names_the_lines_that_asked() -> None:
    text = spoken(NOT_FOUND, None)
    assert 'rule "r" (p.yaml:' in text
    assert "only: [novita,groq,deepinfra]" in text
    assert "quantization_floor: fp8" in text
    assert (
        'Pointsman: rule "r" (p.yaml:7, 5, 6) requires only: [novita,groq,deepinfra], '
        "quantization_floor: fp8, max_price.prompt: 1 and the request itself requires "
        "provider.zdr:" in text
    )
    assert (
        'Pointsman: rule "r" (p.yaml:7, 5, 6) requires only: [novita,groq,deepinfra], '
        "quantization_floor: fp8, max_price.prompt: 1 and the request itself requires "
        "provider.zdr:" in text
    )


def test_where_an_endpoint_should_be_left_and_no_step_is_named_it_points_at_the_account() -> None:
    text = spoken(NOT_FOUND, [row("novita/fp8", "fp8")])
    assert "novita/fp8 should be left" in text
    assert "account's own settings" in text


def test_t52_what_the_request_asked_is_the_request_itself() -> None:
    policy = rule("sort: price")
    text = spoken(NOT_FOUND, EMPTIED, policy=policy, provider={"only": ["provider not named"]})
    assert "the request itself removed novita/fp4, groq, chutes/fp8." in text
    assert "Smallest change: provider.only in the request: " in text


def test_rows_for_those_who_name_them_are_nothings_doing() -> None:
    text = spoken(NOT_FOUND, [row("novita/priority", "fp8")])
    assert (
        "Pointsman: Listed endpoints of acme/sim-1: 1 -> service_tier 0. Only requests that "
        "name their tag use novita/priority. Smallest change: only: add novita/priority (allows"
        in text
    )


# --- the step that upstream names -------------------------------------------------------------

PASSES = [row("novita/fp8", "fp8"), row("deepinfra/bf16", "bf16")]
SETTINGS = "account's own settings"
ASKS = "the request itself requires"


def rule(wishes: str) -> str:
    return f"version: 1\nrules:\n  - name: r\n    models: ['*']\n    {wishes}\n"


STEPS: list[tuple[str, str, str, dict[str, Any], str]] = [
    # the step, what the rule and the request say, and what is told of it
    ("Filter by Quantization", "No endpoints found", "quantization_floor: fp8", {},
     'rule "r" (p.yaml:5) requires quantization_floor: fp8'),
    ("Filter by Quantization", "No endpoints found", "quantization_floor: fp8",
     {"quantizations": ["bf16"]}, "the request itself requires provider.quantizations: [bf16]"),
    ("Filter by Max Price", "No endpoints found", "max_price: {prompt: 1}",
     {"max_price": {"prompt": 2}}, 'rule "r" (p.yaml:5) requires max_price.prompt: 1'),
    ("Filter by Allowed Providers", "No allowed", "only: [a, b]", {"only": ["b", "c"]},
     'rule "r" (p.yaml:5) requires only: [a,b] and the request itself requires provider.only: [b]'),
    ("Filter by Ignored Providers", "No endpoints", "ignore: [a]", {},
     'rule "r" (p.yaml:5) requires ignore: [a]'),
    ("Filter by Parameters", "No endpoints", "require_parameters: true", {},
     'rule "r" (p.yaml:5) requires require_parameters: true'),
    ("Filter by Fallback", "No endpoints", "order: [a]", {"allow_fallbacks": False},
     f'rule "r" (p.yaml:5) requires order: [a] and {ASKS} provider.allow_fallbacks: false'),
    ("Filter by Data Policy", "your data policy (Zero data retention)", "zdr: true", {},
     'rule "r" (p.yaml:5) requires zdr: true'),
    ("Filter by Data Policy", "your data policy (Paid model training)", "data_collection: deny",
     {"zdr": True}, 'rule "r" (p.yaml:5) requires data_collection: deny'),
    ("Filter by Data Policy", "your data policy", "data_collection: deny", {"zdr": True},
     f'rule "r" (p.yaml:5) requires data_collection: deny and {ASKS} provider.zdr: true'),
    ("Filter by Data Policy", "your data policy (Distillable text)",
     "enforce_distillable_text: true", {},
     'rule "r" (p.yaml:5) requires enforce_distillable_text: true'),
]  # fmt: skip


@pytest.mark.parametrize(("step", "message", "ours", "theirs", "expected"), STEPS)
@pytest.mark.parametrize("listed", [EMPTIED, PASSES, None])
def test_t53_a_step_that_goes_by_what_was_sent_is_never_the_accounts(
    *,
    step: str,
    message: str,
    ours: str,
    theirs: dict[str, Any],
    expected: str,
    listed: list[dict[str, Any]] | None,
) -> None:
    body = refused(f"No endpoints found: {message}", step)
    text = spoken(body, listed, policy=rule(ours), provider=theirs)
    assert text.startswith(f'Pointsman: OpenRouter\'s step "{step}" left no endpoint: {expected}. ')
    assert SETTINGS not in text


@pytest.mark.parametrize(
    ("step", "message", "ours"),
    [
        ("Filter by Guardrails", "0 endpoints out of 1", "only: [novita]"),
        ("Filter by Guardrails", "0 endpoints out of 1", "zdr: true"),
        ("Filter by Allowed Providers", "No allowed providers", "zdr: true"),
        ("Filter by Data Policy", "your data policy (Paid model training)", "sort: price"),
        (
            "Filter by Data Policy",
            "your data policy (Zero data retention)",
            "data_collection: deny",
        ),
        ("Filter by Data Policy", "your data policy", "quantization_floor: fp8"),
        ("Add BYOK Endpoints", "No endpoints found", "only: [novita]"),
    ],
)
@pytest.mark.parametrize("listed", [EMPTIED, PASSES, None])
def test_t53_a_step_that_goes_by_nothing_sent_is_the_accounts(
    step: str, message: str, ours: str, listed: list[dict[str, Any]] | None
) -> None:
    body = refused(f"No endpoints found: {message}", step)
    text = spoken(body, listed, policy=rule(ours), provider=None)
    assert text.startswith(
        f'Pointsman: OpenRouter\'s step "{step}" left no endpoint. Neither the policy nor the '
        f"request requires that, so the cause is the {SETTINGS} at OpenRouter"
    )
    assert text.count(SETTINGS) == 1


def test_t53_the_shipped_policy_and_a_free_model_are_told_both_clauses_upstreams_first() -> None:
    """The floor alone is what the listing shows; done as that says, the answer is a 404 still."""
    body = refused(
        "No endpoints found matching your data policy (Paid model training). Configure: ...",
        "Filter by Data Policy",
        ("Initial Endpoints", 1),
    )
    policy = (shipped_policies() / "default.yaml").read_text(encoding="utf-8")
    text = spoken(body, [row("chutes", "unknown")], policy=policy, provider=None)
    assert text == (
        'Pointsman: OpenRouter\'s step "Filter by Data Policy" left no endpoint: rule "careful" '
        "(p.yaml:16) requires data_collection: deny. OpenRouter counted 1 -> Filter by Data Policy "
        '0. Listed endpoints of acme/sim-1: 1 -> fp8+ 0. rule "careful" (p.yaml:13) removed '
        "chutes. "
        "Smallest change: data_collection: deny -> allow and "
        "unknown_quantization: auto -> allow (allows chutes)."
    )


def test_t52_the_shipped_policy_and_a_list_of_the_requests_own() -> None:
    policy = (shipped_policies() / "default.yaml").read_text(encoding="utf-8")
    body = refused("No endpoints found for the request with quantization: fp8,bf16,fp16.")
    text = spoken(
        body,
        [row("anthropic", "unknown")],
        policy=policy,
        model="anthropic/claude-sonnet-4.6",
        provider={"quantizations": ["fp8", "bf16", "fp16"]},
    )
    assert "careful" not in text
    assert "the request itself removed anthropic." in text
    assert text.endswith(
        "Smallest change: provider.quantizations in the request: add unknown "
        "(or remove it) (allows anthropic)."
    )


def test_t53_what_the_request_needs_is_the_requests_or_that_of_the_clause_that_sets_it() -> None:
    body = refused("No endpoints found that support tool use.", "Filter by Tool Compatibility")
    assert "left no endpoint: the request itself needs it." in spoken(body, EMPTIED)
    text = spoken(body, EMPTIED, policy=rule("set: {tools: [{type: function}]}"))
    assert 'left no endpoint: rule "r" (p.yaml:5) has set.tools.' in text
    body = refused("No endpoints found that can handle the", "Filter by Parameters")
    assert "left no endpoint: the request itself needs it." in spoken(body, EMPTIED)


def test_t53_a_step_that_is_not_known_is_named_and_no_more() -> None:
    text = spoken(refused("No endpoints found", "Filter by Moon Phase"), PASSES)
    assert text.startswith(
        'Pointsman: OpenRouter\'s step "Filter by Moon Phase" left no endpoint. Listed '
        "endpoints of acme/sim-1: 2 -> zdr 2?. According to the listing, "
        "deepinfra/bf16, novita/fp8"
    )
    assert (
        'Pointsman: OpenRouter\'s step "Filter by Moon Phase" left no endpoint. Listed '
        "endpoints of acme/sim-1: 2 -> zdr 2?. According to the listing, "
        "deepinfra/bf16, novita/fp8" in text
    )


def test_t53_where_the_listing_disagrees_with_a_step_that_was_sent_it_may_be_older() -> None:
    body = refused("No endpoints found", "Filter by Max Price")
    text = spoken(body, [row("novita/fp8", "fp8", "0.000001")])
    assert (
        "According to the listing, novita/fp8 should be left; the listing may be older than "
        "the data that OpenRouter used. OpenRouter has refused a cap that equals a list "
        "price; write slightly more."
    ) in text
    assert "write slightly more" not in spoken(body, PASSES)


def test_t53_of_several_models_it_is_said_that_no_listing_shows_it() -> None:
    body = refused("No endpoints found matching your data policy", "Filter by Data Policy")
    text = spoken(body, PASSES, models=["acme/sim-2"])
    assert (
        'Pointsman: OpenRouter\'s step "Filter by Data Policy" left no endpoint: the '
        "request itself requires provider.zdr: true. Listed endpoints of acme/sim-1: 2 "
        "-> zdr 2?." in text
    )


def test_t53_upstreams_counts_are_told_and_what_of_them_no_listing_shows() -> None:
    body = refused(
        "No endpoints found",
        "Filter by Max Price",
        ("Initial Endpoints", 15),
        ("Filter by Guardrails", 14),
        ("Filter by Data Policy", 12),
    )
    assert (
        "OpenRouter counted 15 -> Filter by Guardrails 14 -> Filter by Data Policy 12 -> "
        'Filter by Max Price 0. OpenRouter\'s step "Filter by Guardrails" removed 1 of '
        "them; no listing "
        'shows which. OpenRouter\'s step "Filter by Data Policy" removed 2 of them; no '
        "listing shows which."
    ) in spoken(body, EMPTIED)
    counted = refused("No endpoints found", None)
    assert "counted" not in spoken(counted, EMPTIED)


def test_long_values_are_cut() -> None:
    body = refused("No allowed providers", "Filter by Allowed Providers")
    text = spoken(body, EMPTIED, policy=rule("sort: price"), provider={"only": ["x" * 500]})
    assert f"provider.only: [{'x' * 79}...." in text


def test_t53_every_recorded_404_is_explained_by_its_own_step() -> None:
    """Of each recorded refusal, what it named; the request here asks for zdr, the rule for more."""
    told_of = {
        case["id"]: spoken(json.dumps(case["body"]).encode(), EMPTIED).split("left no endpoint")
        for case in BODIES
        if case["id"] in ROUTING
    }
    named = {name: text[0].removeprefix("Pointsman: ").strip() for name, text in told_of.items()}
    steps = {
        name: text.split('"')[1] for name, text in named.items() if "OpenRouter's step" in text
    }
    assert steps == {
        "only-no-match-feb2026": "Filter by Allowed Providers",
        "only-no-match-aug2026": "Filter by Allowed Providers",
        "fallback-off-unknown-order-deepseek": "Filter by Fallback",
        "fallback-off-tools-glm": "Filter by Fallback",
        "byok-step-zero": "Add BYOK Endpoints",
        "guardrail-zdr": "Filter by Guardrails",
        "data-policy-zdr": "Filter by Data Policy",
        "require-parameters": "Filter by Parameters",
        "max-price": "Filter by Max Price",
        "quantization-short": "Filter by Quantization",
        "quantization-with-router-metadata": "Filter by Quantization",
        "image-input": "Filter by Image Support",
        "tool-use": "Filter by Tool Compatibility",
        "manual-order-2025": "Filter by Fallback",
        "docs-availability-privacy_restricted": "Filter by Data Policy",
    }
    assert {name for name, text in told_of.items() if SETTINGS in text[1]} == {
        "byok-step-zero",
        "guardrail-zdr",
        "fallback-off-unknown-order-deepseek",
        "fallback-off-tools-glm",
        "manual-order-2025",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>not found</html>",
        b'{"error": "no"}',
        b'{"error": {"message": 7}}',
        b'{"error": {"code": 404}}',
        b'{"detail": {}}',
        b'{"error": {"message": "no such page", "metadata": []}}',
        b'{"error": {"message": "no such page", "metadata": "\\ud800"}}',
        b'{"error": {"message": "no such page", "metadata": "\xf7"}}',
        b'{"error": {"message": "no such page", "metadata": 1e999}}',
        b'{"error": {"message": "no such page", "metadata": {"a": "\xf7"}}}',
    ],
)
def test_what_is_no_routing_error_is_the_very_body(body: bytes) -> None:
    assert told(body, EMPTIED) is body
