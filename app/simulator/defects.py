"""Defects of an answer, as hosts with a broken template, parser or tokenizer show them.

Each is a function that gets a sound answer and returns the damaged one; None if an answer of this
kind can't have the defect, as a text has no tool call.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .ask import Ask
from .catalog import Row
from .examples import misfit
from .saying import THOUGHT, Said, ToolCall, tokens

Damage = Callable[[Said, Ask, Row], Said | None]

_CUT = 3  # tokens
_LOOP = " and so on"
_LONGEST = 2000  # tokens of a loop, if the request sets no limit
_PIECE = 4  # characters per token
_GLYPHS = str.maketrans({" ": "\u0120", "\n": "\u010a"})  # how byte-level BPE writes them


def damaged(said: Said, ask: Ask, row: Row, defects: Sequence[str]) -> tuple[Said, str]:
    """An answer with the first of the defects that it can have, and that defect's name."""
    for name in defects:
        if (worse := DAMAGES[name](said, ask, row)) is not None:
            return worse, name
    return said, ""


# --- tool calls -------------------------------------------------------------------------------


def _not_json(said: Said, _ask: Ask, _row: Row) -> Said | None:
    """The last brace is missing, as where generation stopped early."""
    return _called(said, arguments=said.call.arguments[:-1]) if said.call else None


def _unknown_tool(said: Said, ask: Ask, _row: Row) -> Said | None:
    if said.call is None:
        return None
    name, offered = said.call.name, {tool["name"] for tool in ask.tools}
    while name in offered:
        name += "_v2"
    return _called(said, name=name)


def _off_schema(said: Said, ask: Ask, _row: Row) -> Said | None:
    if said.call is None:
        return None
    (schema,) = [t.get("parameters") or {} for t in ask.tools if t["name"] == said.call.name][:1]
    wrong = misfit(schema, json.loads(said.call.arguments))
    return _called(said, arguments=json.dumps(wrong))


def _called(said: Said, **changes: Any) -> Said:
    return replace(said, call=replace(said.call, **changes)) if said.call else said


def _as_text(said: Said, _ask: Ask, row: Row) -> Said | None:
    """The markup of the model's family, which the host should have parsed."""
    if said.call is None:
        return None
    author = row.model.id.partition("/")[0]
    text = _MARKUP.get(author, _tagged)(said.call)
    return replace(said, text=text, call=None).ending("stop")


def _tagged(call: ToolCall) -> str:
    told = json.dumps({"name": call.name, "arguments": json.loads(call.arguments)})
    return f"<tool_call>\n{told}\n</tool_call>"


def _sections(call: ToolCall) -> str:
    return (
        "<|tool_calls_section_begin|><|tool_call_begin|>"
        f"functions.{call.name}:0<|tool_call_argument_begin|>{call.arguments}"
        "<|tool_call_end|><|tool_calls_section_end|>"
    )


def _bare(call: ToolCall) -> str:
    return f"functions.{call.name}:0{call.arguments}"


def _dsml(call: ToolCall) -> str:
    bar = "\uff5cDSML\uff5c"
    values = json.loads(call.arguments)
    lines = [
        f'<{bar}parameter name="{name}" string="{str(isinstance(value, str)).lower()}">'
        f"{value if isinstance(value, str) else json.dumps(value)}</{bar}parameter>"
        for name, value in (values.items() if isinstance(values, dict) else ())
    ]
    opening = [f"<{bar}function_calls>", f'<{bar}invoke name="{call.name}">']
    return "\n".join([*opening, *lines, f"</{bar}invoke>", f"</{bar}function_calls>"])


_MARKUP: dict[str, Callable[[ToolCall], str]] = {
    "moonshotai": _sections,
    "deepseek": _dsml,
    "minimax": _bare,
}


# --- texts ------------------------------------------------------------------------------------


def _thinks_aloud(said: Said, _ask: Ask, _row: Row) -> Said | None:
    thought = said.reasoning or THOUGHT
    return replace(said, text=f"<think>\n{thought}\n</think>\n\n{said.text}", reasoning="")


def _undecoded(said: Said, _ask: Ask, _row: Row) -> Said | None:
    """Glyphs of a byte-level vocabulary, and a character whose bytes came apart."""
    return replace(said, text=f"{said.text.translate(_GLYPHS)}\ufffd") if said.text else None


def _repeats(said: Said, ask: Ask, _row: Row) -> Said | None:
    """A loop until the limit of tokens."""
    if not said.text or said.finish == "length":
        return None
    room = max((ask.most_tokens or _LONGEST) - tokens(said.reasoning), 1) * _PIECE
    loop = _LOOP * (room // len(_LOOP) + 1)
    return replace(said, text=(said.text + loop)[:room]).ending("length")


def _off_structure(said: Said, ask: Ask, _row: Row) -> Said | None:
    """For a schema, JSON that does not fit it; for any JSON object, words around it."""
    if not said.text or not ask.structure:
        return None
    schema = ask.structure.get("schema")
    if schema is None:
        return replace(said, text=f"Here is the JSON: {said.text}")
    try:
        fitting = json.loads(said.text)
    except ValueError:  # cut by the limit of tokens
        return None
    return replace(said, text=json.dumps(misfit(schema, fitting)))


# --- endings ----------------------------------------------------------------------------------


def _mismatch(said: Said, _ask: Ask, _row: Row) -> Said | None:
    return said.ending("stop" if said.call else "tool_calls")


def _cut_short(said: Said, ask: Ask, _row: Row) -> Said | None:
    """Out of tokens after a few, far below the limit."""
    if said.finish == "length" or (ask.most_tokens or _LONGEST) <= 2 * _CUT:
        return None
    if said.call:
        return _called(said, arguments=said.call.arguments[: _CUT * _PIECE]).ending("length")
    return replace(said, text=said.text[: _CUT * _PIECE]).ending("length")


def _empty(said: Said, _ask: Ask, _row: Row) -> Said | None:
    """Nothing to see, and billed all the same."""
    return Said("", "", None, "stop", "stop", unseen=said.tokens)


def _unfinished(said: Said, _ask: Ask, _row: Row) -> Said | None:
    return said.ending(None)


DAMAGES: dict[str, Damage] = {
    "tool_call_not_json": _not_json,
    "tool_call_unknown_tool": _unknown_tool,
    "tool_call_off_schema": _off_schema,
    "tool_call_as_text": _as_text,
    "reasoning_as_text": _thinks_aloud,
    "undecoded_bytes": _undecoded,
    "repetition": _repeats,
    "finish_mismatch": _mismatch,
    "structure_off_schema": _off_structure,
    "cut_short": _cut_short,
    "empty": _empty,
    "unfinished": _unfinished,
}
