"""Plans, tasks and replies for tests of audits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.audit.plan import Plan, Planned
from app.auditing.sending import Reply
from app.auditing.task import Task, task_of
from tests.ledger.receipts import receipt

KEY = b"k" * 32
MODEL = "acme/sim-1"


def planned(tag: str = "novita/fp8", **fields: Any) -> Planned:
    known: dict[str, Any] = {
        "provider": tag.partition("/")[0].title(),
        "label": "fp8",
        "prompt_price": Decimal(1),
        "completion_price": Decimal(2),
        "request_price": Decimal(0),
        "price_varies": False,
        "reasoning_off": False,
    }
    return Planned(tag=tag, **{**known, **fields})


def plan(*tags: str, prompts: int = 4, answers: int = 2) -> Plan:
    endpoints = tuple(map(planned, tags or ("novita/fp8", "groq")))
    return Plan(
        model=MODEL,
        closed=False,
        reference=endpoints[0],
        chosen="listed",
        endpoints=endpoints,
        refused=(),
        prompts=prompts,
        answers=answers,
    )


def task(*tags: str, since: str | None = None, **fields: Any) -> Task:
    made = plan(*tags, **fields)
    if since is not None:
        made = replace(made, reference=None, chosen=None)
    return task_of(made, seed=7, mark="m", spread=0.0, since=since)


def reply(text: str | None = "Because.", status: int | None = 200, **fields: Any) -> Reply:
    retry_after = fields.pop("retry_after", None)
    told = {
        "provider": "novita",
        "status": status,
        "prompt_tokens": 30,
        "completion_tokens": 16,
        "reasoning_tokens": 0,
        "cost_usd": Decimal("0.00006"),
        "generation_id": "gen-1" if status == 200 else None,
    }
    if status != 200:
        told |= {"cost_usd": None, "provider": None, "prompt_tokens": None}
    made = None if fields.pop("unfiled", False) else receipt(**{**told, **fields})
    return Reply(status, retry_after, text if status == 200 else None, made)
