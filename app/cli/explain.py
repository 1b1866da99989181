"""`pointsman explain`: shows the request for a model, and the file and line of each setting.

For a receipt, it shows what the policies make of the same model, caller, tool and path today.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Group
from rich.text import Text

from ..catalog.audits import Audit
from ..catalog.catalog import EMPTY, Catalog, listing_key
from ..errors import MalformedBody, SettingsError, UnknownModel
from ..exact_numbers import plainly
from ..policy.book import Book
from ..policy.budgets import Budget
from ..policy.cap import Capped, market_of, models_reached
from ..policy.deadlines import in_force
from ..policy.forecast.explain import Explained, Explanation, as_json_object, explain
from ..policy.forecast.forecast import Forecast, forecasts
from ..policy.known_names import must_be_known
from ..policy.other_routes import Carriage, rows_of
from ..policy.request import request_for
from ..policy.route import Cap
from ..policy.routed import Routed, routed
from ..policy.rule import named as rules_named
from ..policy.sides import REQUEST
from ..settings import Settings
from ..shown import json_text, one_line
from ..suggest import did_you_mean
from ..wire.header_names import header_given
from .catalogs import Source, open_catalog
from .explain_subject import Subject, named
from .facts import with_facts
from .policies import book_of
from .terminal import Console, Table, lines, print_json
from .then_and_now import rendered, then_and_now

_NARROW = 100
_AFFINITY = {
    "hint": "hint; session_id is sent if the request names its session elsewhere",
    "pin": "pin; the host of a session's last turn is tried first",
    "strict": "strict; the host of a session's last turn is tried first, and sealed reasoning goes "
    "only to its issuer",
}


def show_explanation(
    settings: Settings,
    name: str,
    *,
    provider: str | None,
    caller: str | None,
    user_agent: str,
    as_json: bool,
    catalog: str | None = None,
    headers: Sequence[str] = (),
) -> int:
    """Print the explanation; the exit code is 1 if the request would be refused.

    `name` is a model's, an alias's, or a receipt's as in `log`; `headers` are written as
    `name: value`. With a `catalog`, also print the funnel. Raises `SettingsError` for a name that
    is none of these, a `--provider` that is not a JSON object, a `--header` that is not one, or a
    catalog that can't be loaded, and `PolicyFileError`.
    """
    told = told_of(
        settings,
        name,
        catalog=catalog,
        provider=_object(provider),
        caller=caller,
        user_agent=user_agent,
        headers=[_header(each) for each in headers],
    )
    if as_json:
        print_json(told_as_json(told), indent=2)
    else:
        _print(told, guessed=provider is None)
    return 1 if told.explanation.refusal else 0


@dataclass(frozen=True, slots=True)
class Told:
    """The explanation of a request, and what goes with it."""

    subject: Subject
    book: Book
    explanation: Explanation
    source: Source | None
    funnels: Sequence[Forecast] | None  # None: there is no catalog
    budgets: Sequence[str]
    spent: Sequence[dict[str, Any]]  # the budgets in JSON types


def told_of(
    settings: Settings,
    name: str,
    *,
    provider: dict[str, Any] | None = None,
    caller: str | None = None,
    user_agent: str = "",
    catalog: str | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Told:
    """Explain a model, alias or receipt by these settings. Raises as `show_explanation` does."""
    book = book_of(settings)
    asked = named(settings, book, name, caller=caller, user_agent=user_agent)
    facts = with_facts(EMPTY, settings)

    def route(subject: Subject, known: Catalog) -> Routed:
        return routed(
            book,
            request_for(subject.model, provider),
            caller=subject.caller,
            user_agent=subject.user_agent,
            headers=headers,
            catalog=known,
        )

    def to_fetch(listed: Catalog) -> list[str]:
        return [route(asked.subject(listed), facts).route.model_sent]

    try:
        source = open_catalog(catalog, settings, to_fetch) if catalog else None
        known = source.catalog.with_facts_of(facts) if source else facts
        subject = asked.subject(known)
        must_be_known([subject.model], book, known)
        by = route(subject, known)
        rows = rows_of(known.listing(by.route.model_sent), time.time())
        market = market_of(models_reached(by), known, now=time.time())
        explanation = explain(
            by,
            Carriage(subject.on, rows) if subject.on else None,
            market=market if source else None,
            dialect=subject.dialect,
        )
    except MalformedBody as error:
        raise SettingsError(str(error)) from None
    except UnknownModel as error:
        further = ". The ledger has no receipt of this name either" if asked.sought else ""
        raise SettingsError(f"{error}{further if asked.receipt is None else ''}") from None
    funnels: list[Forecast] | None = [] if source else None
    if source and not explanation.refusal:
        sent = explanation.provider
        funnels = [*forecasts(by.sent, by.route, sent, known, ladder=book.ladder)]
    budgets, spent = _budgets(settings, by.route.budgets, subject) if by.route.budgets else ([], [])
    return Told(subject, book, explanation, source, funnels, budgets, spent)


def told_as_json(told: Told) -> dict[str, Any]:
    """The same for machines."""
    receipt = told.subject.receipt
    then = {} if receipt is None else {"receipt": then_and_now(receipt, told.book)}
    explained = as_json_object(told.explanation, told.book.revision, told.funnels)
    return {**explained, "budgets": told.spent, **then}


def _print(told: Told, *, guessed: bool) -> None:
    """Print an explanation for people; `guessed`: a receipt's own preferences are not known."""
    console, explanation = Console(), told.explanation
    route, receipt = explanation.route, told.subject.receipt
    if receipt is not None:
        console.print(rendered(receipt, route, told.book.revision, guessed=guessed))
    rendered_now = _rendered(explanation, narrow=console.width < _NARROW)
    console.print(Group(rendered_now, *(Text(each, "dim") for each in told.budgets)))
    for each in told.funnels or ():
        console.print(_foreseen(each))
    source, sent_as = told.source, route.model_sent
    if source and source.catalog.listing(sent_as) is None:
        hint = did_you_mean(listing_key(sent_as), source.catalog.models)
        console.print(f"{sent_as} is not in the {source.name} catalog{hint}")


