"""A budget for each caller needs callers."""

from app.policy.lint.checks import lint
from tests.policy.sending import book_of

BOOK = book_of(
    {"name": "a", "budget": [{"usd": 5, "per": "day", "by": "caller"}, {"usd": 9, "per": "day"}]}
)


def test_a_budget_by_caller_without_caller_keys_is_found_at_its_line() -> None:
    (found,) = [each for each in lint(BOOK, callers=frozenset()) if "budget" in each.code]
    assert (found.severity, found.code, found.line) == ("warning", "budget-without-callers", 1)
    assert "set it, or count `by: rule` or `by: tool`" in found.message


def test_with_callers_or_where_it_is_not_known_there_is_nothing_to_say() -> None:
    for callers in (frozenset({"ann"}), None):
        assert not [each for each in lint(BOOK, callers=callers) if "budget" in each.code]
