"""`pointsman verify`: fetches OpenRouter's record of a generation and judges again."""

import asyncio
import time
from urllib.parse import quote

from msgspec.structs import asdict
from rich.text import Text

from app.catalog.catalog import Catalog
from app.cli.asking import Asking, asking
from app.cli.ledgers import to_read
from app.cli.log import found
from app.cli.log_table import style_of
from app.cli.terminal import Console, Table, print_json
from app.cli.which_ledger import with_demos_upstream, with_ledger
from app.errors import SettingsError
from app.ledger.bounds import is_cut
from app.ledger.receipt import Receipt
from app.policy.terms import terms_of
from app.policy.verdict.attempts import Tried
from app.policy.verdict.judge import Served, Verdict, judge
from app.settings import Settings
from app.wire.generation import Generation, read_generation

_INNER = {"awaits_bill", "rests_on"}  # useful only while an answer is in progress
_POLL_SECONDS = 2.0
_OK = 200
_KEY_REFUSED = (401, 403)


def verify(settings: Settings, receipt_id: str, *, wait: float, as_json: bool) -> int:
    """Print the receipt's verdict and the one by the record; the exit code is 1 if broken.

    Raises `SettingsError` if there is no such receipt, no generation for it, or no record yet.
    """
    settings = with_ledger(settings)
    receipt = found(to_read(settings), receipt_id)
    if is_cut(receipt.preferences_sent):
        raise SettingsError(
            f"the preferences of {receipt.id} were too long to store in full, so the receipt can't "
            "be judged again; its verdict was based on all of them"
        )
    if receipt.generation_id is None or receipt.model_sent is None:
        raise SettingsError(f"{receipt.id} has no generation id; nothing was generated or reported")
    verdict = asyncio.run(_verified(with_demos_upstream(settings), receipt, wait))
    if as_json:
        before = {"verdict": receipt.verdict, "reason": receipt.reason}
        now = {name: value for name, value in asdict(verdict).items() if name not in _INNER}
        print_json({"receipt": receipt.id, "before": before, "now": now})
    else:
        Console().print(_table(receipt, verdict))
    return 1 if verdict.verdict == "broken" else 0


async def _verified(settings: Settings, receipt: Receipt, wait: float) -> Verdict:
    async with asking(settings) as ask:
        record = await _record(ask, str(receipt.generation_id), wait)
        catalog = await ask.named(await ask.catalog(str(receipt.model_sent)))
    sent = str(receipt.model_sent)
    served = Served(
        status=receipt.status or _OK,
        model=sent,
        named_by_record=record.provider,
        attempted=tuple(
            Tried(each.provider, (_meant(each.model, sent, catalog),))
            for each in record.attempts
            if each.failed
        ),
        is_byok=record.is_byok,
        server_tools=record.server_tools,
        cache_hit=record.from_cache,
    )
    terms = terms_of(receipt.preferences_sent).with_tiers()  # receipts don't record tiers
    return judge(served, terms, catalog, now=time.time())


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
        record = read_generation(body) if status == _OK else None
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


def _table(receipt: Receipt, verdict: Verdict) -> Table:
    table = Table()
    for heading in ("", "verdict", "provider", "reason"):
        table.add_column(heading, overflow="fold")
    for label, said, provider, reason in (
        ("receipt", receipt.verdict, receipt.provider, receipt.reason),
        ("record", verdict.verdict, verdict.provider, verdict.reason),
    ):
        told = said or "-"
        table.add_row(label, Text(told, style=style_of(told)), provider or "-", reason or "-")
    return table
