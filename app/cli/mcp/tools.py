"""The tools: what each is for, what it takes and answers, and how it finds the answer.

A row of `TOOLS` is a tool. None of them writes or sends anything but questions to a Pointsman.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import PolicyFileError
from ...settings import Settings
from ...wording import plural
from ..check import as_json_object, checked, unusable
from ..filters import FILTERS
from . import shapes
from .arguments import small
from .bounded import fitted
from .fault import Fault
from .shapes import Schema
from .source import Json, Question, Source

Arguments = Mapping[str, Any]

_FEWER = "ask with filters, such as model, provider, verdict or since, or with a smaller limit"


@dataclass(frozen=True, slots=True)
class Desk:
    """What tools answer from."""

    source: Callable[[], Source]
    settings: Settings
    only: str | None = None  # the one caller whose requests are shown


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool; `answer` may raise a `PointsmanError`, `tell` puts an answer in one sentence."""

    name: str
    title: str
    description: str
    takes: Schema
    answers: Schema
    answer: Callable[[Desk, Arguments], Json]
    tell: Callable[[Json], str]


def _answer(
    source: str,
    head: Json,
    *,
    rows: tuple[str, Sequence[Any]] | None = None,
    limit: int = 0,
    older: bool = False,
    way: str,
) -> Json:
    """An answer within its bounds, with what is left out of it and the way to see that."""
    name, found = rows or ("", ())
    fit = fitted({"from": source, **head}, found[:limit])
    left, part = len(found) - len(fit.rows), {name: fit.rows} if rows else {}
    out = {"rows": left, "values": fit.values, "older": older, "way": way}
    return {**fit.head, **part, "left_out": out if left or fit.values or older else None}


def _filters(arguments: Arguments) -> dict[str, str]:
    """The filters among the arguments, as text: as a command's options and a URL have them."""
    given = {name: arguments[name] for name in FILTERS if name in arguments}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }


# --- receipts ---------------------------------------------------------------------------------


def _log(desk: Desk, arguments: Arguments) -> Json:
    source, limit = desk.source(), arguments["limit"]
    before = arguments.get("before")
    found = source.log(_filters(arguments), limit=limit + 1, before=before)
    rows = [
        {**{name: each[name] for name in shapes.LOG_FIELDS}, "attempts": len(each["attempts"])}
        for each in found[:limit]
    ]
    way = f"for older ones, pass the last id as `before`; for fewer or others, {_FEWER}"
    older = len(found) > limit
    return _answer(source.name, {}, rows=("receipts", rows), limit=limit, older=older, way=way)


def _tell_log(answer: Json) -> str:
    rows = answer["receipts"]
    if not rows:
        return "No receipt matches."
    waits = [row["ttft_ms"] for row in rows if row["ttft_ms"] is not None]
    took = [row["duration_ms"] for row in rows if row["duration_ms"] is not None]
    parts = [
        f"{plural(len(rows), 'receipt')}, newest first",
        *([f"first token after {_span(waits)}"] if waits else []),
        *([f"whole answer in {_span(took)}"] if took else []),
    ]
    return f"{'; '.join(parts)}."


def _receipt(desk: Desk, arguments: Arguments) -> Json:
    source = desk.source()
    receipt = source.receipt(arguments["receipt"])
    return _answer(source.name, {"receipt": receipt}, way=f"pointsman log {receipt['id']}")


def _tell_receipt(answer: Json) -> str:
    receipt = answer["receipt"]
    wait, took = receipt["ttft_ms"], receipt["duration_ms"]
    parts = [
        f"Verdict {receipt['verdict'] or 'none'}, ending {receipt['ending']}",
        *([] if wait is None else [f"first token after {_seconds(wait)}"]),
        *([] if took is None else [f"whole answer in {_seconds(took)}"]),
        plural(len(receipt["attempts"]), "attempt") + " reported",
    ]
    return f"{'; '.join(parts)}."


def _stats(desk: Desk, arguments: Arguments) -> Json:
    source = desk.source()
    told = source.stats(_filters(arguments), tuple(arguments["by"]))
    head = {name: told[name] for name in ("since", "until", "by", "total")}
    return _answer(
        source.name,
        head,
        rows=("groups", told["groups"]),
        limit=arguments["limit"],
        way=f"for more, pass a larger `limit`; for fewer or others, {_FEWER}",
    )


def _tell_stats(answer: Json) -> str:
    total = answer["total"]
    wait, slow = total["ttft_p50_ms"], total["ttft_p95_ms"]
    waits = "" if wait is None else f"; first token: median {_seconds(wait)}"
    waits += "" if slow is None else f", 95 % within {_seconds(slow)}"
    return (
        f"{plural(total['requests'], 'request')}, {plural(total['errors'], 'error')}, in "
        f"{plural(len(answer['groups']), 'group')}{waits}."
    )


def _score(desk: Desk, arguments: Arguments) -> Json:
    source = desk.source()
    told = source.score(_filters(arguments), tuple(arguments["by"]))
    rows = [
        {"model": model["model"], **{name: each for name, each in host.items() if name != "days"}}
        for model in told["models"]
        for host in model["hosts"]
    ]
    return _answer(
        source.name,
        {"by": told["by"], "cut": told["cut"]},
        rows=("hosts", rows),
        limit=arguments["limit"],
        way=f"for more, pass a larger `limit`; for fewer or others, {_FEWER}",
    )


