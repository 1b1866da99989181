"""What an audit found, as a table and sentences, or as JSON."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.text import Text

from ..audit import words
from ..audit.plan import Plan
from ..audit.results import Audit, Compared, Finding
from ..audit.sentences import LEGEND, SPOT_CHECK
from ..auditing.judged import as_json
from ..ledger.audits import Audit as Kept
from ..ledger.receipt import iso
from ..shown import one_line
from ..wording import plural
from .terminal import Console, Table, hanging

_WIDE = 110  # columns that the whole table takes
SAME_DAY = (
    "The stored answers are of the same day, so nothing is said of a change: answers of one day "
    "are alike. Repeat the audit on two other days."
)
STYLES = {
    "same": "green",
    "unchanged": "green",
    "different": "bold red",
    "changed": "bold red",
    "undecided": "yellow",
}


def print_plan(console: Console, plan: Plan, ceiling: Decimal) -> None:
    """Say what is about to be asked, of which endpoints, at what price, and what is refused."""
    table = Table()
    for name in ("endpoint", "listed as"):
        table.add_column(name, overflow="fold")
    for name in ("in $/M", "out $/M", "about $"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in plan.endpoints:
        is_reference = each == plan.reference
        named = Text(each.tag).append(" (reference)" if is_reference else "", style="dim")
        price = each.cost(plan.requests_each, 30)
        table.add_row(
            named,
            each.label or "-",
            _money(each.prompt_price),
            _money(each.completion_price),
            f"{price:.4f}",
        )
    console.print(table)
    said = [*words.refusals(plan.refused), words.planned(plan)]
    if plan.expected_usd > ceiling:
        said.append(words.too_dear(ceiling))
    elif plan.most_usd > ceiling:
        said.append(f"It stops before it has spent more than ${ceiling} (--max-usd).")
    for line in said:
        print_line(console, line)


def print_result(
    console: Console, found: Audit, findings: Sequence[Finding], notes: Sequence[str]
) -> None:
    """Print what an audit found of each endpoint, then what may be said of it."""
    console.print(_table(found, wide=console.width >= _WIDE or not console.is_terminal))
    for line in (LEGEND, *notes, *says(found, findings)):
        console.print()
        print_line(console, line)


def says(found: Audit, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What may be said of an audit. With `--since`, one day alone proves nothing."""
    if found.reference is not None:
        return words.audit(found)
    told = map(words.finding, findings)
    return words.reference(None), *(told if findings else (SAME_DAY,)), SPOT_CHECK


def print_line(console: Console, line: str) -> None:
    """Print one sentence or more, indented where the terminal breaks it."""
    console.print(hanging(console, Text(one_line(line)), indent=2), soft_wrap=True)


def _table(found: Audit, *, wide: bool) -> Table:
    table = Table(gap=2 if wide else 1)
    table.add_column("endpoint", overflow="fold")
    table.add_column("listed as", overflow="fold")
    if wide:
        for name in ("in $/M", "out $/M"):
            table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("ratio (95 %)", no_wrap=True)
    for name in ("own", "ref.", "p adj.", "finds"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found.compared:
        prices = (_money(each.prompt_price), _money(each.completion_price)) if wide else ()
        table.add_row(each.tag, each.label or "-", *prices, *_cells(each))
    return table


def _cells(each: Compared) -> tuple[Text | str, ...]:
    ratio = "-"
    if each.ratio is not None:
        low, high = each.ratio_low or 0, each.ratio_high or 0
        ratio = f"{each.ratio:.2f} ({low:.2f}-{high:.2f})"
    return (
        Text(each.verdict, style=STYLES[each.verdict]),
        ratio,
        _share(each.own),
        _share(each.own_reference),
        "-" if each.p_adjusted is None else f"{each.p_adjusted:.4f}",
        "-" if each.could_find is None else f"{each.could_find:.2f}",
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _money(price: Decimal | None) -> str:
    return "-" if price is None else f"{price.normalize():f}"


def result_as_json(
    kept: Kept, found: Audit, findings: Sequence[Finding], notes: Sequence[str]
) -> dict[str, Any]:
    """The same in JSON types."""
    return {
        "audit": kept.id,
        "state": kept.state,
        "started_at": iso(kept.started_at),
        "ended_at": kept.ended_at and iso(kept.ended_at),
        "result": as_json(found),
        "findings": [as_json(each) for each in findings],
        "notes": list(notes),
        "says": list(says(found, findings)),
    }


def print_list(console: Console, audits: Sequence[Kept], answers: Sequence[int]) -> None:
    """Print audits, one a line, with how far each came."""
    table = Table(gap=1 if console.width < _WIDE else 2)
    for name in ("audit", "began", "state", "spent"):
        table.add_column(name, no_wrap=True)
    for name in ("model", "found"):
        table.add_column(name, overflow="fold")
    for each, number in zip(audits, answers, strict=True):
        result = each.result or {}
        spent = result.get("spent_usd")
        table.add_row(
            each.id,
            each.started_at.strftime("%m-%d %H:%M"),
            each.state,
            "-" if spent is None else f"${Decimal(str(spent)):.4f}",
            each.model,
            _summary(result) if each.state == "finished" else plural(number, "answer"),
        )
    console.print(table)


def _summary(result: Any) -> str:
    verdicts = [each["verdict"] for each in result.get("compared", ())]
    found = {word: verdicts.count(word) for word in ("same", "different", "undecided")}
    return ", ".join(f"{count} {word}" for word, count in found.items() if count) or "-"


def stopped(name: str, why: str, done: int, total: int, command: str) -> str:
    """Say that an audit ended before its end, and how to go on."""
    return (
        f"Stopped: {why}. {done:,} of {plural(total, 'answer')} are there, and are kept; "
        f"{command} audit {name} --resume goes on without asking for them again."
    )
