"""The table of ways by which a request can name a model, a host or a stored configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.errors import PolicyRefused
from app.policy.channels import CHANNELS, KNOWN_FIELDS, doubts, told
from app.policy.file.rule_checks import REQUEST_FIELDS
from app.policy.refuse import refuse
from app.policy.request import read_request
from app.policy.routed import Routed, routed
from app.policy.terms import terms_of
from app.policy.verdict.judge import Served, judge
from tests.policy.listings import MODEL, NOW, listed, row
from tests.policy.sending import book_of

DOCS = Path(__file__).parents[2] / "docs" / "channels.md"


NESTED: list[dict[str, Any]] = []  # deeper than anything is looked at
for _ in range(60):
    NESTED = [{"type": "namespace", "tools": NESTED}]


def of(rule: dict[str, Any] | None = None, **fields: Any) -> Routed:
    request = read_request(json.dumps({"model": "a/b", **fields}).encode())
    book = book_of(rule) if rule else book_of()
    return routed(book, request, caller=None, user_agent="", catalog=EMPTY)


def test_the_docs_have_the_table_row_by_row() -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split(" | "))
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith(("| Channel", "|--"))
    ]
    assert rows == [(each.name, each.handling, each.how) for each in CHANNELS]


def test_every_field_that_policies_speak_of_is_known() -> None:
    assert REQUEST_FIELDS <= KNOWN_FIELDS


@pytest.mark.parametrize(
    ("fields", "carriers"),
    [
        ({"temperature": 1, "messages": []}, []),
        ({"zzz_new": 1, "aaa_new": None}, ["the field aaa_new", "the field zzz_new"]),
        ({"prompt": "text"}, []),
        ({"prompt": {"id": "pmpt_1"}}, ["prompt"]),
        ({"previous_job_id": "j"}, ["previous_job_id"]),
        ({"previous_job_id": None}, []),
        ({"requests": [{"body": {"messages": [{"content": 'say "tools"'}]}}]}, []),
        (
            {"requests": [{"body": {"tools": [], "provider": {}}}]},
            ["requests[].body.tools", "requests[].body.provider"],
        ),
        ({"requests": "x" * 8_000_001}, ["requests"]),
        ({"tools": [{"type": "openrouter:advisor"}]}, ["tools.openrouter:advisor"]),
        ({"tools": [{"type": "brand_new"}]}, ["tools.brand_new"]),
        ({"plugins": [{"id": "brand-new"}]}, ["plugins.brand-new"]),
        ({"plugins": [{"id": "armor"}]}, ["plugins.armor"]),
        ({"tools": [{"type": 5}]}, ["tools"]),
        ({"tools": [{"type": ["function"]}]}, ["tools"]),
        ({"tools": [{"type": "namespace", "tools": [{"type": "function"}, {}]}]}, []),
        (
            {"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]},
            ["tools.namespace"],
        ),
        ({"tools": [{"type": "namespace", "tools": [{"type": 5}]}]}, ["tools.namespace"]),
        ({"tools": NESTED}, ["tools.namespace"]),
        ({"deferred_tools": [{"type": "function"}]}, []),
        ({"deferred_tools": [{"type": "openrouter:fusion"}]}, ["deferred_tools"]),
        ({"plugins": [{"id": "file-parser", "pdf": {"engine": "native"}}]}, []),
        ({"plugins": [{"id": "file-parser", "pdf": {"engine": "x"}}]}, ["plugins.file-parser"]),
        ({"plugins": [{"id": "file-parser"}]}, ["plugins.file-parser"]),
        ({"moderation": "low"}, []),
        ({"moderation": {"model": "a/b"}}, ["moderation"]),
        ({"web_search_options": None}, []),
        ({"web_search_options": {"search_context_size": "low", "user_location": {}}}, []),
        ({"web_search_options": {"engine": "exa"}}, ["web_search_options"]),
        ({"web_search_options": "exa"}, ["web_search_options"]),
        ({"tools": [{"type": "web_search"}]}, []),  # a server tool is doubted by its own reason
    ],
)
def test_what_the_table_does_not_know_is_not_provable(
    fields: dict[str, Any], carriers: list[str]
) -> None:
    found = of(**fields)
    assert [each.carrier for each in doubts(found.sent, found.carried)] == carriers
    assert (found.unprovable is None) == (not carriers)


def test_t57_a_rule_refuses_a_tool_within_a_namespace() -> None:
    tools = [{"type": "namespace", "tools": [{"type": "web_search"}]}]
    found = of({"refuse": ["tools.web_search"]}, tools=tools)
    with pytest.raises(PolicyRefused, match=r"tools\.web_search"):
        refuse(found.request, found.route)


def test_a_rule_looks_for_tools_no_deeper_than_openrouter_takes_them() -> None:
    found = of({"refuse": ["tools.web_search"]}, tools=NESTED)
    refuse(found.request, found.route)
    assert found.unprovable


@pytest.mark.parametrize(
    ("fields", "tiered"),
    [
        ({}, False),
        ({"service_tier": "auto", "speed": None}, False),
        ({"service_tier": "flex"}, True),
        ({"speed": "fast"}, True),
        ({"model": "a/b:nitro"}, True),
    ],
)
def test_whether_a_service_tier_is_asked_for(fields: dict[str, Any], *, tiered: bool) -> None:
    assert of(**fields).tiered is tiered


def test_the_reason_names_the_first_and_counts_the_others() -> None:
    found = of(one_new=1, two_new=2, three_new=3)
    assert found.unprovable == ("not provable: the field one_new: unknown field, and 2 more")
    assert told(()) is None


def test_t50_what_a_rule_sets_or_strips_is_what_is_judged() -> None:
    assert of({"set": {"plugins": [{"id": "web"}]}}).server_tools
    assert not of({"strip": ["plugins"]}, plugins=[{"id": "web"}]).server_tools
    assert of({"strip": ["brand_new"]}, brand_new=1).unprovable is None
    assert of({"strip": ["plugins"]}, model="a/b:online").server_tools is False
    assert of({"set": {"tools": [{"type": "openrouter:advisor"}]}}).unprovable


def test_t57_rules_for_an_inner_model_join() -> None:
    rules = ({"models": ["a/b"], "only": ["x", "y"]}, {"models": ["c/mini"], "only": ["y", "z"]})
    tools = [{"type": "openrouter:subagent", "parameters": {"model": "c/mini"}}]
    request = read_request(json.dumps({"model": "a/b", "tools": tools}).encode())
    book = book_of(*rules)
    found = routed(book, request, caller=None, user_agent="", catalog=EMPTY)
    assert found.route.preferences == {"only": ["y"]}
    assert found.inner == ("c/mini",)
    stripping = book_of(*rules, {"strip": ["tools"]})
    without = routed(stripping, request, caller=None, user_agent="", catalog=EMPTY)
    assert without.route.preferences == {"only": ["x", "y"]}
    assert without.inner == ()


def test_a_verdict_is_never_kept_where_something_is_not_provable() -> None:
    catalog = listed([row("novita/fp8", "Novita"), row("groq/fp4", "Groq", "fp4")])

    def verdict(by: str, **facts: Any) -> tuple[str | None, str]:
        answer = Served(status=200, model=MODEL, named_by_body=(by,), **facts)
        said = judge(answer, terms_of({"quantizations": ["fp8"]}), catalog, now=NOW)
        return said.verdict, said.reason

    assert verdict("Novita")[0] == "kept"
    unproven, reason = verdict("Novita", unprovable="not provable: x: y")
    assert (unproven, reason.endswith("but not provable: x: y")) == ("unproven", True)
    assert verdict("Groq", unprovable="not provable: x: y")[0] == "broken"


def test_t57_a_model_called_inside_has_to_be_inside_wherever_it_is_served() -> None:
    catalog = listed([row("novita/fp8", "Novita")])
    for rows, expected in (
        ([row("groq/fp8", "Groq")], "kept"),
        ([row("groq/fp8", "Groq"), row("groq/fp4", "Groq", "fp4")], "unproven"),
        ([row("groq/fp4", "Groq", "fp4")], "unproven"),
        ([], "unproven"),
    ):
        known = catalog.with_listing("acme/mini", rows, NOW)
        answer = Served(status=200, model=MODEL, named_by_body=("Novita",), inner=("acme/mini",))
        said = judge(answer, terms_of({"quantizations": ["fp8"]}), known, now=NOW)
        assert said.verdict == expected
        assert ("a tool or plugin calls acme/mini" in said.reason) == (expected == "unproven")


def test_t57_what_no_listing_shows_is_not_known_of_a_model_called_inside() -> None:
    catalog = listed([row("novita/fp8", "Novita")]).with_listing("acme/mini", [row("a", "A")], NOW)
    answer = Served(status=200, model=MODEL, named_by_body=("Novita",), inner=("acme/mini",))
    said = judge(answer, terms_of({"zdr": True}), catalog, now=NOW)
    assert said.verdict == "unproven"
    assert (
        "served by Novita; answers do not show zdr; but a tool or plugin calls acme/mini, "
        "perhaps without zdr" in said.reason
    )


@pytest.mark.parametrize(
    ("model", "plugin", "doubted"),
    [
        ("openrouter/fusion", {}, True),
        ("openrouter/fusion", {"id": "web"}, True),
        ("openrouter/fusion-flash:nitro", {"id": "fusion"}, True),
        ("openrouter/fusion", {"id": "fusion", "analysis_models": ["a/b", "a/c"]}, False),
        ("nvidia/switchyard", {}, True),
        ("nvidia/switchyard", {"id": "switchyard-router", "judge_model": "a/b"}, False),
        ("openrouter/auto", {}, False),
        ("a/b", {}, False),
    ],
)
@pytest.mark.parametrize("listed_with", [False, True])
def test_t57_a_router_that_calls_models_of_its_choice_can_not_be_shown_to_keep_a_policy(
    model: str, plugin: dict[str, Any], *, doubted: bool, listed_with: bool
) -> None:
    named = {"model": "a/b", "models": [model]} if listed_with else {"model": model}
    body = json.dumps({**named, **({"plugins": [plugin]} if plugin else {})}).encode()
    found = routed(book_of(), read_request(body), caller=None, user_agent="", catalog=EMPTY)
    assert ("OpenRouter chooses its" in (found.unprovable or "")) is doubted


def test_a_key_in_a_batch_that_is_spelled_with_escapes_is_seen() -> None:
    body = b'{"model":"a/b","requests":[{"body":{"\\u0074ools":[],"t":"\\u00e9"}}]}'
    found = routed(book_of(), read_request(body), caller=None, user_agent="", catalog=EMPTY)
    assert [each.carrier for each in doubts(found.sent, found.carried)] == ["requests"]


def test_an_answer_for_a_router_can_be_held_to_the_rules_of_the_model_it_names() -> None:
    found = of({"models": ["c/*"], "only": ["novita"]}, model="openrouter/auto")
    assert found.terms_for is not None
    assert (found.terms_for("c/d").only, found.terms_for("e/f").only) == (("novita",), ())
    assert of(model="a/b").terms_for is None


def test_an_answer_for_a_router_is_held_to_the_rules_for_the_requests_headers() -> None:
    book = book_of({"models": ["c/*"], "only": ["novita"], "headers": {"x-a": "*"}})
    request = read_request(b'{"model":"openrouter/auto"}')
    for headers, only in (([(b"x-a", b"1")], ("novita",)), ([], ())):
        found = routed(book, request, caller=None, user_agent="", catalog=EMPTY, headers=headers)
        assert found.terms_for is not None
        assert found.terms_for("c/d").only == only
