"""GET /v1/models and what is below it: upstream's list, with the aliases in front."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.api.plain_replies import send_bytes
from app.api.records import Records
from app.catalog.catalog import listing_key
from app.errors import UnknownModel, UpstreamError
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter
from app.policy.book import Book
from app.policy.rule import Alias
from app.policy_folder import PolicyFolder
from app.wire.headers import RawHeaders, to_caller, to_upstream

_BELOW, _ENDPOINTS = "/models/", "/endpoints"
_OK = 200
_YEAR_3000 = 32_503_680_000


class Models:
    """Serves the list; when upstream can't be reached, the last one seen, marked as stale."""

    def __init__(
        self,
        *,
        policies: PolicyFolder,
        openrouter: OpenRouter,
        feed: CatalogFeed,
        records: Records,
        key: SecretStr | None,
    ) -> None:
        self._policies = policies
        self._openrouter = openrouter
        self._feed = feed
        self._records = records
        self._key = key.get_secret_value() if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send, wanted: str = "") -> None:
        """Answer one request for the list of models, or for the one `wanted`."""
        del receive  # a GET has no body, and this answer is too short to watch for a hang-up
        async with self._records.exchange(scope, send, None, filed=False):
            status, headers, body = await self._list(scope)
            if status == _OK:
                listed = with_aliases(body, self._policies.current)
                shaped = _shaped(listed, wanted, for_anthropic=_is_anthropics(scope))
                if shaped is None:
                    raise UnknownModel(
                        f"there is no model {wanted!r}, and no alias of that name; "
                        "GET /v1/models lists all"
                    )
                body = shaped
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
        """In any case, as it may be asked for in a request."""
        name = name.lower()
        aliases = self._policies.current.aliases.values()
        return next((alias for alias in aliases if alias.name.lower() == name), None)

    async def _list(self, scope: Scope) -> tuple[int, RawHeaders, bytes]:
        query = "" if _is_anthropics(scope) else scope["query_string"].decode("latin-1")
        path = f"/models?{query}" if query else "/models"
        headers = to_upstream(scope["headers"], key=self._key, router_metadata=False)
        try:
            status, answered, body = await self._openrouter.get(path, headers)
        except UpstreamError:
            last = self._feed.models_list
            if last is None:
                raise
            stale = [(b"content-type", b"application/json"), (b"warning", b'110 - "Stale"')]
            return _OK, stale, last
        return status, to_caller(answered, status), body


def with_aliases(body: bytes, book: Book) -> bytes:
    """The list with one entry more for each alias; upstream's own entries keep their bytes.

    An alias looks like its model, so that tools find its context length and prices. A body that
    is not a list of models is returned as it came.
    """
    if not book.aliases:
        return body
    try:
        whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        entries = msgspec.json.decode(whole["data"], type=list[msgspec.Raw])
    except _NO_LIST:
        return body
    known = {listing_key(name): entry for entry in entries if (name := _id_of(entry))}
    ours = [
        _entry(alias.name, alias.model, known.get(listing_key(alias.model)))
        for alias in book.aliases.values()
    ]
    whole["data"] = msgspec.Raw(msgspec.json.encode([*ours, *entries]))
    return msgspec.json.encode(whole)


def _shaped(listed: bytes, wanted: str, *, for_anthropic: bool) -> bytes | None:
    """The list, or one entry of it, in the shape asked for; None where there is no such entry.

    A body that is not a list of models is returned as it came.
    """
    if not (wanted or for_anthropic):
        return listed
    try:
        entries = msgspec.json.decode(listed, type=_List).data
    except _NO_LIST:
        return listed
    if wanted:
        entries = [entry for entry in entries if str(entry.get("id")).lower() == wanted.lower()]
        if not entries:
            return None
    if for_anthropic:
        entries = [_anthropic_entry(entry) for entry in entries]
    if wanted:
        return msgspec.json.encode(entries[0])
    ends = {"first_id": entries[0]["id"], "last_id": entries[-1]["id"]} if entries else {}
    return msgspec.json.encode({"data": entries, "has_more": False, **ends})


def _anthropic_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    created = entry.get("created")
    seconds = created if isinstance(created, int) and 0 <= created < _YEAR_3000 else 0
    return {
        "type": "model",
        "id": entry.get("id"),
        "display_name": entry.get("name") or entry.get("id"),
        "created_at": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _is_anthropics(scope: Scope) -> bool:
    """Whether one of Anthropic's clients asks: they page by ids, and read another shape."""
    return any(name == b"anthropic-version" for name, _ in scope["headers"])


# Text that is not UTF-8 and nesting without end are errors of other kinds than JSON's own.
_NO_LIST = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)


class _List(msgspec.Struct):
    data: list[dict[str, Any]]


class _Named(msgspec.Struct):
    id: str


def _id_of(entry: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(entry, type=_Named).id
    except _NO_LIST:
        return None


def _entry(alias: str, model: str, described: msgspec.Raw | None) -> msgspec.Raw:
    entry: dict[str, object] = {"id": alias, "object": "model", "created": 0}
    if described is not None:
        entry = {**msgspec.json.decode(described), "id": alias}
    entry |= {"name": f"{alias} ({model})", "owned_by": "pointsman", "alias_of": model}
    return msgspec.Raw(msgspec.json.encode(entry))


def _without_length(headers: RawHeaders) -> RawHeaders:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]
