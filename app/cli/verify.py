"""`pointsman verify`: fetches OpenRouter's record of a generation and judges again."""

import asyncio
import time
from typing import Any, NamedTuple
from urllib.parse import quote

from msgspec.structs import asdict
from rich.text import Text

from ..catalog.catalog import Catalog, listing_key
from ..errors import SettingsError
from ..ledger.bounds import is_cut
from ..ledger.receipt import Receipt, iso
from ..policy.terms import terms_of
from ..policy.verdict.attempts import Tried
from ..policy.verdict.judge import Served, Verdict, judge
from ..settings import Settings
from ..wire.generation import Generation, read_generation
from .asking import Asking, asking
from .ledgers import to_read
from .listed_then import Then, of_receipt
from .log import found
from .log_table import style_of
from .terminal import Console, Table, print_json
from .which_ledger import with_demos_upstream, with_ledger

_INNER = {"awaits_bill", "rests_on", "listing"}  # useful only while an answer is in progress
_POLL_SECONDS = 2.0
_OK = 200
_KEY_REFUSED = (401, 403)


class _Judged(NamedTuple):
    """The verdicts by OpenRouter's record."""

    now: Verdict  # by the listing as it was, if it is kept
    today: Verdict  # by today's


def verify(settings: Settings, receipt_id: str, *, wait: float, today: bool, as_json: bool) -> int:
    """Print the receipt's verdict and the one by the record; the exit code is 1 if broken.

    It is judged by the listing as it was, if the ledger has it; with `today`, by today's as well.
    Raises `SettingsError` if there is no such receipt, no generation for it, or no record yet.
    """
    settings = with_ledger(settings)
    store = to_read(settings)
    receipt = found(store, receipt_id)
    if is_cut(receipt.preferences_sent):
        raise SettingsError(
            f"the preferences of {receipt.id} were too long to store in full, so the receipt can't "
            "be judged again; its verdict was based on all of them"
        )
    if receipt.generation_id is None or receipt.model_sent is None:
        raise SettingsError(f"{receipt.id} has no generation id; nothing was generated or reported")
    then = of_receipt(store, receipt)
    judged = asyncio.run(_verified(with_demos_upstream(settings), receipt, then, wait))
    if as_json:
        listing = then and {"digest": then.digest, "listed_at": iso(then.seen_at)}
        before = {"verdict": receipt.verdict, "reason": receipt.reason}
        told = {"receipt": receipt.id, "before": before, "now": _named(judged.now)}
        by_today = {"today": _named(judged.today)} if today else {}
        print_json({**told, "listing": listing, **by_today})
    else:
        console = Console()
        console.print(_table(receipt, judged, today=today))
        console.print(_by_which(receipt, then))
        if today and then and judged.today.verdict == judged.now.verdict:
            console.print("Today's listing gives the same verdict.")
    return 1 if judged.now.verdict == "broken" else 0


def _named(verdict: Verdict) -> dict[str, Any]:
    return {name: value for name, value in asdict(verdict).items() if name not in _INNER}


def _by_which(receipt: Receipt, then: Then | None) -> str:
    """Say by which listing the record was judged."""
    if then is not None:
        return f"Judged by the listing as it was then: {then}."
    why = "is no longer kept" if receipt.listing else "was not kept"
    return f"Judged by today's listing: the one of then {why}."


async def _verified(
    settings: Settings, receipt: Receipt, then: Then | None, wait: float
) -> _Judged:
    sent = str(receipt.model_sent)
    async with asking(settings) as ask:
        record = await _record(ask, str(receipt.generation_id), wait)
        catalog = await ask.named(await ask.catalog(sent))
    by_today = _judged(receipt, record, sent, catalog, time.time())
    if then is None:
        return _Judged(by_today, by_today)
    answered = sent if then.model == listing_key(sent) else then.model
    as_it_was, asked_at = then.added_to(catalog), receipt.started_at.timestamp()
    return _Judged(_judged(receipt, record, answered, as_it_was, asked_at), by_today)


def _judged(
    receipt: Receipt, record: Generation, model: str, catalog: Catalog, now: float
) -> Verdict:
    """Judge the record by a catalog; `model` is the one whose listing counts."""
    served = Served(
        status=receipt.status or _OK,
        model=model,
        named_by_record=record.provider,
        attempted=tuple(
            Tried(each.provider, (_meant(each.model, model, catalog),))
            for each in record.attempts
            if each.failed
        ),
        is_byok=record.usage.is_byok,
        server_tools=record.server_tools,
        cache_hit=record.from_cache,
    )
    terms = terms_of(receipt.preferences_sent).with_tiers()  # receipts don't record tiers
    return judge(served, terms, catalog, now=now)


def _meant(tried: str | None, sent: str, catalog: Catalog) -> str:
    """The model that was tried; if it is the model sent, under the name that was sent."""
    if tried is None or catalog.own_name(tried) == catalog.own_name(sent):
        return sent
    return catalog.own_name(tried)


async def _record(ask: Asking, generation_id: str, wait: float) -> Generation:
    """Fetch the record, with retries until it is written: some ten seconds after the answer."""
    until = time.monotonic() + wait
    path = f"/generation?id={quote(generation_id, safe='')}"  # upstream made it up
    while True:
        status, _, body = await ask.openrouter.get(path, ask.headers)
        record = read_generation(body, generation_id) if status == _OK else None
        if record is not None:
            return record
        if status in _KEY_REFUSED:
            raise SettingsError(
                f"OpenRouter rejects the key (status {status}); check OPENROUTER_API_KEY"
            )
        if time.monotonic() >= until:
            raise SettingsError(
                f"OpenRouter has no record of {generation_id} (status {status}): it is written "
                "some ten seconds after the answer, and only the key that asked may read it"
            )
        await asyncio.sleep(_POLL_SECONDS)


def _table(receipt: Receipt, judged: _Judged, *, today: bool) -> Table:
    table = Table()
    for heading in ("", "verdict", "provider", "reason"):
        table.add_column(heading, overflow="fold")
    by_record = [("record", judged.now), *([("today", judged.today)] if today else [])]
    for label, said, provider, reason in (
        ("receipt", receipt.verdict, receipt.provider, receipt.reason),
        *((label, each.verdict, each.provider, each.reason) for label, each in by_record),
    ):
        told = said or "-"
        table.add_row(label, Text(told, style=style_of(told)), provider or "-", reason or "-")
    return table
