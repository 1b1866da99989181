"""Fetches OpenRouter's public benchmark export, as its publisher asks (openrouter.md §A7).

The manifest of the newest export, or of a date, names dated files that never change, and their
checksums; the `latest` files move one by one, so none of them is used. No key is sent.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ..catalog.catalog import EMPTY
from ..catalog.scores import NotAnExport, Snapshot, read_export
from ..errors import UpstreamError
from ..wire.headers import to_upstream
from ..wire.listing import MOST_MODELS, NotAListing
from .client import OpenRouter
from .listings import rows_at
from .score_copies import DATASET

BASE = "/datasets/exports"
_MODELS = "/models?output_modalities=all"
_WITHOUT_KEY = to_upstream((), key=None, router_metadata=False)
_OK = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHA256 = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})")
_NAMES = ("path", "name", "file", "filename", "url", "key")


async def fetch_export(
    openrouter: OpenRouter, date: str | None = None
) -> tuple[bytes, Snapshot, str]:
    """The newest export, or the one of a date: its bytes, the snapshot in it, and its path.

    Raises `NotAnExport` if there is none, or its checksum or date is not the manifest's; and
    `UpstreamError`.
    """
    named, manifest = date or "latest", None
    if date is None or _DAY.fullmatch(date):
        manifest = await _manifest(openrouter, f"{BASE}/{DATASET}/{named}.manifest.json")
    if manifest is None and date is None:
        manifest = await _manifest(openrouter, f"{BASE}/index.json")
    day, checksum = _newest(manifest, date)
    path = f"{BASE}/{DATASET}/{day}.json"
    body = await _get(openrouter, path)
    if body is None:
        raise NotAnExport(f"OpenRouter has no {path}, which its manifest names")
    found = hashlib.sha256(body).hexdigest()
    if found != checksum:
        raise NotAnExport(f"{path} has the SHA-256 {found}, and its manifest says {checksum}")
    snapshot = read_export(body, checksum)
    if snapshot.date != day:
        raise NotAnExport(f"{path} is dated {snapshot.date}")
    return body, replace(snapshot, slugs=await _slugs(openrouter, snapshot)), path


async def _slugs(openrouter: OpenRouter, snapshot: Snapshot) -> dict[str, str]:
    """The models' slugs by the dated ones in the export; empty if they can't be listed."""
    try:
        rows = await rows_at(openrouter, _MODELS, _WITHOUT_KEY, most=MOST_MODELS)
    except NotAListing:
        return {}
    scored = frozenset(snapshot.models)
    models = EMPTY.with_models(rows).models.values()
    return {
        each.canonical_slug: each.slug
        for each in models
        if each.canonical_slug in scored and ":" not in each.slug
    }


def _newest(manifest: object, date: str | None) -> tuple[str, str]:
    """The date and SHA-256 of the newest JSON file in a manifest. Raises `NotAnExport`."""
    found = dict(_dated_files(manifest))
    day = date if date is not None else max(found, default=None)
    if manifest is None or day is None or day not in found:
        which = f"of {date}" if date else "of any date"
        raise NotAnExport(
            f"OpenRouter has no benchmark export {which} with a checksum at {BASE}/{DATASET}; "
            "a date has the form 2026-11-21"
        )
    return day, found[day]


def _dated_files(node: object) -> Iterator[tuple[str, str]]:
    """Every dated JSON file of this dataset with its checksum, wherever the manifest has them."""
    if isinstance(node, list):
        for each in node:
            yield from _dated_files(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _dated_file(key, value)
            yield from _dated_files(value)
        for name in _NAMES:
            yield from _dated_file(node.get(name), node)


def _dated_file(name: object, about: object) -> Iterator[tuple[str, str]]:
    """A file under its name, if it is a dated one of this dataset: path, bare name or address."""
    parts = name.split("/")[-2:] if isinstance(name, str) else []
    day = parts[-1].removesuffix(".json") if parts else ""
    is_named = bool(parts) and parts[-1] == f"{day}.json" and parts[:-1] in ([], [DATASET])
    checksum = _checksum(about)
    if is_named and _DAY.fullmatch(day) and checksum is not None:
        yield day, checksum


def _checksum(about: object) -> str | None:
    values = about.values() if isinstance(about, Mapping) else (about,)
    texts = (_SHA256.fullmatch(each.lower()) for each in values if isinstance(each, str))
    return next((found[1] for found in texts if found), None)


async def _manifest(openrouter: OpenRouter, path: str) -> Any:
    body = await _get(openrouter, path)
    try:
        return None if body is None else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _get(openrouter: OpenRouter, path: str) -> bytes | None:
    """The body at a path; None if OpenRouter has nothing there."""
    status, _, body = await openrouter.get(path, _WITHOUT_KEY)
    if status >= 500:  # noqa: PLR2004 - statuses are known by number
        raise UpstreamError(f"{openrouter.base_url}{path} answered {status}; try again later")
    return body if status == _OK else None
