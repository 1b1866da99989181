"""From clauses to the policy's own `provider` object."""

from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.errors import PolicyConflict
from app.policy.file.parse import read_book
from app.policy.tags import with_tiers
from tests.policy.sending import book_of, preferences, route, send

OPEN, CLOSED = "qwen/qwen3", "anthropic/claude"
ABOVE = ["fp8", "mxfp8", "fp16", "bf16", "fp32"]
ALL = ["int4", "fp4", "mxfp4", "nvfp4", "fp6", "int8", *ABOVE]


@pytest.mark.parametrize(
    ("rule", "of_open", "of_closed"),
    [
        ({"quantization_floor": "fp8"}, ABOVE, [*ABOVE, "unknown"]),
        ({"quantization_floor": "fp8", "unknown_quantization": "auto"}, ABOVE, [*ABOVE, "unknown"]),
        ({"quantization_floor": "fp8", "unknown_quantization": "deny"}, ABOVE, ABOVE),
        ({"quantization_floor": "fp8", "unknown_quantization": "allow"},
         [*ABOVE, "unknown"], [*ABOVE, "unknown"]),
        # without a floor, to deny unknown is to ask for any declared label
        ({"unknown_quantization": "deny"}, ALL, ALL),
        ({"unknown_quantization": "auto"}, ALL, None),
        ({"unknown_quantization": "allow"}, None, None),
        ({"quantizations": ["fp4", "unknown"]}, ["fp4", "unknown"], ["fp4", "unknown"]),
        ({"quantizations": ["fp4", "unknown"], "unknown_quantization": "auto"},
         ["fp4"], ["fp4", "unknown"]),
        ({"quantizations": ["fp4", "bf16", "unknown"], "quantization_floor": "fp8"},
         ["bf16"], ["bf16", "unknown"]),
        ({"zdr": True}, None, None),
    ],
)  # fmt: skip
def test_a_floor_becomes_the_exact_list_of_labels(
    rule: dict[str, Any], of_open: list[str] | None, of_closed: list[str] | None
) -> None:
    book = book_of(rule)
    assert preferences(book, OPEN).get("quantizations") == of_open
    assert preferences(book, CLOSED).get("quantizations") == of_closed


def test_t49_a_catalog_that_lacks_a_field_opens_no_floor() -> None:
    book = book_of({"quantization_floor": "fp8"})
    catalog = Catalog().with_models([{"id": OPEN}, {"id": CLOSED, "hugging_face_id": "a/c"}])
    assert preferences(book, OPEN, catalog=catalog)["quantizations"] == ABOVE
    assert preferences(book, CLOSED, catalog=catalog)["quantizations"] == ABOVE


def test_a_floor_goes_by_the_files_own_ladder() -> None:
    book = book_of({"quantization_floor": "q5"}, ladder={"q5": 5, "int8": 9})
    assert preferences(book, OPEN)["quantizations"] == [
        *("q5", "fp6", "fp8", "mxfp8", "int8", "fp16", "bf16", "fp32"),
    ]


def test_a_pin_is_an_only_and_an_order_in_one() -> None:
    assert preferences(book_of({"pin": ["moonshotai", "novita/fp8"]}), OPEN) == {
        "only": ["moonshotai", "novita/fp8"],
        "order": ["moonshotai", "novita/fp8"],
    }


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"order": ["a", "b"], "sort": "price"}, {"order": ["a", "b"]}),
        ({"order": ["a", "b"], "only": ["b"]}, {"only": ["b"], "order": ["b"]}),
        ({"pin": ["a", "b"], "ignore": ["a"]},
         {"only": ["b"], "order": ["b"], "ignore": with_tiers(["a"])}),
        ({"ignore": ["openai", "a/fp8"]},
         {"ignore": ["openai", "openai/flex", "openai/priority", "openai/ultrafast", "openai/fast",
                     "a/fp8"]}),
        ({"max_price": {"prompt": 0.5}, "sort": {"by": "price", "partition": "none"}},
         {"max_price": {"prompt": 0.5}, "sort": {"by": "price", "partition": "none"}}),
    ],
)  # fmt: skip
def test_what_is_sent_does_not_contradict_itself(rule: dict[str, Any], wanted: Any) -> None:
    assert preferences(book_of(rule), OPEN) == wanted


def test_fields_come_in_one_order_whatever_the_order_in_the_file() -> None:
    """Upstream's response cache takes another order of keys for another request."""
    rule = {"zdr": True, "sort": "price", "ignore": ["x"], "only": ["a"]}
    backwards = dict(reversed(rule.items()))
    there, back = (send(book_of(each), {"model": OPEN}).body for each in (rule, backwards))
    assert there == back


GENERAL, SPECIAL = 'rule "rule-0" (test.yaml:1)', 'rule "rule-1" (test.yaml:1)'


@pytest.mark.parametrize(
    ("general", "special", "why"),
    [
        ({"only": ["a"]}, {"ignore": ["a"]},
         f"{GENERAL} and {SPECIAL} contradict each other (only, ignore)"),
        ({"only": ["a"], "allow_fallbacks": False}, {"order": ["b"]},
         f"{GENERAL} and {SPECIAL} contradict each other (only, order)"),
        ({"quantization_floor": "fp8"}, {"quantizations": ["fp4"]},
         f"no quantization satisfies {GENERAL} and {SPECIAL}"),
        ({"quantizations": ["unknown"]}, {"unknown_quantization": "deny"},
         f"no quantization satisfies {SPECIAL} and {GENERAL}"),
    ],
)  # fmt: skip
def test_rules_that_leave_nothing_between_them_are_named(
    general: dict[str, Any], special: dict[str, Any], why: str
) -> None:
    book = book_of(general, {**special, "models": ["qwen/*"]})
    assert route(book, {"model": OPEN}).conflict == why
    with pytest.raises(PolicyConflict, match="the policy allows no endpoint for qwen/qwen3"):
        send(book, {"model": OPEN})
    assert route(book, {"model": CLOSED}).conflict is None


def test_each_field_knows_the_clauses_behind_it() -> None:
    text = """\
version: 1
rules:
  - name: general
    models: ["*"]
    quantization_floor: fp8
    max_price:
      prompt: 1
      completion: 2
  - name: special
    models: [qwen/*]
    unknown_quantization: deny
    max_price: {prompt: 0.5}
    pin: [a]
"""
    origins = route(read_book({"p.yaml": text}), {"model": OPEN}).origins
    lines = {
        field: {(clause.rule, clause.line) for clause in clauses}
        for field, clauses in origins.items()
    }
    assert lines == {
        "quantizations": {("general", 5), ("special", 11)},
        "max_price": {("general", 8), ("special", 12)},
        "only": {("special", 13)},
        "order": {("special", 13)},
    }
