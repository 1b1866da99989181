"""`pointsman launch`: runs one tool through Pointsman, and reports what its requests came to.

Rule 1  Nothing of the user's own configuration is changed. The tool is set by variables, by
        arguments, and by files in a folder that is removed after the run.
Rule 2  The account is of this run's requests and no others. A Pointsman that is started for the
        run has no others; one that runs already is reached by an address of this run's own.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket

from ..errors import SettingsError
from ..ledger.receipt import Receipt, has_failed, paid_usd
from ..openrouter.client import connect
from ..server.bounds import Bounds
from ..settings import Settings
from ..shown import one_line
from ..tools.account import Account, Entry, account_lines
from ..tools.filling import Run, Target, any_program, run_of
from ..tools.tool import Tool
from .foreground import NOT_FOUND, CannotRun, run
from .process_log import hold_log
from .running import Running
from .serving import base_url, listen
from .tap import Tap
from .threads import in_a_thread
from .tool_files import filled_copy, link_neighbours, must_be_known
from .which_ledger import in_front_of, ledger_option
from .words import command

_LOOPBACK = "127.0.0.1"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(slots=True)
class Session:
    """One run's own address, and the account of what passed there."""

    address: str
    account: Account
    log: str  # the command that shows a receipt
    key: str | None


def launch(
    settings: Settings,
    name: str,
    arguments: Sequence[str],
    *,
    any_tool: bool = False,
    model: str | None = None,
    key: str | None = None,
    quiet: bool = False,
) -> int:
    """Run a tool through Pointsman; return its exit code.

    With `any_tool`, `name` is a program that is set by variables only. Raises `SettingsError`,
    before anything is started, for an unknown tool.
    """
    tool = None if any_tool else must_be_known(name, launched=True)
    program = name if tool is None or tool.launch is None else tool.launch.program
    if shutil.which(program) is None:
        known = tool.launch.install if tool and tool.launch else None
        way_out = f"; install it: {known}" if known else "; install it, or give its path to --env"
        _say(f"{program} is not installed, or not on PATH{way_out}")
        return NOT_FOUND
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-launch-")))
        held = hold_log()
        with _session(settings, key, quiet=quiet) as session:
            target = Target(session.address, model, session.key)
            ready = any_program(name, target) if tool is None else _set(tool, target, folder)
            try:
                code = run((ready.program, *ready.arguments, *arguments), _environment(ready))
            except CannotRun as error:
                _say(f"{program} can't be run: {error}")
                code = error.code
    for line in held:
        sys.stderr.write(f"{line}\n")
    if not quiet:
        for line in account_lines(session.account, session.log):
            _say(line)
    return code


def _set(tool: Tool, target: Target, folder: Path) -> Run:
    """Write what the tool reads into the folder."""
    assert tool.launch is not None  # noqa: S101 - `must_be_known` said so
    copied = tool.config is not None and tool.launch.copy is not None
    if copied and tool.config.needs_model and target.model is None:  # type: ignore[union-attr]
        return run_of(tool.launch, target, None)
    ready = run_of(tool.launch, target, str(folder))
    files = dict(ready.files)
    if tool.config is not None and tool.launch.copy is not None:
        place, files[tool.launch.copy] = filled_copy(tool.config, target)
        if tool.launch.links:
            link_neighbours(place, folder)
    for name, text in files.items():
        with (folder / name).open("x", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), 0o600)  # it may hold a key
            file.write(text)
    return ready


def _environment(ready: Run) -> dict[str, str]:
    """The variables of the tool: the user's, and over them those of the run."""
    found = {name: value for name, value in os.environ.items() if name not in ready.without}
    if any(found.get(name) or found.get(name.lower()) for name in _PROXIES):
        for name in ("NO_PROXY", "no_proxy"):  # or it would ask the proxy for this machine
            found[name] = ",".join(filter(None, (found.get(name), _LOOPBACK)))
    return {**found, **ready.variables}


