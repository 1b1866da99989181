"""The catalog: what is known, of which model, and since when."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import EMPTY, PLAIN, Catalog, Spelling, listing_key, model_key

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
ROW = {"tag": "novita/fp8", "provider_name": "Novita"}
FREE_ROW = {"tag": "chutes", "provider_name": "Chutes"}


def tags(catalog: Catalog, model: str) -> list[str] | None:
    listing = catalog.listing(model)
    return None if listing is None else [endpoint.tag for endpoint in listing.endpoints]


def model_row(name: str, hugging_face_id: str | None, canonical: str | None = None) -> Any:
    return {"id": name, "canonical_slug": canonical, "hugging_face_id": hugging_face_id}


def test_an_empty_catalog_knows_nothing() -> None:
    assert EMPTY.published("qwen/qwen3-coder") is None
    assert EMPTY.hosts("qwen/qwen3-coder") is None
    assert EMPTY.spelling("qwen/qwen3-coder") == PLAIN
    assert EMPTY.listing("qwen/qwen3-coder") is None


def test_the_recorded_list_of_models_is_read() -> None:
    """Of none of the four it says where weights are: the id is empty for one, null for others."""
    text = (FIXTURES / "json" / "models_list_excerpt_2026-08-04.json").read_text(encoding="utf-8")
    rows = json.loads(text)["body"]["data"]
    catalog = EMPTY.with_models(rows)
    for row in rows:
        assert catalog.published(row["id"]) is False
        assert catalog.own_name(row["canonical_slug"]) == row["id"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("qwen/qwen3-coder", True),
        ("qwen/qwen3-coder:nitro", True),
        ("qwen/qwen3-coder:free", True),
        (" Qwen/Qwen3-Coder:Free@preset/mine ", True),
        ("openai/gpt-4o", False),
        ("acme/alone:free", True),
        ("z-ai/glm-4.6", None),
    ],
)
def test_whether_weights_are_published(asked: str, *, expected: bool | None) -> None:
    rows = [
        model_row("qwen/qwen3-coder", "Qwen/Qwen3-Coder", "Qwen/qwen3-coder-480b-07-25"),
        model_row("qwen/qwen3-coder:free", "", "qwen/qwen3-coder-480b-07-25"),
        model_row("openai/gpt-4o", None),
        model_row("acme/alone:free", "acme/alone"),
    ]
    for order in (rows, rows[::-1]):  # a variant's row never speaks for its model
        assert EMPTY.with_models(order).published(asked) is expected


@pytest.mark.parametrize("rows", [None, {}, "models", 5, [None, 5, [], "x", {}, {"id": 5}]])
def test_what_is_no_list_of_models_teaches_nothing(rows: object) -> None:
    known = EMPTY.with_models([model_row("openai/gpt-4o", "")])
    assert known.with_models(rows) == known


def test_a_later_list_of_models_adds_to_what_is_known() -> None:
    catalog = EMPTY.with_models([model_row("a/one", "x"), model_row("a/two", "x")])
    catalog = catalog.with_models([model_row("a/two", ""), model_row("a/three", "")])
    found = [catalog.published(f"a/{name}") for name in ("one", "two", "three")]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("qwen/qwen3-coder", ["novita/fp8"]),
        (" QWEN/qwen3-coder ", ["novita/fp8"]),
        ("qwen/qwen3-coder:nitro", ["novita/fp8"]),
        ("qwen/qwen3-coder:floor:online", ["novita/fp8"]),
        ("qwen/qwen3-coder@preset/mine", ["novita/fp8"]),
        ("qwen/qwen3-coder:exacto@preset/mine", ["novita/fp8"]),
        ("qwen/qwen3-coder:free", ["chutes"]),
        ("qwen/qwen3-coder:free:online", ["chutes"]),
        ("qwen/qwen3-coder:thinking", None),
        ("qwen/qwen3", None),
    ],
)
def test_a_variant_with_endpoints_of_its_own_is_never_taken_for_its_model(
    asked: str, expected: list[str] | None
) -> None:
    """`:free` has separate endpoints; `:nitro` only arranges the model's (openrouter.md §2.2)."""
    catalog = EMPTY.with_listing("qwen/qwen3-coder", [ROW], 1.0)
    catalog = catalog.with_listing("qwen/qwen3-coder:free", [FREE_ROW], 1.0)
    assert tags(catalog, asked) == expected


