"""`pointsman bundle`: one file with what a report of a fault needs, and no content, key or name."""

import asyncio
import json
import platform
import re
import sqlite3
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from .. import __version__
from ..errors import PointsmanError, reason_of
from ..policy_folder import policy_files, text_of
from ..settings import Settings, unknown_settings
from ..shown import json_text
from ..wording import plural
from .bundle_receipts import without_names
from .doctor import as_json_object, examine
from .ledgers import to_read
from .own_server import address_of, metrics, readiness
from .policies import folder_of
from .redaction import Redaction
from .terminal import Console
from .whole_file import whole_file

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day of zip: the same content makes the same file
_FOR_ITS_USER = 0o600

# Settings whose value is no secret and no name. Of others it is said whether they are set.
SHOWN = frozenset(
    {
        *("host", "port", "workers", "upstream_url", "policies", "ledger_keep", "ledger_max_mb"),
        *("catalog_keep", "catalog_max_mb", "state", "forward_headers", "open", "max_body_mb"),
        *("max_bodies_mb", "max_head_kb", "max_headers", "max_connections", "head_timeout"),
        *("body_timeout", "idle_timeout", "connect_timeout", "read_timeout", "transport"),
        *("write_timeout", "worker_timeout", "drain_seconds", "pin_seconds", "time_zone"),
        *("defects", "notify_format", "explain_errors", "guess_sessions", "otel", "log_level"),
    }
)

_README = """\
What Pointsman {version} collected for a bug report. Look through it before you share it.

In it:
{inside}
Not in it: prompts, answers, keys, values of headers, passwords, the address of the webhook. Of the
settings, names and keys of callers, host names and origins are counted; the ledger's address is
left out. In receipts, callers, sessions, subagents and user agents have numbers in place of names,
the same in all of them; the path, the generation's id and the audit's are left out. Your home
folder is written as ~.
{missing}
It does name: models, providers, your rules and aliases, the address of OpenRouter's API that you
have set, the host and user of a PostgreSQL ledger (doctor.json), and times, sizes and costs.
"""
_INSIDE: Mapping[str, str] = {
    "versions.json": "versions of Pointsman, Python, the system and libraries",
    "settings.json": "settings, without secrets",
    "doctor.json": "what `pointsman doctor --json` prints",
    "policies/": "your policy files AS THEY ARE, with their comments and the names in them;\n"
    "                  --without-policies leaves them out",
    "receipts.jsonl": "the newest receipts, oldest first, without names",
    "ready.json": "what the running server answers at /ready",
    "metrics.txt": "what it answers at /metrics",
}


def write_bundle(settings: Settings, file: Path, *, receipts: int, with_policies: bool) -> None:
    """Write the file, for its user alone, and print what is in it.

    Raises `SettingsError` if it can't be written. What can't be read is left out, and the README
    says so.
    """
    members, missing = _collected(settings, receipts=receipts, with_policies=with_policies)
    members["README.txt"] = _readme(members, missing)
    clean = Redaction.of(settings)
    with (
        whole_file(file, mode=_FOR_ITS_USER) as opened,
        zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _FOR_ITS_USER << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            written.writestr(entry, _without_home(clean.applied(members[name])))
    _print(file, members, missing)


def _collected(
    settings: Settings, *, receipts: int, with_policies: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """The members by name, and why others are missing."""
    members = {
        "versions.json": _json(versions()),
        "settings.json": _json(shown_settings(settings)),
        "doctor.json": _json(as_json_object(asyncio.run(examine(settings)))),
    }
    missing: dict[str, str] = {}
    if with_policies:
        members |= _policies(settings, missing)
    else:
        missing["policies/"] = "left out as asked"
    if receipts:
        _add_receipts(settings, receipts, members, missing)
    else:
        missing["receipts.jsonl"] = "left out as asked"
    ready, counted = readiness(settings), metrics(settings)
    if ready is not None:
        members["ready.json"] = _json(ready)
    if counted is not None:
        members["metrics.txt"] = counted
    for name in ("ready.json", "metrics.txt"):
        if name not in members:
            missing[name] = f"no Pointsman at {address_of(settings)} answers"
    return members, missing


def versions() -> dict[str, Any]:
    """The versions of everything that takes part."""
    libraries: dict[str, str] = {}
    with suppress(metadata.PackageNotFoundError):
        for each in metadata.requires("pointsman") or ():
            name = re.split(r"[^\w.-]", each, maxsplit=1)[0]
            with suppress(metadata.PackageNotFoundError):  # an extra that is not installed
                libraries[name] = metadata.version(name)
    return {
        "pointsman": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": dict(sorted(libraries.items())),
    }


def shown_settings(settings: Settings) -> dict[str, Any]:
    """The settings by name; of those that may be secrets or names, whether and how many are set."""
    found = {name: _shown(name, getattr(settings, name)) for name in type(settings).model_fields}
    return {**found, "ledger": settings.ledger().partition(":")[0], "unknown": unknown_settings()}


def _shown(name: str, value: Any) -> Any:
    if name not in SHOWN or isinstance(value, SecretStr):
        if isinstance(value, dict | tuple):
            return {"number": len(value)}
        return "not set" if value is None else "set"
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _policies(settings: Settings, missing: dict[str, str]) -> dict[str, str]:
    """The policy files as they are, valid or not."""
    found: dict[str, str] = {}
    for file in policy_files(folder_of(settings)):
        try:
            found[f"policies/{file.name}"] = text_of(file)
        except (OSError, ValueError) as error:
            missing[f"policies/{file.name}"] = f"can't be read: {reason_of(error)}"
    return found


def _add_receipts(
    settings: Settings, most: int, members: dict[str, str], missing: dict[str, str]
) -> None:
    try:
        store = to_read(settings)
        try:
            newest = store.recent(limit=most)
        finally:
            store.close()
    except PointsmanError as error:
        missing["receipts.jsonl"] = reason_of(error)
        return
    lines = (json_text(each) for each in without_names(reversed(newest)))
    members["receipts.jsonl"] = "".join(f"{line}\n" for line in lines)


def _readme(members: Iterable[str], missing: Mapping[str, str]) -> str:
    inside = "".join(
        f"  {name:<15} {told}\n"
        for name, told in _INSIDE.items()
        if any(each.startswith(name) for each in members)
    )
    left = "".join(f"  {name}: {why}\n" for name, why in missing.items())
    told = f"\nMissing:\n{left}" if left else ""
    return _README.format(version=__version__, inside=inside, missing=told)


def _print(file: Path, members: Mapping[str, str], missing: Mapping[str, str]) -> None:
    console = Console()
    console.print(f"{file}, which only you can read; look through it before you share it:")
    for name in sorted(members):
        console.print(f"  {name}: {plural(len(members[name].encode()), 'byte')}", soft_wrap=True)
    for name, why in missing.items():
        console.print(f"  not in it: {name} ({why})", soft_wrap=True)


def _without_home(text: str) -> str:
    """The text with `~` for the user's home folder, whose path has the user's name."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return text
    return re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text) if len(home) > 1 else text


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