def _budgets(
    settings: Settings, budgets: Sequence[Budget], subject: Subject
) -> tuple[list[str], list[dict[str, Any]]]:
    """The budgets of a request with what is spent of them: in lines, and in JSON types."""
    from ..budget.report import standing_as_json  # noqa: PLC0415 - 150 ms, as the next
    from ..budget.windows import Calendar  # noqa: PLC0415
    from .budget import budgets_for, told_of, told_of_sessions  # noqa: PLC0415

    calendar = Calendar(settings.zone)
    rows = budgets_for(settings, budgets, subject, calendar)
    lines_of = [told_of(row, calendar) for row in rows]
    lines_of += [told_of_sessions(each) for each in budgets if each.by == "session"]
    return lines_of, [standing_as_json(row, calendar) for row in rows]


def _object(provider: str | None) -> dict[str, Any] | None:
    if provider is None:
        return None
    try:
        return msgspec.json.decode(provider, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SettingsError(
            f'--provider requires a JSON object such as \'{{"only": ["novita"]}}\': {error}'
        ) from None


def _header(text: str) -> tuple[bytes, bytes]:
    """A header of the request. Raises `SettingsError` without repeating what may be a key."""
    name, value = header_given(text)
    if not name or ":" not in text:
        raise SettingsError("--header requires a name and a value, such as 'x-team: red'")
    return name, value


def _rendered(explanation: Explanation, *, narrow: bool) -> Group:
    route = explanation.route
    head = Text(one_line(route.model_asked), style="bold")
    if route.model_sent != route.model_asked:
        head.append(f"  is sent as {route.model_sent}", style="")
    rules = ", ".join(route.rules) or "no rule applies"
    parts: list[Text | Table] = [head, Text(f"rules: {rules}", style="dim")]
    clauses = in_force(route.deadlines, route.origins)
    if clauses:
        deadlines = ", ".join(f"{clause.key} {clause.value}" for clause in clauses)
        parts.append(Text(f"deadlines: {deadlines} in {rules_named(clauses)}", style="dim"))
    if route.cap is not None:
        parts.append(Text(_cap(route.cap, explanation.capped), style="dim"))
    parts.append(Text())
    if explanation.refusal is not None:
        refusal = explanation.refusal
        parts.append(Text(f"refused with {refusal.status} {refusal.code}:", style="bold red"))
        parts.append(Text(str(refusal)))
    elif not explanation.fields:
        parts.append(Text("sent unchanged"))
    else:
        parts.append(_fields(explanation.fields, narrow=narrow))
    parts += [Text(bar.told, style="dim") for bar in route.bars if not explanation.refusal]
    if route.strip_headers and not explanation.refusal:
        names = ", ".join(route.strip_headers)
        why = rules_named(route.strip_headers.values())
        parts += [Text(), Text(f"headers not forwarded: {names}, because of {why}", style="dim")]
    if route.affinity != "off" and not explanation.refusal:
        why = rules_named(route.origins.get("affinity", ()))
        parts += [Text(), Text(f"affinity: {_AFFINITY[route.affinity]}, because of {why}", "dim")]
    for item in explanation.overruled:
        asked, sent = _json(item.asked), _json(item.sent)
        told = f"overruled: {item.place} was {asked}, is {sent}: {item.why} ({item.rule})"
        parts += [Text(), Text(told, style="yellow")]
    return Group(*parts)


def _cap(cap: Cap, within: Capped | None) -> str:
    """The cap, and what the request could cost, if prices are known."""
    word = "limits the answer" if cap.clamp else "refuses"
    head = f"cost: at most ${plainly(cap.usd)}, else {cap.clause} {word}"
    bound = within.bound if within else None
    if bound is None or bound.usd is None:
        return f"{head}; with --catalog, explain shows what this request could cost"
    return (
        f"{head}; this request costs at most ${plainly(bound.usd)}, "
        f"at {bound.endpoint.tag}: {bound}"
    )


def _foreseen(each: Forecast) -> Text:
    """The funnel, and the endpoints left or the change required."""
    left = ", ".join(
        f"{endpoint.tag} ({endpoint.quantization}{_audit(each.audits.get(endpoint.tag))})"
        for endpoint in each.funnel.survivors
    )
    text = Text(f"\nfunnel: {one_line(str(each.funnel))}\n", style="bold")
    if left:
        text.append(f"may serve: {one_line(left)}", style="not bold")
    else:
        text.append("no endpoint is left", style="red")
        if each.way_out:
            text.append(f"; smallest change: {one_line(str(each.way_out))}", "not bold")
    if each.funnel.unsure:
        unsure = ", ".join(each.funnel.unsure)
        text.append(f"\n? no listing shows which endpoints satisfy {unsure}", style="not bold dim")
    return text


def _audit(audit: Audit | None) -> str:
    """The last audit of an endpoint: `; audit of 2026-11-21: same`."""
    return "" if audit is None else f"; audit of {audit.date}: {audit.verdict}"


def _fields(fields: tuple[Explained, ...], *, narrow: bool) -> Table:
    """One field per row; in a narrow terminal, its origin is below it."""
    table = Table()
    table.add_column("field", no_wrap=True)
    table.add_column("sent as", overflow="fold")
    if not narrow:
        table.add_column("because of", overflow="fold")
    for field in fields:
        because = Text(_because(field), style="dim")
        sent = Text("left out" if field.sent is None else _json(field.sent))
        if narrow:
            table.add_row(Text(field.field), lines(sent, because))
        else:
            table.add_row(Text(field.field), sent, because)
    return table


def _because(field: Explained) -> str:
    clauses, request = field.behind.clauses, [REQUEST] if field.behind.request else []
    keys = ", ".join(clause.key for clause in clauses)
    policy = [f"{keys} in {rules_named(clauses)}"] if clauses else []
    return " and ".join(policy + request)


def _json(value: Any) -> str:
    return "nothing" if value is None else json_text(value)
