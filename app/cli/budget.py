"""`pointsman budget`: what is spent of each budget, when it runs out, and when it is free again."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime

from rich.text import Text

from ..budget.report import Keys, Report, Standing, standing_as_json
from ..budget.windows import Calendar
from ..ledger.spender import Question, Spent
from ..policy.budgets import NEAR_TENTHS, Budget, By
from ..settings import Settings
from .explain_subject import Subject
from .ledgers import to_read
from .policies import book_of
from .stats import dollars, percent
from .terminal import Console, Table, print_json
from .which_ledger import absent, with_ledger
from .words import command

_NO_KEY: Mapping[By, str] = {
    "rule": "all requests",
    "caller": "no caller",
    "tool": "no tool",
    "session": "no session",
}
_ROOM = 90  # characters; a narrower terminal does without the rest and the years


def show_budgets(settings: Settings, *, as_json: bool) -> None:
    """Print every budget of the policies, from the ledger.

    Raises `PolicyFileError`, `SettingsError` if there is no ledger, and `LedgerError`.
    """
    rows, calendar = standings(settings), Calendar(settings.zone)
    if as_json:
        print_json({"budgets": [standing_as_json(row, calendar) for row in rows]})
        return
    console = Console()
    if not rows:
        console.print("No rule has a budget; docs/policies.md#budget shows how to write one.")
        return
    console.print(_table(rows, calendar, wide=console.width >= _ROOM))
    notes = [f"times in {settings.time_zone} (POINTSMAN_TIME_ZONE)"]
    if any(row.share >= 1 for row in rows):
        notes.insert(0, "refused: spent, requests get a 402 until the time under `free again`")
    if any(row.runs_out for row in rows):
        notes.insert(0, "runs out: at the pace of today")
    for note in notes:
        console.print(Text(note, style="dim"))


def standings(settings: Settings) -> list[Standing]:
    """What is spent of every budget of the policies, from the ledger. Raises as `show_budgets`."""
    budgets = book_of(settings).budgets
    return _read(settings, budgets, Calendar(settings.zone)) if budgets else []


def _read(
    settings: Settings, budgets: Sequence[Budget], calendar: Calendar, keys: Keys | None = None
) -> list[Standing]:
    """What is spent of some budgets, from the ledger of these settings."""
    with closing(to_read(settings)) as store:
        return Report(lambda: store, lambda: budgets, calendar).rows(keys)


def budgets_for(
    settings: Settings, budgets: Sequence[Budget], subject: Subject, calendar: Calendar
) -> list[Standing]:
    """What is spent of the budgets for one model, caller and tool; nothing without a ledger.

    A session's budget is left out: nothing names a session here.
    """
    shown = [each for each in budgets if each.by != "session"]
    keys: dict[By, str | None] = {
        "rule": None,
        "caller": subject.caller,
        "tool": subject.user_agent or None,
    }
    if not shown:
        return []
    if absent(with_ledger(settings)):
        return Report(_Nothing, lambda: shown, calendar).rows(keys)
    return _read(settings, shown, calendar, keys)


def told_of(row: Standing, calendar: Calendar) -> str:
    """One budget in one line, as `explain` prints it."""
    ends = "" if row.ends is None else f", free again at {calendar.shown(row.ends)}"
    return (
        f"budget: {row.budget}: {dollars(row.spent)} spent ({percent(row.share)})"
        f"{ends if row.share >= 1 else ''}, by {row.budget.place}"
    )


def told_of_sessions(budget: Budget) -> str:
    """The budget of sessions in one line, as `explain` prints it: nothing names a session here."""
    return (
        f"budget: {budget}, if the request names one, by {budget.place}; "
        f"`{command()} budget` shows what each has spent"
    )


class _Nothing:
    """A ledger without spending."""

    def spent(self, questions: Sequence[Question], *_: object) -> Spent:
        """Answer that nothing is spent."""
        return Spent(((),) * len(questions), (), 0, 0)


def _table(rows: Sequence[Standing], calendar: Calendar, *, wide: bool) -> Table:
    table, form = Table(), f"{'%Y-' if wide else ''}%m-%d %H:%M"
    table.add_column("rule", overflow="fold")
    table.add_column("budget", no_wrap=True)
    table.add_column("for", overflow="fold")
    for heading in ("spent", "rest", "share") if wide else ("spent", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("runs out", "free again"):
        table.add_column(heading, no_wrap=True)

    def shown(moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(calendar.zone).strftime(form)

    for row in rows:
        table.add_row(
            row.budget.rule,
            row.budget.amount,
            _NO_KEY[row.budget.by] if row.key is None else f"{row.budget.by} {row.key}",
            dollars(row.spent),
            *((dollars(row.rest),) if wide else ()),
            Text(percent(row.share), style=_style(row)),
            "refused" if row.share >= 1 else shown(row.runs_out) or "-",
            shown(row.ends) or "new session",
        )
    return table


def _style(row: Standing) -> str:
    if row.share >= 1:
        return "bold red"
    return "yellow" if row.share * 10 >= NEAR_TENTHS else ""
