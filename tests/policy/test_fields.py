"""A row for each field of the `provider` object; what a row can't say is in tables beside."""

from collections.abc import Collection

import pytest

from app.importing import mending
from app.policy.fields import FIELDS, MEETS, Field
from app.policy.file.schema import PROVIDER_KEYS
from app.policy.filters import FILTERS
from app.policy.forecast import negative_controls, routing_refusal
from app.policy.merge import tighten
from tests.policy.good_values import GOOD

HARD = {name for name, field in FIELDS.items() if field.showing != "wish"}
BY_OTHER_MEANS = {"only", "order"}  # are joined, and asked for in vain, with regard to one another
OF_ALL: dict[str, Collection[str]] = {
    "the schema": PROVIDER_KEYS,
    "what imports put right": mending.MENDS,
    "joining": MEETS.keys() | BY_OTHER_MEANS,
    "negative controls": {
        *negative_controls.WAYS,
        *(name for name, field in FIELDS.items() if field.untestable),
        "only",
    },
}
OF_HARD: dict[str, Collection[str]] = {
    "filters": {name for each in FILTERS for name in each.fields},
    "OpenRouter's words for filters": {
        name
        for names in (*routing_refusal.FILTERS_BY_STEP.values(), *routing_refusal.PRIVACY_WORDS)
        for name in names
    }
    | {"allow_fallbacks"},  # part of "Filter by Fallback", which the order stands for
}


@pytest.mark.parametrize("table", OF_ALL)
def test_every_table_by_field_has_all_fields_and_no_other(table: str) -> None:
    assert set(OF_ALL[table]) == set(FIELDS)


@pytest.mark.parametrize("table", OF_HARD)
def test_every_table_of_filters_has_all_fields_that_shut_endpoints_out(table: str) -> None:
    assert set(OF_HARD[table]) >= HARD


def test_there_is_an_example_of_each() -> None:
    assert set(GOOD) >= set(FIELDS)


@pytest.mark.parametrize("field", FIELDS.values(), ids=list(FIELDS))
def test_a_row_is_complete(field: Field) -> None:
    assert field.help.endswith(".")
    assert field.why
    assert field.showing != "unseen" or field.binds_at != field.harmless


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "allow_fallbacks"])
def test_a_value_that_both_sides_give_is_sent_as_it_is(name: str) -> None:
    """And an object with one field is that object, whatever the others do to each other."""
    for value in GOOD[name]:
        assert tighten({name: value}, {name: value}) == {name: value}


def test_fields_are_sent_in_the_order_of_the_table() -> None:
    assert list(PROVIDER_KEYS) == list(FIELDS)
