"""A running Pointsman as a source, asked over its HTTP API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec

from ...errors import reason_of
from ...ledger.bounds import cut
from ...ledger.receipt import Receipt, as_json_object
from ...ledger.scorecard import HostDimension
from ...ledger.stats import Tallied
from ...settings import Settings
from ..own_server import address_of
from .asker import Asker
from .fault import Fault
from .source import QUESTION_SECONDS, Filters, FromFiles, Json, Question, Source, wanted_of

LARGEST_ANSWER = 8_000_000  # bytes
NAMED_BY_END = 1000  # newest receipts that are searched for the end of an id
_ALIVE_SECONDS = 2.0
_OK, _UNAUTHORIZED = 200, 401
_ERROR = 600  # characters of a server's message


class Opening:
    """Finds the source of each answer: a Pointsman at the address of the settings, else files."""

    def __init__(self, settings: Settings, asker: Asker) -> None:
        self._files = FromFiles(settings, asker.only)
        self._asker = asker
        self._base = address_of(settings)
        self._client = httpx2.Client(timeout=QUESTION_SECONDS, trust_env=False)

    def __call__(self) -> Source:
        """Return the source, by whether a Pointsman answers now."""
        try:
            answer = self._client.get(f"{self._base}/health", timeout=_ALIVE_SECONDS)
            if answer.status_code == _OK and answer.json() == {"status": "alive"}:
                return FromServer(self._base, self._client, self._asker)
        except (httpx2.HTTPError, ValueError):
            pass
        return self._files


@dataclass(frozen=True, slots=True)
class FromServer:
    """A running Pointsman. The caller key is sent to it and written nowhere."""

    base: str
    client: httpx2.Client
    asker: Asker

    @property
    def name(self) -> str:
        """What the answers are from."""
        return f"the Pointsman at {self.base}"

    def log(self, filters: Filters, *, limit: int, before: str | None) -> list[Json]:
        """The newest receipts that match."""
        asked = {**self._filters(filters), "limit": str(limit)}
        return self._receipts(asked if before is None else {**asked, "before": before})

    def receipt(self, name: str) -> Json:
        """One receipt; an id's end is searched for among the newest `NAMED_BY_END`."""
        newest = {**self._filters({}), "limit": "1" if name == "last" else str(NAMED_BY_END)}
        if name.startswith("rcp_"):
            return _receipt(self._get(f"/pointsman/receipts/{name}"))
        receipts = self._receipts(newest)
        named = [each for each in receipts if name == "last" or each["id"].endswith(name)]
        if len(named) == 1:
            return named[0]
        if named:
            raise Fault(
                f"several receipts end in {name}; name one by its whole id, as `log` has it"
            )
        raise Fault(
            f"{self.base} has no receipt {name} among its newest {NAMED_BY_END:,}; `log` lists "
            "whole ids"
        )

    def stats(self, filters: Filters, by: tuple[Tallied, ...]) -> Json:
        """What the receipts add up to."""
        return self._get("/pointsman/stats", {**self._filters(filters), "by": ",".join(by)})

    def score(self, filters: Filters, by: tuple[HostDimension, ...]) -> Json:
        """How often each host was at fault."""
        return self._get("/pointsman/score", {**self._filters(filters), "by": ",".join(by)})

    def budgets(self) -> list[Json]:
        """What is spent of each budget."""
        rows: list[Json] = self._get("/pointsman/budget")["budgets"]
        only = self.asker.only
        return [
            row for row in rows if only is None or (row["by"] == "caller" and row["key"] == only)
        ]

    def explain(self, question: Question) -> Json:
        """What would be sent for a request, by `/pointsman/explain`, which sends nothing."""
        receipt = self.receipt(question.name) if question.is_receipt else None
        model = question.name if receipt is None else receipt["model_asked"]
        if model is None:
            raise Fault(f"receipt {question.name} names no model; no policy applied to its request")
        then = receipt or {"caller": None, "user_agent": None}
        asked = {
            "caller": question.caller or then["caller"] or self.asker.only,
            "user_agent": question.user_agent or then["user_agent"],
        }
        body = {"model": model, **({"provider": question.provider} if question.provider else {})}
        query = {name: value for name, value in asked.items() if value is not None}
        told = self._json(
            lambda: self._request("POST", "/pointsman/explain", query, msgspec.json.encode(body))
        )
        if receipt is None:
            return told
        names = ("id", "path", "caller", "user_agent", "verdict", "rules", "book")
        same = {"same_book": receipt["book"] == told["book"]}
        return {**told, "receipt": {**{name: receipt[name] for name in names}, **same}}

    def _filters(self, filters: Filters) -> dict[str, str]:
        """The filters, parsed here first, so that messages are the same without a server."""
        wanted_of(filters, self.asker.only)
        only = self.asker.only
        return {**filters, **({} if only is None else {"caller": only})}

    def _receipts(self, query: Mapping[str, str]) -> list[Json]:
        return [_receipt(each) for each in self._get("/pointsman/receipts", query)["receipts"]]

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return self._json(lambda: self._request("GET", path, query or {}))

    def _json(self, ask: Callable[[], tuple[int, bytes]]) -> Json:
        """An answer of the server. Raises `Fault` with the server's own message for an error."""
        try:
            status, body = ask()
            told = msgspec.json.decode(body, type=dict[str, Any])
        except (httpx2.HTTPError, msgspec.DecodeError) as error:
            raise Fault(f"{self.base}: no answer that can be read: {reason_of(error)}") from None
        if status == _OK:
            return told
        envelope = told.get("error")
        message = envelope.get("message") if isinstance(envelope, dict) else told
        said = cut(str(message), _ERROR)
        further = (
            "; set POINTSMAN_CALLER_KEYS for this command as for the server"
            if status == _UNAUTHORIZED
            else ""
        )
        raise Fault(f"{self.base} answers {status}: {said}{further}")

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """The status and body of an answer, read no further than `LARGEST_ANSWER`."""
        key = self.asker.key
        headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}
        if body is not None:
            headers["content-type"] = "application/json"
        with self.client.stream(
            method, f"{self.base}{path}", params=dict(query), headers=headers, content=body
        ) as answer:
            read = bytearray()
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > LARGEST_ANSWER:
                    raise Fault(f"{self.base}{path}: the answer is too large; ask for less")
            return answer.status_code, bytes(read)


def _receipt(told: Any) -> Json:
    """A receipt as this version has it, whatever the version of the server."""
    try:
        return as_json_object(msgspec.convert(told, Receipt, strict=False))
    except msgspec.ValidationError as error:
        raise Fault(f"the server's receipts have another shape: {error}; upgrade both") from None
