"""`pointsman prove`: tests whether OpenRouter enforces each clause of a model's policy.

For each clause it sends a request that can't be satisfied. A refusal is free, and is the proof; an
answer means that the clause is not enforced. With `--positive` it also sends one small request
under the whole policy and judges which provider served, which costs a few tokens.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec
from rich.text import Text

from ..catalog.catalog import Catalog
from ..errors import PolicyRefusal, SettingsError
from ..policy.apply import apply
from ..policy.as_sent import as_sent
from ..policy.carriers import NOTHING
from ..policy.forecast.negative_controls import Control, Facts, controls
from ..policy.request import read_request
from ..policy.route import Route
from ..policy.routed import Routed
from ..policy.rule import named
from ..record.exchange import Arrival, Exchange
from ..record.receipt_of import verdict_of
from ..settings import Settings
from ..shown import json_text
from ..wire.dialect import DIALECTS
from ..wire.frame import read_json
from ..wire.headers import to_caller
from .asking import Asking, asking
from .facts import with_facts
from .policies import book_of
from .terminal import Console, Table, lines, print_json

Outcome = Literal["enforced", "NOT ENFORCED", "undecided", "untested", "kept", "broken", "unproven"]

_CHAT = "/chat/completions"
_ASK: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Say hi."}], "max_tokens": 16}
_NOBODY_LEFT = 404
_OK = 200
_STYLES = {
    "enforced": "green",
    "kept": "green",
    "NOT ENFORCED": "bold red",
    "broken": "bold red",
    "undecided": "yellow",
    "unproven": "yellow",
    "untested": "dim",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """One row of the table."""

    clause: str
    because: str  # the rule, file and line
    asked: Mapping[str, Any] | None
    why: str
    answered: str
    outcome: Outcome


def prove(settings: Settings, model: str, *, positive: bool, as_json: bool) -> int:
    """Print one row for each clause.

    The exit code is 1 if a clause is not kept, and 2 if OpenRouter's answer was inconclusive: a
    wrong key, or a model that it doesn't know.
    """
    proofs = asyncio.run(proofs_of(settings, model, positive=positive))
    if as_json:
        print_json([asdict(proof) for proof in proofs], indent=2)
    elif proofs:
        Console().print(_table(proofs))
    else:
        print(f"no policy applies to {model}, so there is nothing to prove")
    outcomes = {proof.outcome for proof in proofs}
    if outcomes & {"NOT ENFORCED", "broken"}:
        return 1
    return 2 if "undecided" in outcomes else 0


async def proofs_of(settings: Settings, model: str, *, positive: bool) -> list[Proof]:
    """Every clause of the model's policy, tested as far as it can be."""
    book = book_of(settings)
    async with asking(settings) as ask:
        request = read_request(msgspec.json.encode({"model": model, **_ASK}))
        plain = book.route_for(request, caller=None, user_agent="", catalog=Catalog())
        catalog = with_facts(await ask.catalog(plain.model_sent), settings)
        route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
        if route.conflict:
            raise SettingsError(f"requests for {model} are refused here: {route.conflict}")
        zdr = await ask.zdr_tags(route.model_sent) if "zdr" in route.preferences else None
        facts = Facts(catalog.listing(route.model_sent), zdr)
        proofs = [await _tested(ask, route, control) for control in controls(route, facts)]
        if positive and route.matched:
            proofs.append(await _served(ask, model, book.revision, route, catalog))
    return proofs


async def _tested(ask: Asking, route: Route, control: Control) -> Proof:
    def proof(answered: str, outcome: Outcome) -> Proof:
        because = named(control.clauses)
        return Proof(control.field, because, control.provider, control.why, answered, outcome)

    if control.provider is None:
        return proof("-", "untested")
    fields = {"model": route.model_sent, **_ASK, **control.extra, "provider": control.provider}
    status, body = await ask.answer(_CHAT, fields)
    answer = read_json(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    error = error if isinstance(error, dict) else {}
    if status == _NOBODY_LEFT and error:
        return proof(f"404 {_step(error)}".strip(), "enforced")
    if status == _OK and not error:
        return proof(f"200 from {answer.get('provider') or 'a provider not named'}", "NOT ENFORCED")
    return proof(f"{status} {str(error.get('message', ''))[:80]}".strip(), "undecided")


def _step(error: Mapping[str, Any]) -> str:
    metadata = error.get("metadata")
    step = metadata.get("failed_routing_step") if isinstance(metadata, dict) else None
    return str(step or error.get("message", ""))[:80]


async def _served(ask: Asking, model: str, revision: str, route: Route, catalog: Catalog) -> Proof:
    """The positive control: one request, sent and judged as the proxy would do it."""
    request = read_request(msgspec.json.encode({"model": model, **_ASK}))
    try:
        outgoing = apply(request, route)
    except PolicyRefusal as refusal:
        raise SettingsError(str(refusal)) from None
    dialect = DIALECTS[_CHAT]
    exchange = Exchange(Arrival("", _CHAT, dialect), book=revision)
    exchange.routed(Routed(request, as_sent(request, route), route, NOTHING))
    exchange.sending(outgoing)
    upstream = await ask.post(_CHAT, outgoing.body)
    try:
        answer = exchange.begin_answer(
            upstream.status, to_caller(upstream.headers, upstream.status)
        )
        async for chunk in upstream.chunks():
            answer.saw(chunk)
    finally:
        await upstream.aclose()
    assert answer.observer is not None  # noqa: S101 - begin_answer made one for the dialect
    seen = answer.observer.close()
    listing = catalog.listing(route.model_sent)
    now = listing.fetched_at if listing else 0.0
    verdict = verdict_of(exchange, seen, catalog, now=now)
    outcome: Outcome = verdict.verdict or "undecided"
    told = f"{upstream.status} from {seen.provider or 'a provider not named'}"
    because = ", ".join(route.rules) or f"alias {route.alias}"
    return Proof("all of it", because, outgoing.preferences, verdict.reason, told, outcome)


def _table(proofs: list[Proof]) -> Table:
    table = Table()
    table.add_column("clause", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("asked for, and why it must fail", overflow="fold")
    table.add_column("answered", overflow="fold")
    for proof in proofs:
        asked = [] if proof.asked is None else [Text(json_text(proof.asked))]
        why = [Text(proof.why, style="dim"), Text(proof.because, style="dim")]
        verdict = Text(proof.outcome, style=_STYLES[proof.outcome])
        table.add_row(proof.clause, verdict, lines(*asked, *why), proof.answered)
    return table
