"""The facts in an answer: frozen records, and how each is read from its JSON.

Upstream is not trusted to keep its types: a value of the wrong kind counts as not sent. Names and
messages are cut at a length, lists at a number, and unreasonable numbers are dropped, so that
nothing here can grow without limit or fail later.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from ..exact_numbers import exact, whole
from .dialect import UsageNames
from .frame import walk

_FIRST_ERROR_STATUS = 400
LONGEST_NAME = 256  # characters of a provider, a model, an id, a code
LONGEST_MESSAGE = 4096
MOST_ROWS = 256  # of attempts, endpoints or stages; a popular model has some thirty endpoints
EMPTY_BODY = "the answer is empty"
MOST_DOLLARS = 1_000_000  # of one answer; the ledger's columns end at nine times as much


class Attempt(NamedTuple):
    """A provider that received the prompt, and the status it answered."""

    provider: str
    model: str | None
    status: int | None

    @property
    def failed(self) -> bool:
        """Whether the attempt failed; it did if its status is missing or 0."""
        return not self.status or self.status >= _FIRST_ERROR_STATUS


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens and money. `prompt_tokens` includes the cached ones in every dialect; USD, exact.

    `server_tools`: OpenRouter ran server tools, so the provider that it names may be wrong.
    """

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    is_byok: bool | None = None
    upstream_prompt_cost: Decimal | None = None
    upstream_completion_cost: Decimal | None = None
    upstream_cost_usd: Decimal | None = None  # all that the provider charged
    server_tools: bool = False


class ObservedError(msgspec.Struct, frozen=True, gc=False):
    """An error that upstream reported, as the body of an error status or inside a 200.

    `code` is upstream's own, empty where it sent none; `previous` are the attempts before it.
    """

    code: str
    message: str
    provider: str | None = None
    previous: tuple[Attempt, ...] = ()


class RouterMetadata(msgspec.Struct, frozen=True, gc=False):
    """The router's opt-in metadata on its actions (openrouter.md §4).

    `selected` is the chosen provider's display name. The list of endpoints available to the router
    is not kept: it may name providers that the filters removed.
    """

    strategy: str | None
    region: str | None
    is_byok: bool | None
    selected: str | None
    attempts: tuple[Attempt, ...]
    unclear: str | None = None  # why it may not name all providers that got the prompt


class Observation(msgspec.Struct, frozen=True, gc=False):
    """All facts observed in one answer; None means not sent.

    `provider` is the one named last, `provider_names` all of them, in the order of appearance.
    `done`: a stream's terminator came, or a whole body was read. `answered`: an event of a stream
    contained a token, or a whole body had content or was billed for some. `said`: the client got
    text, a tool call, a refusal, an image or audio, and not only thoughts. `tool_calls`: the calls
    of the client's tools. `pending`: a whole body only says that there will be an answer.
    `unreadable`: why part of the answer could not be read, as a clause in plain words; the rest is
    included.
    """

    generation_id: str | None = None
    provider: str | None = None
    provider_names: tuple[str, ...] = ()
    model: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    error: ObservedError | None = None
    metadata: RouterMetadata | None = None
    done: bool = False
    answered: bool = False
    said: bool = False
    tool_calls: int | None = None
    pending: bool = False
    unreadable: str | None = None
    partly_read: bool = False

    @property
    def failed(self) -> bool:
        """Whether upstream reported an error in place of an answer, a 200 included (T-51).

        An error after the first token ends an answer, and does not count here.
        """
        return self.error is not None and not self.answered


def text(value: object, longest: int = LONGEST_NAME) -> str | None:
    """`value` if it is a non-empty string, cut at the `longest` length."""
    return value[:longest] if isinstance(value, str) and value else None