def _tell_score(answer: Json) -> str:
    models = {row["model"] for row in answer["hosts"]}
    return (
        f"{plural(len(answer['hosts']), 'host')} of {plural(len(models), 'model')}, surest fault "
        "first; each rate has its 95 % interval. Without a time, of the last 7 days."
    )


# --- policies ---------------------------------------------------------------------------------


def _explain(desk: Desk, arguments: Arguments) -> Json:
    model, receipt = arguments.get("model"), arguments.get("receipt")
    if (model is None) == (receipt is None):
        raise Fault("model, receipt: name one of them, and not both")
    caller = arguments.get("caller")
    if desk.only is not None and caller not in {None, desk.only}:
        raise Fault(f"caller: only requests of {desk.only!r} are explained here; leave it out")
    source = desk.source()
    question = Question(
        name=receipt or model or "",
        is_receipt=model is None,
        provider=small(arguments.get("provider")),
        caller=caller,
        user_agent=arguments.get("user_agent", ""),
    )
    told = {"funnel": [], "receipt": None, **source.explain(question)}
    head = {name: told[name] for name in shapes.EXPLAIN_FIELDS}
    return _answer(source.name, head, way="run pointsman explain with the same model or receipt")


def _tell_explain(answer: Json) -> str:
    if answer["refused"] is not None:
        return "Such a request would be refused; `refused` has the code and the reason."
    return (
        f"{plural(len(answer['rules']), 'rule')} would apply, and "
        f"{plural(len(answer['fields']), 'field')} would be changed; nothing was sent."
    )


def _check(desk: Desk, arguments: Arguments) -> Json:
    try:
        found = checked(desk.settings)
    except PolicyFileError as error:
        found = unusable(desk.settings, error)
    told = as_json_object(found)
    names = ("folder", "book", "rules", "aliases", "errors", "warnings", "notes")
    return _answer(
        "the policy files",
        {name: told[name] for name in names},
        rows=("findings", told["findings"]),
        limit=arguments["limit"],
        way="for more, pass a larger `limit`, or run pointsman check",
    )


def _tell_check(answer: Json) -> str:
    counts = (plural(answer[f"{name}s"], name) for name in ("error", "warning", "note"))
    return f"{', '.join(counts)} in the policy files; endpoints are not checked."


def _budget(desk: Desk, arguments: Arguments) -> Json:
    source = desk.source()
    return _answer(
        source.name,
        {},
        rows=("budgets", source.budgets()),
        limit=arguments["limit"],
        way="for more, pass a larger `limit`, or run pointsman budget",
    )


def _tell_budget(answer: Json) -> str:
    spent = sum(row["is_spent"] for row in answer["budgets"])
    return f"{plural(len(answer['budgets']), 'budget')}, {spent:,} of them spent."


def _span(milliseconds: Sequence[float]) -> str:
    ends = dict.fromkeys(map(_seconds, (min(milliseconds), max(milliseconds))))
    return " to ".join(ends)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s"


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "log",
            "Who served my last requests",
            "List receipts of requests, newest first: which provider served each, how long it "
            "took, what it cost, and whether the policy was kept.",
            shapes.LOG_ARGUMENTS,
            shapes.LOG_ANSWER,
            _log,
            _tell_log,
        ),
        Tool(
            "receipt",
            "One request in full",
            "Show one receipt in full: each attempt, the preferences that were sent, tokens, "
            "times, and the evidence for the verdict.",
            shapes.RECEIPT_ARGUMENTS,
            shapes.RECEIPT_ANSWER,
            _receipt,
            _tell_receipt,
        ),
        Tool(
            "stats",
            "Speed, errors and cost by provider",
            "Add receipts up in groups: share, errors, time to the first token (median and 95th "
            "percentile), tokens per second, cache, cost, verdicts.",
            shapes.STATS_ARGUMENTS,
            shapes.STATS_ANSWER,
            _stats,
            _tell_stats,
        ),
        Tool(
            "score",
            "Which hosts give faulty answers",
            "Show how often each host of a model was at fault, by kind of fault, with 95 % "
            "intervals.",
            shapes.SCORE_ARGUMENTS,
            shapes.SCORE_ANSWER,
            _score,
            _tell_score,
        ),
        Tool(
            "explain",
            "What would be sent, and why",
            "Explain what the policies make of a request for a model, or of a receipt's request "
            "today: each field with its rule, file and line. Nothing is sent; messages are not "
            "accepted.",
            shapes.EXPLAIN_ARGUMENTS,
            shapes.EXPLAIN_ANSWER,
            _explain,
            _tell_explain,
        ),
        Tool(
            "check",
            "Problems in the policies",
            "Check the policy files: each finding with its file, line and remedy.",
            shapes.CHECK_ARGUMENTS,
            shapes.CHECK_ANSWER,
            _check,
            _tell_check,
        ),
        Tool(
            "budget",
            "What is spent of each budget",
            "Show what is spent of each budget, when it runs out, and when it is free again.",
            shapes.BUDGET_ARGUMENTS,
            shapes.BUDGET_ANSWER,
            _budget,
            _tell_budget,
        ),
    )
}
