"""`pointsman explain`: shows the request for a model, and the file and line of each setting."""

from functools import partial
from typing import Any

import msgspec
from rich.console import Group
from rich.text import Text

from app.catalog.catalog import EMPTY, listing_key
from app.cli.catalogs import open_catalog
from app.cli.policies import book_of
from app.cli.terminal import Console, Table, lines, print_json
from app.errors import MalformedBody, SettingsError, UnknownModel
from app.policy.deadlines import in_force
from app.policy.forecast.explain import Explained, Explanation, as_json_object, explain
from app.policy.forecast.forecast import Forecast, forecasts
from app.policy.known_names import must_be_known
from app.policy.request import request_for
from app.policy.routed import routed
from app.policy.rule import named
from app.policy.sides import REQUEST
from app.settings import Settings
from app.shown import json_text, one_line
from app.suggest import did_you_mean

_NARROW = 100


def show_explanation(
    settings: Settings,
    model: str,
    *,
    provider: str | None,
    caller: str | None,
    user_agent: str,
    as_json: bool,
    catalog: str | None = None,
) -> int:
    """Print the explanation; the exit code is 1 if the request would be refused.

    With a `catalog`, also print the funnel. Raises `SettingsError` for a `--provider` that is not a
    JSON object or a catalog that can't be loaded, and `PolicyFileError`.
    """
    book = book_of(settings)
    try:
        request = request_for(model, _object(provider))
        ask = partial(routed, book, request, caller=caller, user_agent=user_agent)
        sent_as = ask(catalog=EMPTY).route.model_sent
        source = open_catalog(catalog, settings, lambda _: [sent_as]) if catalog else None
        must_be_known(request.models, book, source.catalog if source else EMPTY)
        by = ask(catalog=source.catalog if source else EMPTY)
        explanation = explain(by)
    except (MalformedBody, UnknownModel) as error:
        raise SettingsError(str(error)) from None
    funnels: list[Forecast] | None = [] if source else None
    if source and not explanation.refusal:
        sent = explanation.provider
        funnels = [*forecasts(by.sent, by.route, sent, source.catalog, ladder=book.ladder)]
    if as_json:
        print_json(as_json_object(explanation, book.revision, funnels), indent=2)
    else:
        console = Console()
        console.print(_rendered(explanation, narrow=console.width < _NARROW))
        for each in funnels or ():
            console.print(_foreseen(each))
        if source and source.catalog.listing(sent_as) is None:
            hint = did_you_mean(listing_key(sent_as), source.catalog.models)
            console.print(f"{sent_as} is not in the {source.name} catalog{hint}")
    return 1 if explanation.refusal else 0


def _object(provider: str | None) -> dict[str, Any] | None:
    if provider is None:
        return None
    try:
        return msgspec.json.decode(provider, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SettingsError(
            f'--provider requires a JSON object such as \'{{"only": ["novita"]}}\': {error}'
        ) from None


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
        parts.append(Text(f"deadlines: {deadlines} in {named(clauses)}", style="dim"))
    parts.append(Text())
    if explanation.refusal is not None:
        refusal = explanation.refusal
        parts.append(Text(f"refused with {refusal.status} {refusal.code}:", style="bold red"))
        parts.append(Text(str(refusal)))
    elif not explanation.fields:
        parts.append(Text("sent unchanged"))
    else:
        parts.append(_fields(explanation.fields, narrow=narrow))
    for item in explanation.overruled:
        asked, sent = _json(item.asked), _json(item.sent)
        told = f"overruled: provider.{item.field} was {asked}, is {sent}: {item.why} ({item.rule})"
        parts += [Text(), Text(told, style="yellow")]
    return Group(*parts)


def _foreseen(each: Forecast) -> Text:
    """The funnel, and the endpoints left or the change required."""
    left = ", ".join(
        f"{endpoint.tag} ({endpoint.quantization})" for endpoint in each.funnel.survivors
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
    policy = [f"{keys} in {named(clauses)}"] if clauses else []
    return " and ".join(policy + request)


def _json(value: Any) -> str:
    return "nothing" if value is None else json_text(value)