def read_usage(usage: Mapping[str, Any], names: UsageNames) -> Usage:
    """The numbers of a `usage` object."""
    prompt = [count for steps in names.prompt if (count := whole(walk(usage, steps))) is not None]
    prompt_cost = money(walk(usage, names.upstream_prompt_cost))
    completion_cost = money(walk(usage, names.upstream_completion_cost))
    cost = money(walk(usage, names.upstream_cost))
    if cost is None and prompt_cost is not None and completion_cost is not None:
        cost = prompt_cost + completion_cost
    return Usage(
        prompt_tokens=sum(prompt) if prompt else None,
        cached_tokens=whole(walk(usage, names.cached)),
        cache_write_tokens=whole(walk(usage, names.cache_write)),
        completion_tokens=whole(walk(usage, names.completion)),
        reasoning_tokens=whole(walk(usage, names.reasoning)),
        cost_usd=money(usage.get("cost")),
        is_byok=flag(usage.get("is_byok")),
        upstream_prompt_cost=prompt_cost,
        upstream_completion_cost=completion_cost,
        upstream_cost_usd=cost,
        server_tools=_any_counted(walk(usage, names.server_tools)),
    )


def read_error(error: object) -> ObservedError | None:
    """The facts in an `error`, in any of its shapes; None if it is not an error."""
    if isinstance(error, str) and error:
        return ObservedError("", error[:LONGEST_MESSAGE])
    if not isinstance(error, dict) or not error:
        return None
    metadata = error.get("metadata")
    # Anthropic's shape has a type instead of a code; some of OpenRouter's have neither.
    named = (_code(error.get(key)) for key in ("code", "type", "error_type"))
    return ObservedError(
        code=next(filter(None, named), ""),
        message=text(error.get("message"), LONGEST_MESSAGE) or "",
        provider=text(walk(metadata, ("provider_name",))),
        previous=_attempts(walk(metadata, ("previous_errors",))),
    )


def read_metadata(metadata: object) -> RouterMetadata | None:
    """Router metadata; new fields are ignored, as its documentation requires."""
    if not isinstance(metadata, dict):
        return None
    selected = [
        provider
        for row in _objects(walk(metadata, ("endpoints", "available")))
        if row.get("selected") is True and (provider := text(row.get("provider")))
    ]
    attempts = _attempts(metadata.get("attempts"))
    return RouterMetadata(
        strategy=text(metadata.get("strategy")),
        region=text(metadata.get("region")),
        is_byok=flag(metadata.get("is_byok")),
        selected=selected[0] if selected else None,
        attempts=attempts,
        unclear=_unclear(metadata, attempts, selected),
    )


def _unclear(
    metadata: Mapping[str, Any], named: Collection[Attempt], selected: Iterable[str]
) -> str | None:
    """Why router metadata may not name all providers that got the prompt; None if it does."""
    listed = sum(1 for _ in _objects(metadata.get("attempts")))
    counted = whole(metadata.get("attempt")) or 0
    if len({provider.lower() for provider in selected}) > 1:
        return "the router metadata marks more than one provider as selected"
    if len(named) < listed:
        return "the router metadata has an attempt without a provider"
    if counted > max(listed, 1):
        return f"the router metadata counts {counted} attempts but lists {listed}"
    return None


def _attempts(rows: object) -> tuple[Attempt, ...]:
    # Router metadata has `provider` and `status`; an error's `previous_errors` come both as
    # {provider_name, code} and as {provider, status, code: "a word"}.
    return tuple(
        Attempt(provider, text(row.get("model")), whole(row.get("status", row.get("code"))))
        for row in _objects(rows)
        if (provider := text(row.get("provider", row.get("provider_name"))))
    )


def _objects(rows: object) -> Iterator[dict[str, Any]]:
    listed = islice(rows, MOST_ROWS) if isinstance(rows, list) else ()
    return (row for row in listed if isinstance(row, dict))


def money(value: object) -> Decimal | None:
    """`value` if it is a plausible amount of USD, exact; a negative one counts as not sent."""
    if type(value) is not Decimal and type(value) is not int:
        return None
    amount = exact(value)
    return amount if amount is not None and 0 <= amount < MOST_DOLLARS else None


def _any_counted(counts: object) -> bool:
    return isinstance(counts, dict) and any(whole(value) for value in counts.values())


def flag(value: object) -> bool | None:
    """`value` if it is true or false."""
    return value if isinstance(value, bool) else None


def _code(value: object) -> str | None:
    count = whole(value)
    return text(value) if count is None else str(count)
