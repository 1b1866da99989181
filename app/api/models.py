"""GET /v1/models: upstream's list, with the aliases in front."""

import msgspec
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.api.plain_replies import send_bytes
from app.api.records import Records
from app.errors import UpstreamError
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter
from app.policy.book import Book
from app.policy_folder import PolicyFolder
from app.wire.headers import to_caller, to_upstream

RawHeaders = list[tuple[bytes, bytes]]

_OK = 200


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for the list of models."""
        del receive  # a GET has no body, and this answer is too short to watch for a hang-up
        async with self._records.exchange(scope, send, None, filed=False):
            status, headers, body = await self._list(scope)
            if status == _OK:
                body = with_aliases(body, self._policies.current)
            await send_bytes(send, status, body, _without_length(headers))

    async def _list(self, scope: Scope) -> tuple[int, RawHeaders, bytes]:
        query = scope["query_string"].decode("latin-1")
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
        return status, to_caller(answered), body


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
    except (msgspec.DecodeError, KeyError):
        return body
    known = {_id_of(entry): entry for entry in entries}
    ours = [
        _entry(alias.name, alias.model, known.get(alias.model)) for alias in book.aliases.values()
    ]
    whole["data"] = msgspec.Raw(msgspec.json.encode([*ours, *entries]))
    return msgspec.json.encode(whole)


class _Named(msgspec.Struct):
    id: str


def _id_of(entry: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(entry, type=_Named).id
    except msgspec.DecodeError:
        return None


def _entry(alias: str, model: str, described: msgspec.Raw | None) -> msgspec.Raw:
    entry: dict[str, object] = {"id": alias, "object": "model", "created": 0}
    if described is not None:
        entry = {**msgspec.json.decode(described), "id": alias}
    entry |= {"name": f"{alias} ({model})", "owned_by": "pointsman", "alias_of": model}
    return msgspec.Raw(msgspec.json.encode(entry))


def _without_length(headers: RawHeaders) -> RawHeaders:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]
