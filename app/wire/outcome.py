"""Whether an answer that ended as it should was one: whole, empty, or never finished.

Rule 1  Only APIs whose answers a model writes are looked at: chat, responses, messages,
        completions.
Rule 2  Empty: it finished with neither text nor a tool call, a refusal, an image or audio. One
        that only reasoned is empty too, although it may be billed: its client got no answer.
Rule 3  Not empty: one that ended at the limit or before a text that its request set (`stop`), or
        that a filter ended. Those are answers to what was asked.
Rule 4  Unfinished: a stream whose framing is whole, without the last word of its API: a reason to
        finish, `[DONE]`, or the event that completes it.
Rule 5  Nothing is said against an answer of which a part could not be read.
"""

from typing import Literal

from .dialect import Dialect
from .observation import EMPTY_BODY, Observation

Outcome = Literal["complete", "empty", "unfinished"]

_NOT_EMPTY = frozenset(
    {
        *("length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"),
        *("content_filter", "refusal", "stop_sequence", "pause_turn", "cancelled"),
    }
)
_BROKEN = frozenset({"network_error"})  # a host's own word for it, beside `stop`


def outcome_of(seen: Observation, dialect: Dialect, *, stops: bool = False) -> Outcome:
    """How an answer without an error ended, whose last byte came.

    `stops`: its request names a text before which an answer ends, perhaps at once.
    """
    if dialect.tokens is None or seen.pending:
        return "complete"
    if seen.unreadable is not None:
        return "empty" if seen.unreadable == EMPTY_BODY else "complete"
    if not seen.done and seen.finish_reason is None:
        return "unfinished"
    if seen.said or seen.finish_reason in _NOT_EMPTY:
        return "complete"
    at_once = stops and seen.finish_reason == "stop" and seen.native_finish_reason not in _BROKEN
    return "complete" if at_once else "empty"
