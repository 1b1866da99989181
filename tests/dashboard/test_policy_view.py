"""The book as a page shows it."""

from app.catalog.catalog import EMPTY, Catalog
from app.dashboard.policy_view import (
    Anchors,
    alias_lines,
    counts_of,
    foresee,
    grouped,
    place_of,
    rule_cards,
)
from app.ledger.stats import Figures, Stats
from app.policy.book import EMPTY_BOOK
from app.policy.file.parse import read_book
from tests.dashboard.samples import POLICY
from tests.dashboard.stats import group


def row(tag: str, quantization: str | None, prompt: str = "0.000001") -> dict[str, object]:
    return {
        "tag": tag,
        "provider_name": tag.partition("/")[0].title(),
        "quantization": quantization,
        "pricing": {"prompt": prompt, "completion": prompt},
    }


ROWS = [row("novita/fp8", "fp8"), row("deepinfra/fp4", "fp4"), row("groq", None)]
BOOK = read_book({"policies/test.yaml": POLICY})
CATALOG = (
    EMPTY.with_models([{"id": "qwen/qwen3-coder", "hugging_face_id": "Qwen/Qwen3-Coder"}])
    .with_listing("qwen/qwen3-coder", ROWS, 0)
    .with_listing("deepseek/deepseek-v4.1-flash", ROWS, 0)
)


def test_each_rule_is_shown_with_its_clauses_and_where_they_are_written() -> None:
    careful, impossible = rule_cards(foresee(BOOK, EMPTY), None, Anchors())
    assert (careful.name, careful.place, careful.models) == ("careful", "test.yaml:3", ("*",))
    assert [(c.key, c.value, c.line) for c in careful.clauses] == [
        ("quantization_floor", "fp8", 3),
        ("data_collection", "deny", 3),
    ]
    assert [c.key for c in impossible.clauses] == ["max_price.prompt"]


def test_entries_of_a_list_are_shown_under_its_key() -> None:
    rule = "{name: a, models: ['*'], budget: [{usd: 1, per: day}, {usd: 9, per: week}]}"
    book = read_book({"a.yaml": f"version: 1\nrules: [{rule}]\n"})
    (card,) = rule_cards(foresee(book, EMPTY), None, Anchors())
    assert [clause.key for clause in card.clauses] == ["budget", "budget"]


def test_without_a_catalog_nobody_is_said_to_survive_or_fall() -> None:
    assert all(card.funnels == () for card in rule_cards(foresee(BOOK, EMPTY), None, Anchors()))


def test_the_funnel_shows_who_is_left_and_which_line_made_the_others_fall() -> None:
    careful, _ = rule_cards(foresee(BOOK, CATALOG), None, Anchors())
    lines = {line.model: line for line in careful.funnels}
    assert lines["qwen/qwen3-coder"].survivors == ("novita/fp8",)
    assert lines["qwen/qwen3-coder"].listed == 3
    floor, told = lines["qwen/qwen3-coder"].steps
    assert (floor.label, floor.left) == ("fp8+", "1")
    assert 'deepinfra/fp4: rule "careful" (policies/test.yaml:3)' in floor.fell
    assert (told.left, told.fell) == ("1?", "1 of them uncertain from the listing")


def test_an_empty_funnel_comes_first_and_has_a_way_out() -> None:
    _, impossible = rule_cards(foresee(BOOK, CATALOG), None, Anchors())
    (line,) = impossible.funnels
    assert line.survivors == ()
    assert impossible.has_empty
    assert impossible.funnel_note == "1 case in use, 1 without an endpoint"
    assert "max_price.prompt" in (line.way_out or "")
    careful, _ = rule_cards(foresee(BOOK, CATALOG), None, Anchors())
    assert careful.funnels[0].survivors == ()
    assert careful.funnels[-1].way_out is None


def test_what_lint_finds_is_shown_the_gravest_first() -> None:
    findings = foresee(BOOK, CATALOG).findings
    ranks = [("error", "warning", "note").index(finding.level) for finding in findings]
    assert findings
    assert ranks == sorted(ranks)
    assert {finding.place.partition(":")[0] for finding in findings} == {"test.yaml"}


def test_a_rule_that_nothing_came_of_has_no_figures() -> None:
    found = group("careful", requests=7, kept=7)
    stats = Stats(since=None, until=None, by=("rule",), groups=(found,), total=Figures())
    careful, impossible = rule_cards(foresee(BOOK, EMPTY), stats, Anchors())
    assert careful.figures == found.figures
    assert impossible.figures is None


def test_a_rule_for_a_great_many_models_shows_some_of_them_and_says_so() -> None:
    catalog = EMPTY
    for at in range(60):
        catalog = catalog.with_listing(f"acme/model-{at:02}", ROWS, 0)
    careful, _ = rule_cards(foresee(BOOK, catalog), None, Anchors())
    assert len(careful.funnels) == 40
    assert careful.funnel_note.endswith("in use, the first 40 shown")


def test_what_was_foreseen_holds_for_one_book_and_one_catalog() -> None:
    foreseen = foresee(BOOK, EMPTY)
    assert foreseen.is_of(BOOK, EMPTY)
    assert foreseen.is_of(BOOK, Catalog())
    assert not foreseen.is_of(BOOK, EMPTY.with_audits(None))
    assert not foreseen.is_of(EMPTY_BOOK, EMPTY)


def test_aliases_and_places() -> None:
    (alias,) = alias_lines(BOOK.aliases.values(), Anchors())
    assert (alias.name, alias.model, alias.rule) == ("precise-coder", "qwen/qwen3-coder", "careful")
    assert alias.place == "test.yaml:6"
    assert place_of("C:\\policies\\mine.yaml", 3) == "mine.yaml:3"
    assert counts_of(BOOK) == "2 rules and 1 alias"
    assert counts_of(EMPTY_BOOK) == "0 rules and 0 aliases"


def test_an_alias_shows_its_own_preferences() -> None:
    text = POLICY.replace("rule: careful}", "rule: careful, preferences: {sort: price}}")
    (alias,) = alias_lines(read_book({"a.yaml": text}).aliases.values(), Anchors())
    assert [(each.key, each.value) for each in alias.preferences] == [("sort", "price")]


def test_findings_are_grouped_by_rule_and_each_leads_to_its_line() -> None:
    foreseen, anchors = foresee(BOOK, CATALOG), Anchors()
    cards = rule_cards(foreseen, None, anchors)
    groups = dict(grouped(foreseen.findings))
    assert {about for about in groups if about} <= {f"rule {card.name}" for card in cards}
    assert sum(map(len, groups.values())) == len(foreseen.findings)
    assert all(anchors.href(each.place) == f"#{each.place}" for each in foreseen.findings)
    assert not anchors.href("other.yaml:1")


def test_a_place_is_an_anchor_once_also_where_a_line_holds_several_things() -> None:
    anchors = Anchors()
    cards = rule_cards(foresee(BOOK, EMPTY), None, anchors)
    places = [card.anchor for card in cards]
    places += [clause.anchor for card in cards for clause in card.clauses]
    told = [place for place in places if place]
    assert told == ["test.yaml:3", "test.yaml:4"]


def test_a_rule_shows_the_headers_that_it_is_for() -> None:
    text = (
        "version: 1\nrules:\n- {name: a, models: ['*'], headers: {X-B: 'r*', x-a: '*'}, zdr: true}"
    )
    (card,) = rule_cards(foresee(read_book({"p.yaml": text}), EMPTY), None, Anchors())
    assert card.headers == ("x-a: *", "x-b: r*")
