"""Which models, callers and tools a book speaks for."""

from app.catalog.catalog import EMPTY
from app.policy.forecast.scenarios import cases_of, models_wanted
from tests.policy.listings import MODEL, listed, row
from tests.policy.sending import book_of

LISTED = EMPTY.with_models(
    [{"id": f"acme/{name}"} for name in ("a", "b", "c:free")] + [{"id": "other/d"}]
)


def test_models_named_in_full_are_looked_at_first_and_narrow_patterns_before_wide_ones() -> None:
    book = book_of(
        {"models": ["*"]},
        {"models": ["acme/b", "acme/*"]},
        aliases={"quick": {"model": "other/x:nitro"}},
    )
    wanted = models_wanted(book, LISTED)
    assert wanted == ["other/x:nitro", "acme/b", "acme/a", "acme/c:free", "other/d"]
    assert models_wanted(book, EMPTY) == ["other/x:nitro", "acme/b"]
    assert models_wanted(book_of(), LISTED) == []


def test_models_that_no_rule_speaks_for_are_no_case() -> None:
    catalog = listed([row("novita", "Novita")])
    assert [case.model for case in cases_of(book_of({"models": ["other/*"]}), catalog)] == [
        "other/x"
    ]
    assert list(cases_of(book_of(), catalog)) == []


def test_a_pattern_without_a_listed_model_gets_an_example() -> None:
    book = book_of({"models": ["a*", "acme/sim-?", "~*/x:fr?e"]})
    models = {case.model: case.named for case in cases_of(book, EMPTY)}
    assert models == {"ax/x": False, "acme/sim-x": False, "~x/x:frxe": False}
    models = {case.model: case.named for case in cases_of(book, listed([row("a", "A")]))}
    assert models == {MODEL: False, "~x/x:frxe": False}


def test_a_case_tells_who_asks() -> None:
    book = book_of(
        {"models": [MODEL], "zdr": True},
        {"models": [MODEL], "callers": ["night"], "user_agents": ["Tool/*"], "zdr": False},
    )
    assert list(map(str, cases_of(book, EMPTY))) == [MODEL, f"{MODEL} for caller night for Tool/x"]


def test_a_case_has_the_headers_that_its_rule_is_for() -> None:
    both = {"X-B": "re?iew*", "x-a": "*"}
    book = book_of({"models": [MODEL], "zdr": True}, {"models": [MODEL], "headers": both})
    cases = list(cases_of(book, EMPTY))
    assert list(map(str, cases)) == [MODEL, f"{MODEL} with x-a: x, x-b: rexiewx"]
    assert [case.route.rules for case in cases] == [("rule-0",), ("rule-1", "rule-0")]