@pytest.mark.parametrize(
    ("name", "listing", "model"),
    [
        ("A/B", "a/b", "a/b"),
        ("a/b:free", "a/b:free", "a/b"),
        ("a/b:nitro:free", "a/b:free", "a/b"),
        ("~a/b-latest", "~a/b-latest", "~a/b-latest"),
        ("a/b @preset/x", "a/b", "a/b"),
        ("@preset/x", "", ""),
        ("", "", ""),
    ],
)
def test_what_models_and_listings_are_filed_under(name: str, listing: str, model: str) -> None:
    assert (listing_key(name), model_key(name)) == (listing, model)


def test_rows_that_cannot_be_read_are_left_out() -> None:
    catalog = EMPTY.with_listing("a/b", [None, ROW, {"tag": 5}, FREE_ROW], 1.0)
    assert tags(catalog, "a/b") == ["novita/fp8", "chutes"]
    assert tags(EMPTY.with_listing("a/b", "rows", 1.0), "a/b") == []


def test_each_listing_has_its_own_date_and_a_newer_one_replaces_the_older() -> None:
    catalog = EMPTY.with_listing("a/one", [ROW], 1.0).with_listing("a/two", [ROW], 2.0)
    catalog = catalog.with_listing("A/Two:nitro", [FREE_ROW], 3.0)
    dates = [catalog.listings[name].fetched_at for name in ("a/one", "a/two")]
    assert dates == [1.0, 3.0]
    assert tags(catalog, "a/two") == ["chutes"]


def test_listings_can_be_forgotten_and_the_rest_stays() -> None:
    full = EMPTY.with_models([model_row("a/one", "")])
    full = full.with_listing("a/one", [ROW], 1.0).with_listing("a/two", [ROW], 2.0)
    less = full.without_listings(["A/One:nitro", "a/never-seen"])
    assert (tags(less, "a/one"), tags(less, "a/two")) == (None, ["novita/fp8"])
    assert less.published("a/one") is False


def test_a_catalog_is_a_snapshot_that_nothing_changes() -> None:
    before = EMPTY.with_listing("a/one", [ROW], 1.0)
    before.with_listing("a/two", [ROW], 2.0)
    before.with_models([model_row("a/one", "")])
    before.without_listings(["a/one"])
    assert before == EMPTY.with_listing("a/one", [ROW], 1.0)
    assert Catalog() == EMPTY


NAMED = EMPTY.with_models(
    [
        {"id": "acme/Sim-1.5", "canonical_slug": "acme/sim-1.5-20260901"},
        {"id": "acme/sim-1.5:free", "canonical_slug": "acme/sim-1.5-20260901"},
        {
            "id": "~acme/sim-latest",
            "canonical_slug": "~acme/sim-latest",
            "alias_target": {"slug": "acme/sim-2", "name": "Acme: Sim 2"},
        },
        {"id": "acme/plain"},
    ]
)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("acme/sim-1.5-20260901", "acme/sim-1.5"),
        ("acme/SIM-1-5:nitro", "acme/sim-1.5"),
        ("acme/sim-1-5-20260901", "acme/sim-1.5"),
        ("~acme/sim-latest", "acme/sim-2"),
        ("acme/sim-1.5", None),
        ("acme/sim-1.5:free", None),
        ("acme/plain", None),
        ("acme/unheard-of", None),
    ],
)
def test_a_model_is_known_by_its_other_names(name: str, slug: str | None) -> None:
    assert NAMED.id_of(name) == slug


def test_a_models_hosts_are_those_of_its_variants_too() -> None:
    catalog = EMPTY.with_listing("a/b:free", [FREE_ROW], 1.0)
    assert catalog.hosts("a/b") is None  # its own listing isn't known
    catalog = catalog.with_listing("a/b", [ROW, ROW], 1.0).with_listing("a/bc", [FREE_ROW], 1.0)
    assert catalog.hosts("A/B:nitro") == frozenset({"novita", "chutes"})
    assert catalog.hosts("a/bc") == frozenset({"chutes"})


