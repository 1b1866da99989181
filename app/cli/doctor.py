"""`pointsman doctor`: tests each part of the setup in the way that a request would use it."""

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from rich.text import Text

from .. import __version__
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
from .own_server import address_of, caller_headers
from .policies import book_of, folder_of
from .redaction import Redaction
from .terminal import Console, hanging, print_json
from .which_ledger import absent, log_command
from .words import command

_OK = 200
_PATIENCE_SECONDS = 30.0

# Whether it passed, what is told of it, and the end of that which is the remedy.
Told = tuple[bool | None, str] | tuple[bool | None, str, str]
Look = Callable[[Settings], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One check: its name, whether it passed, and details, at whose end is the remedy, if any."""

    what: str
    well: bool | None  # None: it could not be checked, which is not an error
    told: str
    remedy: str | None = None

    @property
    def message(self) -> str:
        """The details without the remedy."""
        return self.told.removesuffix(self.remedy).rstrip(",; ") if self.remedy else self.told


async def examine(settings: Settings) -> list[Diagnosis]:
    """Run every possible check, in the order in which a request would need each part.

    What other programs answer is quoted without the secrets of the settings.
    """
    redaction = Redaction.of(settings)
    return [
        Diagnosis(what, well, redaction.applied(told), remedy and redaction.applied(remedy))
        for what, look in _EXAMINATIONS.items()
        for well, told, remedy in [await _looked(look, settings)]
    ]


async def _looked(look: Look, settings: Settings) -> tuple[bool | None, str, str | None]:
    """The result of one check: an error of ours is a failure of it."""
    try:
        well, told, *remedy = await look(settings)
    except PointsmanError as error:
        told = reason_of(error)
        return False, told, _remedy_in(told)
    return well, told, remedy[0] if remedy else None


def _remedy_in(message: str) -> str | None:
    """The part of an error's message that says what to do: what follows the last semicolon."""
    problem, _, remedy = message.rpartition("; ")
    return remedy if problem and "\n" not in message else None


def doctor(settings: Settings, *, as_json: bool = False) -> int:
    """Print the results; the exit code is 1 if a check failed."""
    found = asyncio.run(examine(settings))
    if as_json:
        print_json(as_json_object(found), indent=2)
    else:
        _print(found)
    return 1 if any(each.well is False for each in found) else 0


def as_json_object(found: Iterable[Diagnosis]) -> dict[str, Any]:
    """The results as `--json` prints them; docs/operate.md describes the shape."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "checks": [
            {
                "code": each.what,
                "status": _STATUSES[each.well],
                "message": each.message,
                "remedy": each.remedy,
            }
            for each in found
        ],
    }


def _print(found: Iterable[Diagnosis]) -> None:
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


_STATUSES: Mapping[bool | None, str] = {True: "ok", False: "fail", None: "warning"}


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
    if not serious:
        return True, told
    remedy = f"see {command()} check"
    return True, f"{told}; {plural(len(serious), 'finding')}, {remedy}", remedy


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
        return False, *wrong
    if settings.openrouter_api_key is None:
        remedy = "clients must send their own key"
        return None, f"no OPENROUTER_API_KEY is set; {remedy}", remedy
    async with asking(settings) as ask:
        began = time.perf_counter()
        status, answer = await ask.openrouter.get_json("/key", ask.headers)
        took = (time.perf_counter() - began) * 1000
    if status != _OK:
        return (
            False,
            f"GET /key answers {status} after {took:.0f} ms; check the key",
            "check the key",
        )
    data = answer.get("data") if isinstance(answer, dict) else None
    left = data.get("limit_remaining") if isinstance(data, dict) else None
    left = round(left, 2) if isinstance(left, float) else left
    limit = "" if left is None else f", {left} USD of its limit left"
    return True, f"reached in {took:.0f} ms, the key is accepted{limit}"


async def _how_the_address_is_wrong(settings: Settings) -> tuple[str, str] | None:
    """What is wrong if the address is not an API's, with the remedy.

    That is the setting to use, if there is an API on the same host.
    """
    url = settings.upstream_url
    wrong = amiss(*await _models_at(url, settings))
    if wrong is None:
        return None
    for other in others(url):
        with suppress(UpstreamError):
            status, body = await _models_at(other, settings)
            if status == _OK and is_list(body):
                remedy = f"set POINTSMAN_UPSTREAM_URL={other}"
                return f"GET {url}/models {wrong}; {remedy}", remedy
    remedy = "set POINTSMAN_UPSTREAM_URL, e.g. to https://openrouter.ai/api/v1"
    return f"GET {url}/models {wrong}, so this is not the base URL of an API; {remedy}", remedy


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
    remedy = f"test them with {command()} notify test"
    if absent(settings):
        return True, f"{how}; {remedy}", remedy
    store = await asyncio.to_thread(Store.open, settings.ledger())
    try:
        found = store.undelivered_notices(datetime.now(UTC))
    finally:
        store.close()
    if found.number:
        lost = plural(found.number, "notification")
        told = (
            f"{how}; {lost} of the last day not delivered, the last error: {found.error}; {remedy}"
        )
        return False, told, remedy
    return True, f"{how}; all of the last day are delivered"


async def _running(settings: Settings) -> Told:
    """Follow a real request through a running server, up to where it would be sent (T-36)."""
    base = address_of(settings)
    headers = {"x-pointsman-dry-run": "1", **caller_headers(settings)}
    try:
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.post(
                f"{base}/v1/chat/completions", json={"model": _MODEL}, headers=headers
            )
            told: Any = answer.json()
    except (httpx2.TransportError, ValueError):
        remedy = f"start it with {command()} serve"
        return None, f"no server at {base}; {remedy}", remedy
    if answer.status_code != _OK or "rules" not in told:
        quoted = Redaction.of(settings).applied(str(told))[:200]  # none is cut in the middle
        return False, f"{base} answers {answer.status_code}: {quoted}"
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
_EXAMINATIONS: Mapping[str, Look] = {
    "settings": _settings,
    "policies": _policies,
    "ledger": _ledger,
    "upstream": _upstream,
    "account": _account,
    "notices": _notices,
    "server": _running,
}
