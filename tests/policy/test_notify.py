"""`notify`: which events of a rule are told."""

import pytest

from app.policy.book import Book
from app.policy.file.parse import read_book

POLICY = """
version: 1
rules:
  - {name: all, models: ["*"], notify: [broken, drift]}
  - {name: quiet, models: ["a/*"], notify: off}
  - {name: plain, models: ["a/b"], zdr: true}
  - {name: alone, models: ["c/*"]}
"""


@pytest.fixture
def book() -> Book:
    return read_book({"test.yaml": POLICY})


@pytest.mark.parametrize(
    ("event", "rules", "told"),
    [
        ("broken", ("all",), True),
        ("budget", ("all",), False),
        ("broken", ("quiet",), False),
        ("broken", ("quiet", "all"), False),
        ("drift", ("plain", "all"), True),
        ("expiration", ("plain", "all"), False),
        ("broken", ("plain", "quiet", "all"), False),
        ("budget", ("alone",), True),
        ("budget", ("a rule that was removed",), True),
        ("broken", (), True),
        ("ledger", ("quiet",), True),
    ],
)
def test_the_most_specific_rule_that_has_the_key_decides(
    book: Book,
    event: str,
    rules: tuple[str, ...],
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert book.tells(event, rules) is told
