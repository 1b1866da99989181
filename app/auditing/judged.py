"""From the answers that an audit has kept to what it found. PURE."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ..audit.answers import Answer as Hashed
from ..audit.answers import Collected
from ..audit.comparing import compared, compared_with_own
from ..audit.results import Audit, Drop, Reference
from ..ledger.audits import REFERENCE, Answer, EndpointVerdict
from .task import Task


def collected(tags: Iterable[str], prompts: int, answers: Iterable[Answer]) -> dict[str, Collected]:
    """The answers of each endpoint, prompt by prompt; dropped ones are counted by reason."""
    kept: dict[str, list[list[Hashed]]] = {tag: [[] for _ in range(prompts)] for tag in tags}
    dropped: dict[str, Counter[Drop]] = {tag: Counter() for tag in kept}
    for each in sorted(answers, key=lambda each: each.round):
        if each.tag not in kept or each.prompt >= prompts:
            continue
        if each.dropped is None:
            kept[each.tag][each.prompt].append(_hashed(each))
        else:
            dropped[each.tag][msgspec.convert(each.dropped, Drop)] += 1
    return {
        tag: Collected(tag=tag, answers=tuple(map(tuple, rows)), dropped=dict(dropped[tag]))
        for tag, rows in kept.items()
    }


def result_of(
    task: Task,
    started_at: datetime,
    answers: Sequence[Answer],
    before: Sequence[Answer],
    spent: Decimal,
) -> Audit:
    """What an audit found; `before` are the answers that it compares with, if these are older."""
    plan, drawn = task.plan, task.drawn
    tags = [each.tag for each in plan.endpoints]
    now = collected(tags, drawn.prompts, answers)
    chance = random.Random(drawn.seed)  # noqa: S311 - so that the p-values can be reproduced
    reference = None
    if task.since is not None:
        then = collected(tags, drawn.prompts, before)
        triples = [(each, then[each.tag], now[each.tag]) for each in plan.endpoints]
        found = compared_with_own(triples, drawn.answers, chance)
    else:
        assert plan.reference is not None and plan.chosen is not None  # noqa: S101, PT018
        own = now[plan.reference.tag]
        pairs = [(each, now[each.tag]) for each in plan.compared]
        found = compared(own, pairs, drawn.answers, chance)
        reference = Reference(
            tag=plan.reference.tag,
            provider=plan.reference.provider,
            label=plan.reference.label,
            chosen=plan.chosen,
            dropped=own.dropped,
        )
    return Audit(
        model=plan.model,
        day=day_of(started_at),
        closed=plan.closed,
        drawn=drawn,
        reference=reference,
        compared=found,
        refused=plan.refused,
        spent_usd=spent,
    )


def verdicts_of(name: str, task: Task, found: Audit, at: datetime) -> list[EndpointVerdict]:
    """What the ledger keeps of each endpoint."""
    return [
        EndpointVerdict(
            audit=name,
            model=found.model,
            tag=each.tag,
            at=at,
            against=task.since or REFERENCE,
            verdict=each.verdict,
            found=as_json(each),
        )
        for each in found.compared
    ]


def as_json(struct: msgspec.Struct) -> dict[str, Any]:
    """A record in JSON types."""
    kept: dict[str, Any] = msgspec.to_builtins(struct)
    return kept


def day_of(moment: datetime) -> str:
    """A moment's UTC date, as 2026-11-28."""
    return moment.date().isoformat()


def _hashed(answer: Answer) -> Hashed:
    return Hashed(
        prefixes=answer.hashes,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        reasoning_tokens=answer.reasoning_tokens or 0,
    )
