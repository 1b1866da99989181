"""From kept answers to a result, and back from what is kept."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from app.audit.answers import hashed
from app.auditing.judged import (
    as_json,
    collected,
    day_of,
    result_of,
    verdicts_of,
)
from app.auditing.task import Task, begun, read_task
from app.errors import SettingsError
from app.known_audits import compared
from app.ledger.audits import Answer
from app.ledger.store import Store
from tests.auditing.made import KEY, task

AT = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)
TAGS = ("novita/fp8", "groq", "together")


def answers_of(of: Task, **texts: str) -> list[Answer]:
    """Every answer of an audit; each endpoint says its text, by the first part of its tag."""
    return [
        Answer(
            audit="aud_1",
            tag=each.tag,
            prompt=prompt,
            round=round_,
            hashes=hashed(texts.get(each.tag.partition("/")[0], f"Since {prompt}, so."), KEY),
            prompt_tokens=20,
            completion_tokens=16,
        )
        for each in of.plan.endpoints
        for prompt in range(of.drawn.prompts)
        for round_ in range(of.drawn.answers)
    ]


def test_answers_are_collected_prompt_by_prompt_and_dropped_ones_counted() -> None:
    of = task(*TAGS, prompts=2)
    answers = answers_of(of)
    answers[0] = replace(answers[0], dropped="cached")
    answers.append(replace(answers[1], tag="not/planned"))
    found = collected(TAGS, 2, answers[::-1])
    assert [len(each) for each in found["novita/fp8"].answers] == [1, 2]
    assert found["novita/fp8"].dropped == {"cached": 1}
    assert [len(each) for each in found["groq"].answers] == [2, 2]
    assert found.keys() == set(TAGS)


def test_an_endpoint_that_answers_otherwise_is_different_and_the_others_are_not() -> None:
    of = task(*TAGS, prompts=50)
    found = result_of(of, AT, answers_of(of, groq="No."), (), Decimal("0.01"))
    assert {each.tag: each.verdict for each in found.compared} == {
        "groq": "different",
        "together": "same",
    }
    assert found.reference is not None
    assert (found.reference.tag, found.day, found.spent_usd) == (
        "novita/fp8",
        "2026-11-28",
        Decimal("0.01"),
    )


def test_with_since_each_endpoint_is_compared_with_itself() -> None:
    of = task(*TAGS, prompts=50, since="aud_0")
    before = answers_of(of, groq="No.", together="Yes.")
    now = answers_of(of, groq="No.", together="Perhaps.")
    found = result_of(of, AT, now, before, Decimal(0))
    assert found.reference is None
    assert {each.tag: each.verdict for each in found.compared} == {
        "novita/fp8": "same",
        "groq": "same",
        "together": "different",
    }
    against = {each.against for each in verdicts_of("aud_1", of, found, AT)}
    assert against == {"aud_0"}


def test_what_was_found_of_an_endpoint_comes_back_from_the_ledger(store: Store) -> None:
    of = task(*TAGS, prompts=50)
    found = result_of(of, AT, answers_of(of, groq="No."), (), Decimal("0.01"))
    audit = begun("aud_1", of, AT)
    store.keep_audit(audit, verdicts_of("aud_1", of, found, AT))
    kept = store.verdicts(of.plan.model)
    assert [compared(each) for each in kept] == list(found.compared)
    again = store.audit("aud_1")
    assert again is not None
    assert read_task(again) == of
    json.dumps(as_json(found))


def test_a_task_that_can_not_be_read_is_an_error_with_a_way_out() -> None:
    broken = replace(begun("aud_1", task(), AT), plan={"plan": 1})
    with pytest.raises(SettingsError, match=r"aud_1 can't be read: .*start another one"):
        read_task(broken)


def test_a_day_is_a_utc_date() -> None:
    assert day_of(AT) == "2026-11-28"
