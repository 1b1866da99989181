"""Each control asks for what nobody can serve, or says why there is none."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Listing
from app.policy.file.parse import read_book
from app.policy.forecast.negative_controls import Control, Facts, controls
from app.policy.precision import LADDER
from app.policy.request import request_for

PRICED = {"prompt": "0.000001", "completion": "0.000002"}


def row(tag: str, **known: Any) -> dict[str, Any]:
    return {"tag": tag, "provider_name": tag.upper(), "pricing": PRICED, **known}


def listing(*rows: dict[str, Any]) -> Listing:
    known = EMPTY.with_listing("acme/sim-1", list(rows), 0.0).listing("acme/sim-1")
    assert known is not None
    return known


TWO = listing(row("novita/fp8", quantization="fp8"), row("groq", quantization="fp4"))


def control_of(
    clause: str, known: Listing | None = TWO, zdr: frozenset[str] | None = None
) -> dict[str, Control]:
    text = f"version: 1\nrules:\n  - {{name: r, models: ['*'], {clause}}}\n"
    book = read_book({"p.yaml": text})
    route = book.route_for(request_for("acme/sim-1"), caller=None, user_agent="", catalog=EMPTY)
    return {control.field: control for control in controls(route, Facts(known, zdr))}


@pytest.mark.parametrize(
    ("clause", "field", "asked"),
    [
        ("only: [novita]", "only", {"only": ["pointsman-nobody"]}),
        (
            "order: [novita], allow_fallbacks: false",
            "order",
            {"order": ["pointsman-nobody"], "allow_fallbacks": False},
        ),
        ("ignore: [x]", "ignore", {"ignore": ["novita", "groq"]}),
        ("max_price: {prompt: 3}", "max_price", {"max_price": {"prompt": 0}}),
        ("zdr: true", "zdr", {"zdr": True, "only": ["novita/fp8"]}),
        ("require_parameters: true", "require_parameters", {"require_parameters": True}),
    ],
)
def test_the_impossible_is_asked_for(clause: str, field: str, asked: dict[str, Any]) -> None:
    control = control_of(clause, zdr=frozenset())[field]
    assert control.provider == asked
    assert [clause.line for clause in control.clauses] == [3]


def test_a_label_that_nobody_is_listed_with_is_asked_for() -> None:
    (control,) = control_of("quantizations: [fp8]").values()
    assert control.provider == {"quantizations": ["int4"]}


def test_a_label_that_may_mean_another_is_not_used() -> None:
    """To some routers fp4 means mxfp4 too (openrouter.md §1.5)."""
    free = {"fp4", "fp32"}
    rows = [row(f"p/{label}", quantization=label) for label in LADDER if label not in free]
    (control,) = control_of("quantizations: [fp8]", listing(*rows)).values()
    assert control.provider == {"quantizations": ["fp32"]}


def test_a_parameter_that_nobody_supports_is_asked_for() -> None:
    known = listing(row("novita", supported_parameters=["top_a"]))
    (control,) = control_of("require_parameters: true", known).values()
    assert control.extra == {"logit_bias": {"1": 0}}


def test_a_service_tier_is_ignored_by_its_full_name() -> None:
    known = listing(row("openai"), row("openai/priority"))
    (control,) = control_of("ignore: [x]", known).values()
    assert control.provider == {"ignore": ["openai", "openai/priority"]}


FREE = listing(row("novita", pricing={"prompt": "0", "completion": "0"}))
EVERY_LABEL = listing(*(row(f"p/{label}", quantization=label) for label in LADDER))
EVERY_PARAMETER = listing(
    row(
        "p",
        supported_parameters=["top_a", "logit_bias", "min_p", "verbosity", "top_logprobs", "seed"],
    )
)


@pytest.mark.parametrize(
    ("clause", "field", "known", "zdr", "why"),
    [
        (
            "order: [novita]",
            "order",
            TWO,
            None,
            "a preference: endpoints not listed in it may serve too",
        ),
        ("sort: price", "sort", TWO, None, "a preference: it orders endpoints and excludes none"),
        ("data_collection: deny", "data_collection", TWO, None, "no public list"),
        ("allow_fallbacks: false", "allow_fallbacks", TWO, None, "narrows an `order`"),
        ("max_price: {prompt: 1}", "max_price", FREE, None, "novita costs nothing"),
        ("max_price: {image: 1}", "max_price", TWO, None, "only prices for input and output"),
        ("quantizations: [fp8]", "quantizations", EVERY_LABEL, None, "every label"),
        ("require_parameters: true", "require_parameters", EVERY_PARAMETER, None, "every param"),
        ("zdr: true", "zdr", TWO, None, "can't be read"),
        (
            "zdr: true",
            "zdr",
            TWO,
            frozenset({"novita/fp8"}),
            "every endpoint with a tag of its own has zero data retention",
        ),
        ("ignore: [x]", "ignore", None, None, "are not listed"),
    ],
)
def test_what_can_not_be_tested_says_why(
    clause: str, field: str, known: Listing | None, zdr: frozenset[str] | None, why: str
) -> None:
    control = control_of(clause, known, zdr)[field]
    assert control.provider is None
    assert why in control.why
