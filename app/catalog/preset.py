"""Preset: a stored configuration that a request can name (openrouter.md §A1)."""

import re
from typing import Any

import msgspec

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LARGEST = 256 * 1024  # bytes of a preset's answer; a configuration has a few thousand
_MARK = "@preset/"


class Preset(msgspec.Struct, frozen=True, gc=False):
    """The designated version of a preset; `config` has the same fields as a request."""

    slug: str
    version: int | None
    config: msgspec.Raw  # a JSON object
    provider: dict[str, Any] | None = None
    models: tuple[str, ...] = ()


class Unusable(msgspec.Struct, frozen=True, gc=False):
    """A preset that can't be joined, and the reason."""

    slug: str
    why: str


class _Config(msgspec.Struct, gc=False):
    model: str | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None


class _Version(msgspec.Struct, gc=False):
    version: int | None = None
    config: msgspec.Raw = msgspec.Raw(b"{}")


class _Data(msgspec.Struct, gc=False):
    status: str | None = None
    designated_version: _Version | None = None


class _Body(msgspec.Struct, gc=False):
    data: _Data | None = None


def is_slug(slug: str) -> bool:
    """Whether this is a valid preset slug; it becomes part of a path."""
    return _SLUG.fullmatch(slug) is not None


def read_preset(slug: str, body: bytes) -> Preset | Unusable:
    """Return the preset in the body of a `GET /presets/{slug}`, or why it is unusable."""
    if len(body) > _LARGEST:
        return Unusable(slug, f"it is over {_LARGEST // 1024} kB")
    try:
        data = msgspec.json.decode(body, type=_Body).data
        version = data.designated_version if data else None
        config = msgspec.json.decode(version.config, type=_Config) if version else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Unusable(slug, "it can't be read")
    if data is None or data.status not in {None, "active"}:
        return Unusable(slug, f"its status is {data.status}" if data else "it can't be read")
    if version is None or config is None:
        return Unusable(slug, "it has no designated version")
    models = tuple(filter(None, (config.model, *(config.models or ()))))
    if any(_MARK in model for model in models):
        return Unusable(slug, "it names another preset as its model")
    return Preset(slug, version.version, version.config, config.provider, models)
