"""What errors say."""

import ast
from pathlib import Path

import pytest

import app
from app.errors import LedgerError, RequestError, reason_of

ROOT = Path(app.__file__).parent


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a word"), "a word"),
        (ValueError(), "ValueError"),
        (ValueError(" \n"), "ValueError"),
        (TimeoutError(), "TimeoutError"),
        (OSError(28, "No space left on device", "/some/file"), "No space left on device"),
        (OSError("only words"), "only words"),
        (OSError(), "OSError"),
        (LedgerError(), "LedgerError"),
    ],
    ids=repr,
)
def test_t64_an_error_always_has_a_reason(error: Exception, said: str) -> None:
    assert reason_of(error) == said


def _below(kind: type[RequestError]) -> set[type[RequestError]]:
    return {kind}.union(*map(_below, kind.__subclasses__()))


def test_every_402_has_the_type_that_litellm_does_not_repeat() -> None:
    kinds = {kind for kind in _below(RequestError) if kind.status == 402}
    assert {kind.code for kind in kinds} == {
        *("budget_exceeded", "request_cost_unknown", "request_too_expensive"),
    }
    assert {kind.type for kind in kinds} == {"invalid_request_error"}


@pytest.mark.parametrize("room", ["cli", "ledger"])
def test_t64_no_message_is_made_of_a_reason_that_may_be_none(room: str) -> None:
    """`strerror` is None where an OSError was made of words alone."""
    for module in (ROOT / room).rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        used = [each for each in ast.walk(tree) if isinstance(each, ast.Attribute)]
        assert "strerror" not in {each.attr for each in used}, module
