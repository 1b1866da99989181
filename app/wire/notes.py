"""The facts collected from an answer so far; each of its frames adds to them."""

from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from .dialect import ANSWER, THOUGHT, Dialect
from .frame import NOTHING, TOO_LARGE, Frame, has_content, pick, walk
from .items import read_items
from .observation import (
    MOST_ROWS,
    Observation,
    ObservedError,
    RouterMetadata,
    Usage,
    read_error,
    read_metadata,
    read_usage,
    text,
)

_SHORT = 16  # bytes of a list that may be empty
_PROVIDER_NAMES = 16  # of one answer; more would be invalid, and unbounded
_UNFINISHED = frozenset({"in_progress", "queued"})  # a status, but not yet a reason to finish
_FAILED = frozenset({"error", "failed"})  # a reason to finish that is an error, with or without one


class Notes(msgspec.Struct):
    """Mutable notes on one answer; `observation` returns the frozen record of them."""

    _dialect: Dialect
    streamed: bool = False
    events: int = 0  # of a stream, without pings
    tokens_started: bool = False
    said: bool = False  # by an event's token
    done: bool = False
    unreadable: str | None = None
    partly_read: bool = False
    _generation_id: str | None = None
    _provider: str | None = None
    _provider_names: tuple[str, ...] = ()
    _model: str | None = None
    _service_tier: str | None = None
    _finish_reason: str | None = None
    _native_finish_reason: str | None = None
    _usages: int = 0
    _has_content: bool = False
    _lists_answer: bool = False
    _pending: bool = False
    _calls: int = 0
    _call_ids: frozenset[str | int] = frozenset()
    _usage_at_first: dict[str, Any] = {}
    _usage: dict[str, Any] = {}
    _metadata: RouterMetadata | None = None
    _error: ObservedError | None = None

    @property
    def provider_named(self) -> bool:
        """Whether a frame has named the provider, in its `provider` or in router metadata."""
        return bool(self._provider_names) or self._metadata is not None

    def take(self, frame: Frame) -> None:
        """Add the facts in `frame`: a whole body, a stream's event, or the object in an event.

        Runs once for each token, so rare fields are examined only if they are present.
        """
        if TOO_LARGE in (frame.provider, frame.usage, frame.openrouter_metadata):
            self.pass_over("the field that names the provider is too large to be read")
        if frame.provider != self._provider:
            self._name_provider(frame.provider)
        if frame.model != self._model:
            self._model = text(frame.model) or self._model
        if self._generation_id is None:
            self._look_for_id(frame)
        if frame.usage is not None:
            self._add_usage(frame.usage)
        if frame.openrouter_metadata is not None:
            self._take_metadata(read_metadata(frame.openrouter_metadata))
        if frame.error is not None:
            self.take_error(frame.error)
        if (tier := pick(frame, self._dialect.service_tier)) is not None:
            self._service_tier = text(tier)
        self._look_for_finish(frame)

    def look_for_content(self, frame: Frame) -> None:
        """Whether a whole body, or the object in an event, has content in addition to an error."""
        said = walk(frame.choices, (0, "message"))
        parts = map(said.get, ANSWER + THOUGHT) if isinstance(said, dict) else (said,)
        self._has_content = (
            self._has_content
            or any(parts)
            or bool(walk(frame.choices, (0, "text")))
            or has_content(frame)
        )
        if self._dialect.items:
            self._look_at_items(getattr(frame, self._dialect.items))

    def look_at_choices(self, frame: Frame, *, large: bool) -> None:
        """What a whole body's choices say; of a large one, those that could not be read do."""
        if self._dialect.tokens is None or self._dialect.items:
            return
        if large and frame.choices is None:
            self._lists_answer = True
        for choice in islice(frame.choices if isinstance(frame.choices, list) else (), MOST_ROWS):
            message = walk(choice, ("message",))
            self._lists_answer = (
                self._lists_answer
                or bool(walk(choice, ("text",)))
                or (any(map(message.get, ANSWER)) if isinstance(message, dict) else bool(message))
            )
            calls = walk(message, ("tool_calls",))
            self._calls += len(calls) if isinstance(calls, list) else 0

    def look_for_calls(self, frame: Frame) -> None:
        """Count the tool calls that an event of a stream begins."""
        if frame.content_block:
            self._look_at_items(b"[%b]" % bytes(frame.content_block), more=True)
        calls = walk(frame.choices, (0, "delta", "tool_calls"))
        for call in islice(calls if isinstance(calls, list) else (), MOST_ROWS):
            # Some providers number all calls of a turn 0, so the names count as well.
            for name in (walk(call, ("id",)), walk(call, ("index",))):
                if isinstance(name, str | int) and len(self._call_ids) < 2 * MOST_ROWS:
                    self._call_ids |= {name}

    def _look_at_items(self, raw: bytes | Raw, *, more: bool = False) -> None:
        if len(raw) < _SHORT and bytes(raw).strip() in NOTHING:
            return
        items = read_items(raw)
        if items is None:  # too many to be read, so not none
            self._lists_answer = True
            return
        calls = sum(1 for each in items if each.is_call)
        self._calls = self._calls + calls if more else max(self._calls, calls)
        self._lists_answer = self._lists_answer or any(each.says for each in items)

    def _take_metadata(self, told: RouterMetadata | None) -> None:
        """Keep the newest metadata, and earlier ones' attempts: those providers had the prompt."""
        before = self._metadata
        if told is None:
            return
        if before is not None and before.attempts != told.attempts:
            attempts = tuple(dict.fromkeys((*before.attempts, *told.attempts)))
            told = replace(told, attempts=attempts, unclear=told.unclear or before.unclear)
        self._metadata = told

    def look_for_tokens(self, frame: Frame) -> None:
        """Whether an event of a stream contains a token; called until one is of the answer."""
        where = self._dialect.tokens
        if where is None:
            return
        found = pick(frame, where.place)
        if type(found) is dict:
            for name in where.answer:
                if found.get(name):
                    self.tokens_started = self.said = True
                    return
            if not self.tokens_started:
                self.tokens_started = any(map(found.get, where.thought))
        elif found and not where.answer:
            self.tokens_started = True
            self.said = not (isinstance(frame.type, str) and "reasoning" in frame.type)

    def take_error(self, error: object) -> None:
        """Keep `error` if it is the first: later errors are its consequences."""
        self._error = self._error or read_error(error)

    def pass_over(self, what: str) -> None:
        """Note that a part was not read in which another provider might be named."""
        self.unreadable, self.partly_read = what, True

    def observation(self) -> Observation:
        """All notes, frozen."""
        usage = self._read_usage()
        billed = usage is not None and bool(usage.completion_tokens)
        metadata = self._metadata
        if metadata is not None and len(metadata.attempts) >= MOST_ROWS:
            self.pass_over(f"the router metadata lists {MOST_ROWS} attempts or more")
        return Observation(
            generation_id=self._generation_id,
            provider=self._provider,
            provider_names=self._provider_names,
            model=self._model,
            finish_reason=self._finish_reason,
            native_finish_reason=self._native_finish_reason,
            service_tier=self._service_tier,
            usage=usage,
            error=self._error or self._failed(),
            metadata=metadata,
            done=self.done,
            said=self.said or self._lists_answer,
            tool_calls=self._tool_calls(),
            # Every stream of a response begins by saying so.
            pending=self._pending and self._finish_reason is None and not self.streamed,
            answered=self.tokens_started
            or self._has_content
            or self._lists_answer
            or (billed and not self.streamed),
            unreadable=self.unreadable,
            partly_read=self.partly_read,
        )

    def _failed(self) -> ObservedError | None:
        """The error of an answer that finished with one and does not say which."""
        reason = self._finish_reason
        return ObservedError("", f"it finished with: {reason}") if reason in _FAILED else None

    def _tool_calls(self) -> int | None:
        """How many there are; None if the answer can have none, or if nothing is known of it."""
        if not (self._dialect.items or self._dialect.call_mark):
            return None
        ids = self._call_ids
        by_index = sum(1 for each in ids if type(each) is int)
        count = max(self._calls, by_index, len(ids) - by_index)
        return (
            count
            if self.said or self._lists_answer or (self.done and self._error is None)
            else None
        )

    def _read_usage(self) -> Usage | None:
        """The usage; without costs as long as it is only the one at a message's start."""
        if not self._usage:
            return None
        usage = read_usage(self._usage, self._dialect.usage)
        if self.done or not self.streamed or self._usages >= self._dialect.usage_events:
            return usage
        return replace(
            usage,
            upstream_prompt_cost=None,
            upstream_completion_cost=None,
            upstream_cost_usd=None,
            is_byok=None,
        )

    def _look_for_id(self, frame: Frame) -> None:
        for place in self._dialect.generation_id:
            found = text(pick(frame, place))
            if found is not None:
                self._generation_id = found
                return

    def _name_provider(self, name: object) -> None:
        provider = text(name)
        if provider is None:
            return
        self._provider = provider
        if provider not in self._provider_names and len(self._provider_names) < _PROVIDER_NAMES:
            self._provider_names += (provider,)

    def _add_usage(self, usage: object) -> None:
        """Merge usage: a message's comes in two parts; the second may not repeat the first."""
        if not isinstance(usage, dict):
            return
        self._usages += 1
        if not self._usage_at_first:
            self._usage_at_first = self._usage = usage
            return
        said = {name: value for name, value in usage.items() if value is not None}
        self._usage = self._usage_at_first | said

    def _look_for_finish(self, frame: Frame) -> None:
        for place in self._dialect.finish_reason:
            reason = pick(frame, place)
            if isinstance(reason, str) and reason not in _UNFINISHED:
                self._finish_reason = text(reason)
                self._native_finish_reason = text(pick(frame, self._dialect.native_finish_reason))
                self.take_error(pick(frame, self._dialect.finish_error))
                return
            if isinstance(reason, str):
                self._pending = True
