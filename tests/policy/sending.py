"""Policies given as plain data, and requests sent under them as far as the wire."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.catalog.catalog import EMPTY
from app.policy.apply import Outgoing, apply
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.precision import KnowsModels
from app.policy.request import read_request
from app.policy.route import Route

FILE = "test.yaml"
Rule = Mapping[str, Any]
Headers = Sequence[tuple[bytes, bytes]]


def text_of(*rules: Rule, **more: Any) -> str:
    """A policy file's text; a rule is for all models unless it says otherwise (None: no key)."""
    named = [
        {key: value for key, value in each.items() if value is not None}
        for position, rule in enumerate(rules)
        for each in ({"name": f"rule-{position}", "models": ["*"], **rule},)
    ]
    return json.dumps({"version": 1, "rules": named, **more})


def book_of(*rules: Rule, **more: Any) -> Book:
    return read_book({FILE: text_of(*rules, **more)})


def as_bytes(body: Mapping[str, Any] | bytes | str) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def route(
    book: Book,
    body: Mapping[str, Any] | bytes | str,
    *,
    caller: str | None = None,
    user_agent: str = "",
    catalog: KnowsModels = EMPTY,
    headers: Headers = (),
) -> Route:
    return book.route_for(
        read_request(as_bytes(body)),
        caller=caller,
        user_agent=user_agent,
        catalog=catalog,
        headers=book.matches_of(headers),
    )


def asking(book: Book, by: str) -> dict[str, Any]:
    """Who asks in an example: `aider/0.90` is a tool, `x-foo:bar` a header, `anna` a caller.

    Nothing, or a path such as `/images`, is a request without any of these.
    """
    name, colon, value = by.partition(":")
    return {
        "caller": by if by and not colon and "/" not in by else None,
        "user_agent": by if "/" in by and not by.startswith("/") and not colon else "",
        "headers": book.matches_of([(name.encode(), value.encode())] if colon else []),
    }


def send(book: Book, body: Mapping[str, Any] | bytes | str, **who: Any) -> Outgoing:
    return apply(read_request(as_bytes(body)), route(book, body, **who))


def sent(book: Book, body: Mapping[str, Any] | bytes | str, **who: Any) -> dict[str, Any]:
    """The object that arrives upstream."""
    arrived: dict[str, Any] = json.loads(send(book, body, **who).body)
    return arrived


def preferences(book: Book, model: str, **who: Any) -> dict[str, Any]:
    """What a policy wants for a model whose caller wants nothing."""
    return dict(send(book, {"model": model}, **who).preferences or {})
