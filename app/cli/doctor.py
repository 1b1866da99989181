"""`pointsman doctor`: tests each part of the setup in the way that a request would use it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from rich.text import Text

from ..catalog.account import WINDOWS, compared, read_account
from ..catalog.catalog import EMPTY
from ..errors import LedgerError, PointsmanError, UpstreamError, reason_of
from ..ledger.address import without_password
from ..ledger.spent import spent
from ..ledger.store import Store
from ..openrouter.address import amiss, is_list, others
from ..openrouter.client import connect
from ..policy_folder import read_folder
from ..policy_report import look_over
from ..settings import Settings
from ..wire.headers import to_upstream
from ..wording import plural, rules_and_aliases
from .asking import asking
from .facts import with_facts
from .notify import webhook_of
from .policies import book_of, folder_of
from .terminal import Console, hanging
from .which_ledger import absent, log_command
from .words import command, local_address

_OK = 200
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One check: its name, whether it passed, and details."""

    what: str
    well: bool | None  # None: it could not be checked, which is not an error
    told: str


async def examine(settings: Settings) -> list[Diagnosis]:
    """Run every possible check, in the order in which a request would need each part."""
    found: list[Diagnosis] = []
    for what, look in _EXAMINATIONS.items():
        try:
            found.append(Diagnosis(what, *await look(settings)))
        except PointsmanError as error:
            found.append(Diagnosis(what, well=False, told=reason_of(error)))
    return found


def doctor(settings: Settings) -> int:
    """Print the results; the exit code is 1 if a check failed."""
    found = asyncio.run(examine(settings))
    console = Console()
    marks: Mapping[bool | None, tuple[str, str]] = {
        True: ("OK      ", "green"),
        False: ("FAIL    ", "bold red"),
        None: ("warning ", "yellow"),
    }
    for each in found:
        word, style = marks[each.well]
        label = Text(word, style=style).append(f"{each.what:<9} ", style="bold")
        # Further lines are indented: no detail may look like another diagnosis.
        text = hanging(console, Text(each.told), indent=len(label), label=label)
        console.print(text, soft_wrap=True)
    return 1 if any(each.well is False for each in found) else 0


Told = tuple[bool | None, str]


async def _settings(settings: Settings) -> Told:
    settings.check_exposure()
    return True, f"listens on {settings.host}:{settings.port}, upstream {settings.upstream_url}"


async def _policies(settings: Settings) -> Told:
    folder = folder_of(settings)
    book = read_folder(folder)
    if not (book.rules or book.aliases):
        return False, f"no rules in {folder}; requests pass through unchanged"
    callers = frozenset(settings.caller_keys)
    found = look_over(folder, book, with_facts(EMPTY, settings), callers)
    serious = [each for each in found if each.severity != "note"]
    held = rules_and_aliases(len(book.rules), len(book.aliases))
    told = f"{folder}: {held}, policy version {book.revision}"
    more = f"; {plural(len(serious), 'finding')}, see {command()} check" if serious else ""
    return True, told + more


async def _ledger(settings: Settings) -> Told:
    file = absent(settings)
    if file is not None:
        await asyncio.to_thread(_try_to_create, file)
        shown = without_password(settings.ledger())
        return True, f"{shown}: does not exist yet; the server creates it"
    store = await asyncio.to_thread(Store.open, settings.ledger())
    try:
        newest = store.recent(limit=1)
    finally:
        store.close()
    when = f"newest of {newest[0].started_at:%Y-%m-%d %H:%M} UTC" if newest else "no receipts yet"
    return True, f"{without_password(settings.ledger())}: {when}"


def _try_to_create(file: Path) -> None:
    """Raise `LedgerError` if the ledger can't be created, and create nothing that stays.

    An empty ledger would hide the demo's: commands read that one only while there is no other.
    """
    folder = next(each for each in file.absolute().parents if each.exists())
    try:
        TemporaryDirectory(dir=folder).cleanup()
    except OSError as error:
        raise LedgerError(f"can't create the ledger {file}: {reason_of(error)}") from error


async def _upstream(settings: Settings) -> Told:
    wrong = await _how_the_address_is_wrong(settings)
    if wrong is not None:
        return False, wrong
    if settings.openrouter_api_key is None:
        return None, "no OPENROUTER_API_KEY is set; clients must send their own key"
    async with asking(settings) as ask:
        began = time.perf_counter()
        status, answer = await ask.openrouter.get_json("/key", ask.headers)
        took = (time.perf_counter() - began) * 1000
    if status != _OK:
        return False, f"GET /key answers {status} after {took:.0f} ms; check the key"
    data = answer.get("data") if isinstance(answer, dict) else None
    left = data.get("limit_remaining") if isinstance(data, dict) else None
    left = round(left, 2) if isinstance(left, float) else left
    limit = "" if left is None else f", {left} USD of its limit left"
    return True, f"reached in {took:.0f} ms, the key is accepted{limit}"


