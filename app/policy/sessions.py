"""Recognises the session that a request belongs to, by the identifiers that tools really send.

Rule 1  `PLACES` is in order of precedence: the first place with a usable value names the session.
        OpenRouter's own order is kept inside it: the body's `session_id`, then the header
        `x-session-id`, then the body's `prompt_cache_key`.
Rule 2  What is sent counts: fields after a rule's `set` and `strip`. Headers count as they came,
        since a tool's own headers identify its session whether or not they are forwarded.
Rule 3  An id of one request (`x-client-request-id`), of an account, a device or an end user
        (`user`) is never a session.

Nothing here raises, whatever a client sends.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from .session_ids import reader_of
from .slices import Fields

Role = Literal["session", "subagent", "parent"]
Scope = Literal["session", "thread", "task", "chat", "workspace", "cache", "question", "agent"]


class Session(NamedTuple):
    """The session of one request, as its tool names it. Only digests of it may be kept."""

    key: str
    source: str  # the place that named it, such as `body.session_id`; `guess` if none did
    subagent: str | None = None  # the agent inside the session; None: the main one, or not named
    parent: str | None = None  # the session or agent that started the subagent
    guessed: bool = False


class Place(NamedTuple):
    """One place of an identifier, and the tools that use it."""

    source: str  # `header.NAME`, `body.FIELD` or `body.FIELD.MEMBER`
    tools: tuple[str, ...]
    scope: Scope
    role: Role = "session"
    beside: str = ""  # a header: the place counts only if that header has another value
    only: tuple[tuple[str, str], ...] = ()  # headers and their beginnings, one of which must fit


_GOOSE = (("x-title", "goose"), ("user-agent", "goose"))

PLACES: tuple[Place, ...] = (
    Place("body.session_id", ("Cline", "goose", "hermes-agent"), "session"),
    Place("header.x-session-id", ("opencode", "Kilo Code", "Crush", "pi"), "session"),
    Place("header.x-claude-code-session-id", ("Claude Code",), "session"),
    Place("body.metadata.user_id", ("Claude Code",), "session"),
    Place("header.session-id", ("Codex", "pi"), "session"),
    Place("header.session_id", ("Codex", "pi", "Roo Code"), "session"),
    Place("header.thread-id", ("Codex",), "thread"),
    Place("header.x-opencode-session", ("opencode", "hermes-agent"), "session"),
    Place("header.x-kilocode-taskid", ("Kilo Code",), "task"),
    Place("header.x-roo-task-id", ("Roo Code",), "task"),
    Place("header.x-task-id", ("Cline",), "task"),
    Place("header.agent-session-id", ("goose",), "session"),
    Place("header.goose-session-id", ("goose",), "session"),
    Place("header.x-grok-conv-id", ("hermes-agent",), "chat"),
    Place("header.x-amp-thread-id", ("Amp",), "thread"),
    Place("header.x-client-session-id", ("Copilot",), "session"),
    Place("header.x-openwebui-chat-id", ("Open WebUI",), "chat"),
    Place("header.x-litellm-session-id", ("LiteLLM",), "session"),
    Place("header.x-coder-chat-id", ("Coder",), "chat"),
    Place("header.x-mux-workspace-id", ("Mux",), "workspace"),
    Place("body.metadata.sessionId", ("qwen-code",), "session"),
    Place("header.x-session-affinity", ("opencode", "Kilo Code", "Crush", "pi"), "session"),
    Place("body.prompt_cache_key", ("Codex", "pi", "Copilot"), "cache"),
    Place("body.user", ("goose",), "session", only=_GOOSE),
    Place("header.x-interaction-id", ("Copilot",), "question"),
    Place("header.x-claude-code-agent-id", ("Claude Code",), "agent", "subagent"),
    Place("header.thread-id", ("Codex",), "thread", "subagent", beside="session-id"),
    Place("header.x-openai-subagent", ("Codex",), "agent", "subagent"),
    Place(
        "header.x-session-id",
        ("opencode", "Kilo Code"),
        "session",
        "subagent",
        beside="x-parent-session-id",
    ),
    Place("header.x-claude-code-parent-agent-id", ("Claude Code",), "agent", "parent"),
    Place("header.x-codex-parent-thread-id", ("Codex",), "thread", "parent"),
    Place("header.x-parent-session-id", ("opencode", "Kilo Code"), "session", "parent"),
)


def session_of(fields: Fields, headers: Mapping[bytes, bytes]) -> Session | None:
    """The session that a request names, or None.

    `fields` are the top level of its body as it is sent; `headers` have names in lower case.
    """
    if _NO_HEADER(headers) and _NO_FIELD(fields):
        return None
    for place in _SESSIONS:
        key = place.value(fields, headers)
        if key is not None:
            if _MAIN(headers):
                return Session(key, place.source)
            subagent = _first(_SUBAGENTS, fields, headers)
            return Session(key, place.source, subagent, _first(_PARENTS, fields, headers))
    return None


class _Lookup:
    """A place, prepared for many requests: one look into a mapping, and the value's reader."""

    __slots__ = ("_beside", "_in_header", "_name", "_only", "_read", "source")

    def __init__(self, place: Place) -> None:
        where, name = place.source.split(".")[:2]
        self.source = place.source
        self._in_header = where == "header"
        self._name: Any = name.encode() if self._in_header else name
        self._read = reader_of(place.source)
        self._beside = place.beside.encode()
        self._only = tuple((header.encode(), start.encode()) for header, start in place.only)

    def value(self, fields: Fields, headers: Mapping[bytes, bytes]) -> str | None:
        """The identifier at this place, if there is a usable one."""
        found: Any = (headers if self._in_header else fields).get(self._name)
        if found is None or not self._counts(found, headers):
            return None
        return self._read(found)

    def _counts(self, found: Any, headers: Mapping[bytes, bytes]) -> bool:
        if self._beside and headers.get(self._beside, found) == found:
            return False
        return not self._only or any(
            headers.get(header, b"").lower().startswith(start) for header, start in self._only
        )


def _first(
    places: tuple[_Lookup, ...], fields: Fields, headers: Mapping[bytes, bytes]
) -> str | None:
    values = (place.value(fields, headers) for place in places)
    return next((value for value in values if value is not None), None)


def _lookups(role: Role) -> tuple[_Lookup, ...]:
    return tuple(_Lookup(place) for place in PLACES if place.role == role)


_SESSIONS, _SUBAGENTS, _PARENTS = _lookups("session"), _lookups("subagent"), _lookups("parent")


def _names(where: str, *roles: Role) -> frozenset[str]:
    """The headers or fields without which no place of these roles has a value."""
    places = (place for place in PLACES if place.role in roles)
    named = (f"header.{place.beside}" if place.beside else place.source for place in places)
    return frozenset(each.split(".")[1] for each in named if each.startswith(where))


_NO_HEADER = frozenset(name.encode() for name in _names("header", "session")).isdisjoint
_NO_FIELD = _names("body", "session").isdisjoint
_MAIN = frozenset(name.encode() for name in _names("header", "subagent", "parent")).isdisjoint