def test_a_listing_tells_of_tiers_and_names_that_nothing_else_does() -> None:
    rows = [
        ROW,
        {"tag": "openai/turbo", "provider_name": "OpenAI", "service_tier": "priority"},
        {"tag": "openai/priority", "provider_name": "OpenAI"},
        {"tag": "new-host/fp8", "provider_name": "New Host Inc."},
    ]
    told = EMPTY.with_listing("a/b", rows, 1.0).spelling("a/b:nitro")
    assert told == Spelling(frozenset({"openai/turbo"}), frozenset({("new host inc.", "new-host")}))
    assert told | PLAIN == PLAIN | told == told


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (None, ("acme/sim-1.5", "acme/plain", "~acme/sim-latest")),
        ("acme/plain", ("acme/plain",)),
        ("acme/sim-1.5-20260901", ("acme/sim-1.5",)),
        ("acme/sim-2", ("~acme/sim-latest",)),
        ("ACME/plain:free", ("acme/plain",)),
        ("acme/other", ()),
    ],
)
def test_which_of_several_models_an_answer_means(named: str | None, meant: tuple[str, ...]) -> None:
    assert NAMED.meant(named, ("acme/sim-1.5", "acme/plain", "~acme/sim-latest")) == meant


def test_of_one_model_there_is_no_question_which_is_meant() -> None:
    assert EMPTY.meant("whatever/else", ("acme/plain",)) == ("acme/plain",)


def test_the_newest_of_a_family_has_the_endpoints_of_the_model_it_stands_for() -> None:
    catalog = NAMED.with_listing("acme/sim-2", [ROW], 1.0)
    assert tags(catalog, "~acme/sim-latest") == ["novita/fp8"]
    empty = catalog.with_listing("~acme/sim-latest", [], 1.0)
    assert tags(empty, "~acme/sim-latest") == ["novita/fp8"]
    own = catalog.with_listing("~acme/sim-latest", [FREE_ROW], 1.0)
    assert tags(own, "~acme/sim-latest") == ["chutes"]
    assert tags(NAMED, "~acme/sim-latest") is None
    assert tags(NAMED.with_listing("~acme/sim-latest", [], 1.0), "~acme/sim-latest") == []


def priced(tag: str, price: str | None, **more: Any) -> dict[str, Any]:
    pricing = {} if price is None else {"prompt": price, "completion": price}
    return {"tag": tag, "provider_name": "OpenAI", "pricing": pricing, **more}


@pytest.mark.parametrize(
    ("fast", "others", "tier"),
    [
        (priced("openai/fast", "0.000002"), [priced("openai", "0.000001")], "priority"),
        (priced("openai/fast", "0.000001"), [priced("openai", "0.000001")], None),
        (
            priced("openai/fast", "0.000001", service_tier="priority"),
            [priced("openai", "0.000001")],
            "priority",
        ),
        (priced("openai/fast", None), [priced("openai", "0.000001")], "priority"),
        (priced("openai/fast", "0.000001"), [], "priority"),
        (priced("baseten/fast", "0.000002"), [priced("baseten/fp8", "0.000001")], None),
        (priced("openai/turbo", "0.000001", service_tier="priority"), [], "priority"),
    ],
)
def test_a_tier_is_told_by_provider_and_price_and_not_by_its_word_alone(
    fast: dict[str, Any], others: list[dict[str, Any]], tier: str | None
) -> None:
    listing = EMPTY.with_listing("a/b", [fast, *others], 1.0).listing("a/b")
    assert listing is not None
    assert listing.endpoints[0].tier == tier


def test_of_one_providers_many_endpoints_a_few_are_named_and_the_others_counted() -> None:
    rows = [
        {"tag": f"x/{number}", "provider_name": "X", "quantization": f"q{number}"}
        for number in range(500)
    ]
    offers = EMPTY.with_listing("a/b", rows, 0.0).listings["a/b"].of_provider("x")
    assert offers.tags.endswith(", x/19 and 480 more")
    assert offers.labels == tuple(f"q{number}" for number in range(20))
    assert len(offers.endpoints) == 500


def test_what_a_newer_catalog_knows_goes_first_and_its_list_of_models_alone_counts() -> None:
    older = EMPTY.with_models([model_row("a/one", "")]).with_listing("a/one", [], 1.0)
    listing = EMPTY.with_listing("a/two", [], 2.0)
    assert set(older.joined(listing).listings) == {"a/one", "a/two"}
    assert set(older.joined(listing).models) == {"a/one"}
    newer = older.joined(EMPTY.with_models([model_row("a/two", "")]))
    assert (set(newer.models), set(newer.ids.values())) == ({"a/two"}, {"a/two"})
    assert set(newer.listings) == {"a/one"}


def test_a_list_of_tools_is_joined_too() -> None:
    listed = EMPTY.with_server_tools([{"type": "openrouter:new"}])
    assert EMPTY.joined(listed).server_tools is listed.server_tools
    assert listed.joined(EMPTY).server_tools is listed.server_tools