async def _how_the_address_is_wrong(settings: Settings) -> str | None:
    """The setting to use if the address is not an API's, if one can be found on its host."""
    url = settings.upstream_url
    wrong = amiss(*await _models_at(url, settings))
    if wrong is None:
        return None
    for other in others(url):
        with suppress(UpstreamError):
            status, body = await _models_at(other, settings)
            if status == _OK and is_list(body):
                return f"GET {url}/models {wrong}; set POINTSMAN_UPSTREAM_URL={other}"
    return (
        f"GET {url}/models {wrong}, so this is not the base URL of an API; "
        "set POINTSMAN_UPSTREAM_URL, e.g. to https://openrouter.ai/api/v1"
    )


async def _models_at(url: str, settings: Settings) -> tuple[int, bytes]:
    """The answer of a base address to a request for its list of models: status and body."""
    key = settings.openrouter_api_key.get_secret_value() if settings.openrouter_api_key else None
    openrouter = connect(
        url,
        connect_timeout=settings.connect_timeout,
        read_timeout=min(settings.read_timeout, _PATIENCE_SECONDS),
        transport=settings.transport,
    )
    try:
        headers = to_upstream((), key=key, router_metadata=False)
        status, _, body = await openrouter.get("/models", headers)
    finally:
        await openrouter.aclose()
    return status, body


async def _notices(settings: Settings) -> Told:
    """Whether notifications arrive, as the ledger has it. Nothing of the URL is shown."""
    webhook = webhook_of(settings)
    if webhook is None:
        return True, "none are sent; POINTSMAN_NOTIFY_URL is not set"
    how = f"format {webhook.form}, {'signed' if webhook.secret else 'not signed'}"
    if absent(settings):
        return True, f"{how}; test them with {command()} notify test"
    store = await asyncio.to_thread(Store.open, settings.ledger())
    try:
        found = store.undelivered_notices(datetime.now(UTC))
    finally:
        store.close()
    if found.number:
        lost = plural(found.number, "notification")
        return False, (
            f"{how}; {lost} of the last day not delivered, the last error: {found.error}; "
            f"test them with {command()} notify test"
        )
    return True, f"{how}; all of the last day are delivered"


async def _running(settings: Settings) -> Told:
    """Follow a real request through a running server, up to where it would be sent (T-36)."""
    base = f"http://{local_address(settings.host)}:{settings.port}"
    headers = {"x-pointsman-dry-run": "1"}
    for key in settings.caller_keys.values():
        headers["authorization"] = f"Bearer {key.get_secret_value()}"
    try:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.post(
                f"{base}/v1/chat/completions", json={"model": _MODEL}, headers=headers
            )
            told: Any = answer.json()
    except (httpx2.TransportError, ValueError):
        return None, f"no server at {base}; start it with {command()} serve"
    if answer.status_code != _OK or "rules" not in told:
        return False, f"{base} answers {answer.status_code}: {str(told)[:200]}"
    there, here = told["book"], book_of(settings).revision
    if there != here:
        return False, f"{base} serves policy version {there}, but the files here are {here}"
    rules = ", ".join(told["rules"]) or "no rule"
    return True, f"{base} applies {rules} to {_MODEL}; receipts: {log_command(settings)}"


async def _account(settings: Settings) -> Told:
    """Compare what OpenRouter counts for the key with what the receipts here add up to."""
    if settings.openrouter_api_key is None:
        return None, "not compared, since no OPENROUTER_API_KEY is set"
    try:
        async with asking(settings) as ask:
            _, answer = await ask.openrouter.get_json("/key", ask.headers)
    except UpstreamError:
        answer = None
    account = read_account(answer)
    if account is None:
        return None, "not compared, since OpenRouter does not tell what the key has spent"
    here = dict.fromkeys(WINDOWS, Decimal(0))
    if absent(settings) is None:
        store = await asyncio.to_thread(Store.open, settings.ledger())
        try:
            here = await asyncio.to_thread(spent, store, datetime.now(UTC))
        finally:
            store.close()
    found = compared(account, here)
    well = None if any(each.differs for each in found) else True
    return well, "\n".join(each.text for each in found) or "nothing spent is told"


_MODEL = "qwen/qwen3-coder"
_EXAMINATIONS: Mapping[str, Callable[[Settings], Awaitable[Told]]] = {
    "settings": _settings,
    "policies": _policies,
    "ledger": _ledger,
    "upstream": _upstream,
    "account": _account,
    "notices": _notices,
    "server": _running,
}