@contextmanager
def _session(settings: Settings, key: str | None, *, quiet: bool) -> Iterator[Session]:
    """An address for one run: in front of the Pointsman that runs, else of one of its own."""
    key = _key_of(settings, key)
    with closing(Running(settings, key)) as running:
        there = running.is_there()
        if there:
            running.must_admit()
        running.close()  # it would be idle for as long as the tool runs
        if there and not quiet:
            _say(f"requests go to the Pointsman at {running.address}")
        begun = _in_front_of(running, settings, key) if there else _its_own(running, settings, key)
        with begun as session:
            yield session


def _key_of(settings: Settings, key: str | None) -> str | None:
    """The caller key: as given, by the name of its caller, or the first of the settings."""
    named = settings.caller_keys.get(key or "")
    if named is not None:
        return named.get_secret_value()
    return key or next(iter(_keys(settings)), None)


def _keys(settings: Settings) -> list[str]:
    return [each.get_secret_value() for each in settings.caller_keys.values()]


@contextmanager
def _in_front_of(running: Running, settings: Settings, key: str | None) -> Iterator[Session]:
    pointsman = partial(
        connect,
        running.address,
        connect_timeout=settings.connect_timeout,
        read_timeout=2 * settings.read_timeout,  # the one that runs ends requests, not we
        transport="lean",
    )
    tap = Tap(pointsman, largest=int(settings.max_body_mb * 1_000_000))
    listener = listen(_LOOPBACK, 0)
    account = Account()
    with in_a_thread(tap, listener, bounds=Bounds.of(settings)):
        yield Session(_address(listener), account, f"{command()} log", key)
    for receipt in running.receipts(tap.receipts):
        if receipt is None:
            account.unread += 1
        else:
            account.add(_entry(receipt))
    account.unread += tap.uncounted
    account.unanswered = tap.unanswered


@contextmanager
def _its_own(absent: Running, settings: Settings, key: str | None) -> Iterator[Session]:
    from ..main import create_app  # noqa: PLC0415 - half a second, if another one answers

    with ExitStack() as stack:
        if not settings.names_upstream:
            settings = in_front_of(stack.enter_context(_simulator()), settings)
            _say(
                f"no Pointsman answers at {absent.address}, and no OPENROUTER_API_KEY is set: "
                "this run asks a SIMULATED OpenRouter; nothing costs anything, and no model is "
                "really asked"
            )
        settings = settings.model_copy(update={"host": _LOOPBACK, "port": 0, "workers": 1})
        settings.check_exposure()
        if settings.caller_keys and key not in _keys(settings):
            raise SettingsError(
                "this is not a key of POINTSMAN_CALLER_KEYS, nor the name of a caller; "
                "correct --key or POINTSMAN_KEY, or leave it out"
            )
        account = Account()
        app = create_app(settings, filed=_adding_to(account))
        listener = listen(_LOOPBACK, 0)
        stack.enter_context(in_a_thread(app, listener, bounds=Bounds.of(settings)))
        log = f"{command()} log{ledger_option(settings)}"
        yield Session(_address(listener), account, log, key)


@contextmanager
def _simulator() -> Iterator[str]:
    from ..simulator import create_simulator  # noqa: PLC0415 - only without a key

    listener = listen(_LOOPBACK, 0)
    with in_a_thread(create_simulator(flawed=True), listener):
        yield f"{_address(listener)}/api/v1"


def _adding_to(account: Account) -> Callable[[Receipt], None]:
    return lambda receipt: account.add(_entry(receipt))


def _entry(receipt: Receipt) -> Entry:
    return Entry(
        receipt.id,
        receipt.provider,
        receipt.verdict,
        paid_usd(receipt),
        refused=receipt.ending == "refused",
        failed=has_failed(receipt),
    )


def _address(listener: socket) -> str:
    return base_url(listener).removesuffix("/v1")


def _say(line: str) -> None:
    sys.stderr.write(f"pointsman: {one_line(line)}\n")
    sys.stderr.flush()
