"""GET /v1/models and the paths below it: upstream's list, preceded by the aliases."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from ..catalog.catalog import listing_key
from ..errors import UnknownModel, UpstreamError, UpstreamGarbage
from ..exact_numbers import whole
from ..openrouter.catalog_feed import CatalogFeed
from ..openrouter.client import OpenRouter
from ..policy.book import Book
from ..policy.rule import Alias
from ..policy_folder import PolicyFolder
from ..record.recorder import Recorder
from ..server.plain import send_bytes
from ..surrogates import without_surrogates
from ..wire.frame import read_value
from ..wire.headers import RawHeaders, to_caller, to_upstream
from ..wire.listing import MOST_MODELS, NotAListing, slices_of

_BELOW, _ENDPOINTS = "/models/", "/endpoints"
_OK = 200
_LARGE = 128_000  # bytes; less is shaped in two or three milliseconds, on the loop
_YEAR_3000 = 32_503_680_000


class Models:
    """Serves the list; when upstream can't be reached, the last one seen, marked as stale."""

    def __init__(
        self,
        *,
        policies: PolicyFolder,
        openrouter: OpenRouter,
        feed: CatalogFeed,
        recorder: Recorder,
    ) -> None:
        self._policies = policies
        self._openrouter = openrouter
        self._feed = feed
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send, wanted: str = "") -> None:
        """Answer one request for the list of models, or for the one `wanted`."""
        del receive  # a GET has no body, and this answer is too short to watch for a hang-up
        async with self._recorder.exchange(scope, send, None, filed=False):
            status, headers, body = await self._list(scope)
            if status == _OK:
                book, for_anthropic = self._policies.current, _is_anthropics(scope)
                work = partial(shaped, body, book, wanted, for_anthropic=for_anthropic)
                body = await asyncio.to_thread(work) if len(body) > _LARGE else work()
            await send_bytes(send, status, body, _without_length(headers))

    def named_in(self, path: str) -> str | None:
        """The model that a path asks for, `/models/{alias}` or `/models/{author}/{slug}`.

        Any other path under `/models` is one of upstream's own.
        """
        name = path.removeprefix(_BELOW)
        if name == path:
            return None
        return name if name.count("/") == 1 or self._alias(name) else None

    def listing_in(self, path: str) -> str | None:
        """For `/models/{alias}/endpoints`, the path of the listing of the alias's model."""
        name = path.removeprefix(_BELOW).removesuffix(_ENDPOINTS)
        if path != _BELOW + name + _ENDPOINTS or self._alias(name + _ENDPOINTS):
            return None
        alias = self._alias(name)
        return _BELOW + listing_key(alias.model) + _ENDPOINTS if alias else None

    def _alias(self, name: str) -> Alias | None:
        return self._policies.current.alias_of(name)

    async def _list(self, scope: Scope) -> tuple[int, RawHeaders, bytes]:
        query = "" if _is_anthropics(scope) else scope["query_string"].decode("latin-1")
        path = f"/models?{query}" if query else "/models"
        headers = to_upstream(
            scope["headers"],
            key=self._openrouter.key,
            router_metadata=False,
            also=self._openrouter.forwarded,
        )
        try:
            status, answered, body = await self._openrouter.get(path, headers)
        except UpstreamError:
            last = self._feed.models_list
            if last is None:
                raise
            stale = [(b"content-type", b"application/json"), (b"warning", b'110 - "Stale"')]
            return _OK, stale, last
        return status, to_caller(answered, status), body


def shaped(body: bytes, book: Book, wanted: str = "", *, for_anthropic: bool = False) -> bytes:
    """The list of models, or the one `wanted`, in the requested shape, aliases first.

    A body that is not a list of models is returned unchanged if the request is for the whole list
    in OpenRouter's shape; otherwise raises `UpstreamGarbage`. Also raises `UnknownModel`.
    """
    if not (wanted or for_anthropic):
        return with_aliases(body, book)
    try:
        entries = _entries(body, book)
    except NotAListing as error:
        raise UpstreamGarbage(
            f"OpenRouter did not answer GET /models with a list of models: {error}"
        ) from None
    if wanted:
        named = (entry for entry in entries if (_id_of(entry) or "").lower() == wanted.lower())
        entry = next(named, None)
        if entry is None:
            raise UnknownModel(
                f"no model or alias is named {wanted!r}; GET /v1/models lists all of them"
            )
        return msgspec.json.encode(_anthropic_entry(entry)) if for_anthropic else bytes(entry)
    return _anthropic_list(entries)


def with_aliases(body: bytes, book: Book) -> bytes:
    """The list with an additional entry for each alias; upstream's entries keep their bytes.

    An alias has its model's fields, so that tools find its context length and prices. A body that
    is not a list of models is returned unchanged.
    """
    if not book.aliases:
        return body
    try:
        entries = _entries(body, book)
    except NotAListing:
        return body
    return msgspec.json.encode({**_fields(body), "data": entries})


def _entries(body: bytes, book: Book) -> list[msgspec.Raw]:
    """The aliases' entries and upstream's. Raises `NotAListing`."""
    entries = slices_of(body, most=MOST_MODELS)
    if not book.aliases:
        return entries
    known = {listing_key(name): entry for entry in entries if (name := _id_of(entry))}
    ours = [
        _entry(alias.name, alias.model, known.get(listing_key(alias.model)))
        for alias in book.aliases.values()
    ]
    return [*ours, *entries]


def _anthropic_list(entries: Iterable[msgspec.Raw]) -> bytes:
    shown = [_anthropic_entry(entry) for entry in entries if _id_of(entry)]
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {}
    return msgspec.json.encode({"data": shown, "has_more": False, **ends})


def _anthropic_entry(entry: msgspec.Raw) -> dict[str, Any]:
    described = read_value(entry) or {}
    name, created = described.get("name"), whole(described.get("created"), below=_YEAR_3000)
    return {
        "type": "model",
        "id": _id_of(entry),
        "display_name": name if isinstance(name, str) and name else _id_of(entry),
        "created_at": datetime.fromtimestamp(created or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _is_anthropics(scope: Scope) -> bool:
    """Whether the client is one of Anthropic's: those page by ids and expect another shape."""
    return any(name == b"anthropic-version" for name, _ in scope["headers"])


class _Named(msgspec.Struct):
    id: str


# Text that is not UTF-8 and unlimited nesting raise errors other than the JSON decoder's own.
_UNREADABLE = (ValueError, RecursionError)


def _id_of(entry: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(entry, type=_Named).id
    except _UNREADABLE:
        return None


def _entry(alias: str, model: str, described: msgspec.Raw | None) -> msgspec.Raw:
    entry: dict[str, object] = {"id": alias, "object": "model", "created": 0}
    if described is not None:
        entry = {**_fields(described), "id": alias}
    entry |= {"name": f"{alias} ({model})", "owned_by": "pointsman", "alias_of": model}
    return msgspec.Raw(msgspec.json.encode(entry))


def _fields(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The fields of an object, each in its own bytes; none if it can't be read."""
    for readable in (bytes, without_surrogates):
        try:
            return msgspec.json.decode(readable(bytes(text)), type=dict[str, msgspec.Raw])
        except _UNREADABLE:
            continue
    return {}


def _without_length(headers: RawHeaders) -> RawHeaders:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]
