"""The defects that an answer can have, each a row. `docs/defects.md` has the same table.

How each is found is in `find.py`: this module loads quickly, for all that only names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["tool_calls", "json", "text", "ending"]

_TOOLS = ("chat", "responses", "messages")
_ALL = (*_TOOLS, "completions")


@dataclass(frozen=True, slots=True)
class Defect:
    """One kind of fault. `false_positives`: when it is named, and the host did nothing wrong.

    The defects of a group apply to the same answers: those to requests with tools, those to
    requests for JSON, or all.
    """

    name: str
    meaning: str
    dialects: tuple[str, ...]
    false_positives: str
    group: Group


DEFECTS = (
    Defect(
        "tool_call_not_json",
        "The arguments of a tool call are not a JSON object, and no limit cut them short.",
        _TOOLS,
        "None known. Empty arguments count as `{}`.",
        "tool_calls",
    ),
    Defect(
        "tool_call_unknown_tool",
        "A tool was called that is not among the tools of the request.",
        _TOOLS,
        "A tool that OpenRouter or a plugin added to the request.",
        "tool_calls",
    ),
    Defect(
        "tool_call_off_schema",
        "The arguments of a tool call are an object, but not as the tool's JSON Schema demands.",
        _TOOLS,
        "A schema that is stricter than its tool, such as one that forgets to allow null.",
        "tool_calls",
    ),
    Defect(
        "tool_call_as_text",
        "Tools were offered, and a tool call in a model's own markup was left in the text.",
        _TOOLS,
        "A text about such markup that quotes a whole call outside of code.",
        "tool_calls",
    ),
    Defect(
        "reasoning_as_text",
        "Reasoning was left in the text, with its markup.",
        _TOOLS,
        "A text about such markup with a tag on a line of its own, outside of code; a prompt that "
        "asks for such tags.",
        "text",
    ),
    Defect(
        "undecoded_bytes",
        "The text has U+FFFD, or tokens that were not decoded, such as `Ġ` between two words.",
        _ALL,
        "A text that quotes broken characters from its prompt, outside of code.",
        "text",
    ),
    Defect(
        "repetition",
        "The text or the last call's arguments end in a loop: 8 times and 400 characters of the "
        "same if a limit of tokens ended it, else 64 times and 4000 characters.",
        _ALL,
        "A prompt that asks for a long repetition, or for a table of equal rows.",
        "text",
    ),
    Defect(
        "finish_mismatch",
        "The answer says that it finished with a tool call and has none, or has one and says that "
        "it finished otherwise.",
        ("chat", "messages"),
        "None known. With a forced tool, OpenAI finishes with `stop`; that does not count.",
        "tool_calls",
    ),
    Defect(
        "structure_off_schema",
        "The request asks for JSON, and the text is not JSON, or does not fit its JSON Schema.",
        _TOOLS,
        "A format that the request only asks for, from a model that can't be held to it.",
        "json",
    ),
    Defect(
        "cut_short",
        "The answer says that it reached the limit of tokens, with less than half of the tokens "
        "that the request allows.",
        _ALL,
        "A prompt that nearly fills the model's context; a model whose own limit is lower.",
        "ending",
    ),
    Defect(
        "empty",
        "The answer finished by itself, with neither text nor tool call nor refusal.",
        _ALL,
        "A model with nothing to add to the result of a tool.",
        "ending",
    ),
)
NAMES = tuple(row.name for row in DEFECTS)
GROUPS: Mapping[Group, tuple[Defect, ...]] = {
    row.group: tuple(each for each in DEFECTS if each.group == row.group) for row in DEFECTS
}
