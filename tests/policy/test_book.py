"""The book: immutable, with a revision, and quick to answer again."""

import dataclasses

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.book import EMPTY_BOOK
from app.policy.file.parse import read_book
from app.policy.request import request_for
from app.policy.route import Route
from tests.policy.sending import book_of, route, text_of

ONE, OTHER = text_of({"zdr": True}), text_of({"name": "other", "models": ["a/*"], "zdr": False})


def test_a_revision_changes_with_the_text_and_with_nothing_else() -> None:
    files = {"a.yaml": ONE, "b.yaml": OTHER}
    revision = read_book(files).revision
    assert len(revision) == 12
    assert int(revision, 16) >= 0
    assert read_book(dict(reversed(files.items()))).revision == revision
    for changed in (
        {"a.yaml": ONE},
        {"a.yaml": OTHER, "b.yaml": ONE},
        {**files, "a.yaml": ONE + " "},
    ):
        assert read_book(changed).revision != revision


def test_text_moved_from_one_file_to_the_next_is_another_revision() -> None:
    comment = "# a\n"
    one = read_book({"a.yaml": ONE + "\n" + comment, "b.yaml": OTHER})
    assert one.revision != read_book({"a.yaml": ONE + "\n", "b.yaml": comment + OTHER}).revision


def test_a_book_cannot_be_changed() -> None:
    book = book_of({"zdr": True}, aliases={"mine": {"model": "a/a"}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        book.revision = "x"  # type: ignore[misc] # that it fails is the test
    with pytest.raises(TypeError):
        book.aliases["x"] = book.aliases["mine"]  # type: ignore[index] # that it fails is the test
    with pytest.raises(TypeError):
        book.ladder["x"] = 1  # type: ignore[index] # that it fails is the test


def test_the_empty_book_has_nothing_to_say() -> None:
    assert not route(EMPTY_BOOK, {"model": "a/a"}, caller="me", user_agent="x").matched


def test_the_same_question_has_the_same_answer() -> None:
    book = book_of({"quantization_floor": "fp8", "callers": ["me"]})
    request = request_for("a/a")
    first = book.route_for(request, catalog=EMPTY, caller="me", user_agent="")
    assert book.route_for(request, catalog=EMPTY, caller="me", user_agent="") is first
    assert book.route_for(request, catalog=EMPTY, caller="you", user_agent="") is not first


def test_a_catalog_that_learns_changes_the_answer() -> None:
    """What is remembered may not outlive what it was worked out from."""
    book, request = book_of({"quantization_floor": "fp32"}), request_for("a/a")
    own = {"tag": "a", "provider_name": "A"}
    closed = Catalog().with_models([{"id": "a/a"}]).with_listing("a/a", [own], 1.0)
    labels = [
        book.route_for(request, caller=None, user_agent="", catalog=catalog).preferences
        for catalog in (EMPTY, closed, EMPTY)
    ]
    assert labels == [
        {"quantizations": ["fp32"]},
        {"quantizations": ["fp32", "unknown"]},
        {"quantizations": ["fp32"]},
    ]


def test_callers_that_no_rule_knows_are_one_to_the_book() -> None:
    """Whoever sends a new name with each request fills no memory with it."""
    book = book_of({"zdr": True})
    request = request_for("a/a")
    answers = {
        id(book.route_for(request, caller=f"c{each}", user_agent=f"ua/{each}", catalog=EMPTY))
        for each in range(50)
    }
    assert len(answers) == 1


def test_values_of_headers_that_no_rule_tells_apart_are_one_to_the_book() -> None:
    """A new id with each request fills no memory: only what the rules make of it is kept."""
    book = book_of({"zdr": True, "headers": {"x-agent": "*"}})
    request = request_for("a/a")

    def asked(*headers: tuple[bytes, bytes]) -> Route:
        matches = book.matches_of(headers)
        return book.route_for(request, caller=None, user_agent="", catalog=EMPTY, headers=matches)

    routes = {id(asked((b"x-agent", b"%d" % n), (b"x-other", b"%d" % n))) for n in range(50)}
    assert len(routes) == 1
    assert not asked((b"x-other", b"1")).matched
    assert len(book._paths.recent.under(EMPTY)) == 2  # noqa: SLF001 - the bound itself


def test_a_book_knows_whether_its_rules_name_headers() -> None:
    assert not book_of({"zdr": True, "strip_headers": ["x-title"]}).names_headers
    assert book_of({"zdr": True}, {"headers": {"x-a": "*"}, "sort": "price"}).names_headers


def test_the_models_that_are_named_in_full_are_known() -> None:
    text = (
        "version: 1\nrules:\n"
        "  - {name: r, models: [acme/one, 'acme/*', acme/two], zdr: true}\n"
        "aliases:\n"
        "  quick: {model: acme/three, preferences: {sort: price}}\n"
        "  slow: {model: acme/one, preferences: {sort: latency}}\n"
    )
    assert read_book({"p.yaml": text}).models_named == ("acme/one", "acme/two", "acme/three")


def test_more_names_than_can_be_remembered_are_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Callers choose the names, and a book lives until a file is saved."""
    monkeypatch.setattr("app.policy.book._REMEMBERED", 2)
    book = read_book({"a.yaml": ONE})
    names = [f"a/{number}" for number in range(4)]
    for _ in range(2):
        for name in names:
            found = book.route_for(request_for(name), caller=None, user_agent="", catalog=EMPTY)
            assert found.preferences["zdr"] is True
    assert len(book._paths.recent.under(EMPTY)) == 2  # noqa: SLF001 - the bound itself
