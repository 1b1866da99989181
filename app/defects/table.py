"""The defects that an answer can have, each a row. `docs/defects.md` has the same table."""

from collections.abc import Callable
from dataclasses import dataclass

from app.defects import calls, ending, markup, repetition, structure
from app.defects.case import Case

_TOOLS = ("chat", "responses", "messages")
_ALL = (*_TOOLS, "completions")


@dataclass(frozen=True, slots=True)
class Defect:
    """One kind of fault. `false_positives`: when it is named, and the host did nothing wrong."""

    name: str
    meaning: str
    dialects: tuple[str, ...]
    false_positives: str
    found_in: Callable[[Case], bool]


DEFECTS = (
    Defect(
        "tool_call_not_json",
        "The arguments of a tool call are not a JSON object, and no limit cut them short.",
        _TOOLS,
        "None known. Empty arguments count as `{}`.",
        calls.not_json,
    ),
    Defect(
        "tool_call_unknown_tool",
        "A tool was called that is not among the tools of the request.",
        _TOOLS,
        "A tool that OpenRouter or a plugin added to the request.",
        calls.unknown_tool,
    ),
    Defect(
        "tool_call_off_schema",
        "The arguments of a tool call are an object, but not as the tool's JSON Schema demands.",
        _TOOLS,
        "A schema that is stricter than its tool, such as one that forgets to allow null.",
        calls.off_schema,
    ),
    Defect(
        "tool_call_as_text",
        "Tools were offered, and a tool call in a model's own markup was left in the text.",
        _TOOLS,
        "A text about such markup that quotes a whole call outside of code.",
        markup.call_as_text,
    ),
    Defect(
        "reasoning_as_text",
        "Reasoning was left in the text, with its markup.",
        _TOOLS,
        "A text about such markup with a tag on a line of its own, outside of code; a prompt that "
        "asks for such tags.",
        markup.reasoning_as_text,
    ),
    Defect(
        "undecoded_bytes",
        "The text has U+FFFD, or tokens that were not decoded, such as `Ġ` between two words.",
        _ALL,
        "A text that quotes broken characters from its prompt, outside of code.",
        markup.undecoded_bytes,
    ),
    Defect(
        "repetition",
        "The text or the last call's arguments end in a loop: 8 times and 400 characters of the "
        "same if a limit of tokens ended it, else 64 times and 4000 characters.",
        _ALL,
        "A prompt that asks for a long repetition, or for a table of equal rows.",
        repetition.repetition,
    ),
    Defect(
        "finish_mismatch",
        "The answer says that it finished with a tool call and has none, or has one and says that "
        "it finished otherwise.",
        ("chat", "messages"),
        "None known. With a forced tool, OpenAI finishes with `stop`; that does not count.",
        ending.finish_mismatch,
    ),
    Defect(
        "structure_off_schema",
        "The request asks for JSON, and the text is none, or not as its JSON Schema demands.",
        _TOOLS,
        "A format that the request only asks for, from a model that can't be held to it.",
        structure.off_schema,
    ),
    Defect(
        "cut_short",
        "The answer says that it reached the limit of tokens, with less than half of the tokens "
        "that the request allows.",
        _ALL,
        "A prompt that nearly fills the model's context; a model whose own limit is lower.",
        ending.cut_short,
    ),
    Defect(
        "empty",
        "The answer finished by itself, with neither text nor tool call nor refusal.",
        _ALL,
        "A model with nothing to add to the result of a tool.",
        ending.empty,
    ),
)
NAMES = tuple(row.name for row in DEFECTS)
