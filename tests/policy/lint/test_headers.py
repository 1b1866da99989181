"""Headers that rules remove, although they are not forwarded in any case."""

import pytest

from app.catalog.catalog import EMPTY
from app.policy.lint.checks import lint
from tests.policy.sending import book_of


def told(entry: str, forwarded: tuple[str, ...] | None) -> list[str]:
    findings = lint(book_of({"strip_headers": [entry]}), EMPTY, None, forwarded)
    assert {(each.severity, each.code) for each in findings} <= {("note", "header-not-forwarded")}
    return [each.message for each in findings]


@pytest.mark.parametrize("entry", ["User-Agent", "x-stainless-*", "x-stain*", "openai-beta"])
def test_a_header_that_is_forwarded_can_be_removed(entry: str) -> None:
    assert told(entry, ()) == told(entry, None) == []


@pytest.mark.parametrize("entry", ["cookie", "X-Forwarded-For", "x-or-endpoint-id", "host"])
def test_a_header_that_is_never_forwarded_needs_no_removal(entry: str) -> None:
    (message,) = told(entry, None)
    assert message.startswith(f"{entry.lower()} is never forwarded, because ")
    assert message.endswith("; remove it")


@pytest.mark.parametrize("entry", ["x-foo", "x-foo-*"])
def test_whether_other_headers_are_forwarded_depends_on_the_settings(entry: str) -> None:
    (message,) = told(entry, ("x-bar", "x-fool"))
    assert message.startswith(f"{entry} is not forwarded in any case")
    assert "POINTSMAN_FORWARD_HEADERS" in message
    assert told(entry, ("x-foo*",)) == []
    assert told(entry, None) == []
