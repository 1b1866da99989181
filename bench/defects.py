"""Precision and recall of the defects, over answers that are made with their labels.

    python -m bench.defects [--answers 2000] [--seed 1] [--examples 3]

Half of the answers are clean, with content that resembles a defect. Every twentieth of each kind is
a hard one: clean although the rules say otherwise, or faulty in a way that they can't see. They are
there so that the figures are not those of a rule with itself; `docs/defects.md` names their kinds.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.defects.table import DEFECTS, NAMES
from tests.defects.answers import body_of, finds, request_of, stream_of

HARD = 0.05
FENCE = "```"
BAR = "\N{FULLWIDTH VERTICAL LINE}"
SENTENCES = (
    "The cache is filled by the first request and read by all that follow.",
    "Nous avons vérifié trois hypothèses, et la deuxième est la bonne.",
    "これは短い例です。次の行も読んでください。",
    "Straße, Ærø and Łódź sort differently in each locale.",
    "Il-Ġimgħa li għaddiet Ċensa marret il-Ġermanja ma' Ġorġ.",
    "All good! \N{PARTY POPPER} The family \N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL} is one emoji.",
    "Use `<tool_call>{` or `</think>` to find them, and `Ġ` for a space.",
    "Load over the day: ▁▂▃▅▇▅▃▂▁, and again ▁▂▃▅▇▅▃▂▁.",
    'It answers {"status": "ok", "items": [1, 2, 3]} when all is well.',
    "A <function> element, a <tool> and a [LINK] are not special here.",
    "See functions.php: 3 hooks are registered there.",
    "The price is 3 < 5 and 7 > 2; a&b stays a&b.",
)
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["C", "F"]},
    },
    "required": ["city"],
    "additionalProperties": False,
}
EDIT = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "edits": {"type": "array", "items": {"$ref": "#/$defs/edit"}, "minItems": 1},
    },
    "required": ["path", "edits"],
    "$defs": {
        "edit": {
            "type": "object",
            "properties": {"old": {"type": "string"}, "new": {"type": ["string", "null"]}},
            "required": ["old", "new"],
        }
    },
}
CODE = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]{3}$"}}}
TOOLS = {"get_weather": WEATHER, "edit_file": EDIT, "look_up": CODE}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@dataclass(frozen=True)
class Labelled:
    """One answer: what was asked, what was said, and which defect it really has."""

    label: str | None
    dialect: str
    asked: dict[str, Any]
    said: dict[str, Any]
    about: str = ""


class Maker:
    """Makes answers; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def answers(self, count: int) -> Iterator[Labelled]:
        makers = {row.name: getattr(self, row.name) for row in DEFECTS}
        for number in range(count):
            row = DEFECTS[number // 2 % len(DEFECTS)]
            dialect = self.random.choice(row.dialects)
            hard = self.random.random() < HARD
            if number % 2:
                yield replace(self.clean(row.name, dialect, hard=hard), dialect=dialect)
            else:
                asked, said = makers[row.name](dialect, hard)
                yield Labelled(row.name, dialect, asked, said, "hard" if hard else "")

    # --- clean ones ---------------------------------------------------------------------------

    def clean(self, near: str, dialect: str, *, hard: bool) -> Labelled:
        """An answer without a defect; a hard one has a known false positive of `near`."""
        asked: dict[str, Any] = {"tools": TOOLS} if dialect != "completions" else {}
        said: dict[str, Any] = {"text": self.text(), "tokens": 200}
        if hard and near in _KNOWN:
            return Labelled(None, dialect, asked | _KNOWN[near][0], said | _KNOWN[near][1], "hard")
        kind = self.random.choice(("text", "text", "call", "structure", "limit", "reasoning"))
        if kind == "call" and asked:
            said |= {"calls": [self.call() for _ in range(self.random.randint(1, 3))]}
            said["finish"] = "tool_calls"
        elif kind == "structure" and asked:
            asked["schema"] = PERSON
            said["text"] = json.dumps({"name": self.sentence(), "age": self.random.randint(1, 99)})
        elif kind == "limit":
            asked["most"] = 200
            said["finish"] = "length"
        elif kind == "reasoning":
            said["reasoning"] = "<think>Hm. Ġ <tool_call>{</think>"
        return Labelled(None, dialect, asked, said, kind)

    def sentence(self) -> str:
        return self.random.choice(SENTENCES)

    def text(self) -> str:
        parts = [self.random.choice(_TRICKY)(self) for _ in range(self.random.randint(1, 5))]
        return "\n\n".join(parts)

    def call(self) -> list[str]:
        name = self.random.choice(list(TOOLS))
        return [name, json.dumps(self.arguments(name), ensure_ascii=self.random.random() < 0.5)]

    def arguments(self, name: str) -> dict[str, Any]:
        if name == "get_weather":
            days = self.random.choice(({}, {"days": self.random.randint(1, 14)}, {"unit": "C"}))
            return {"city": self.random.choice(("Oslo", "Århus", "東京"))} | days
        if name == "look_up":
            return {"code": self.random.choice(("OSL", "FRA"))}
        edit = {"old": f"<tool_call>{{{self.sentence()}", "new": self.random.choice((None, "x"))}
        return {"path": "a.py", "edits": [edit] * self.random.randint(1, 4)}

    # --- one for each defect ------------------------------------------------------------------

    def tool_call_not_json(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        name, arguments = self.call()
        broken = self.random.choice(
            (arguments[:-1], arguments + arguments, f"[{arguments}]", arguments.replace('"', "'"))
        )
        if hard:  # mended by its host into something else
            broken = "{}"
        return {"tools": {name: {}}}, {"calls": [[name, broken]], "finish": "tool_calls"}

    def tool_call_unknown_tool(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        name, arguments = self.call()
        other = self.random.choice((f"functions.{name}", name.title(), "bash", f"{name} "))
        tools = {"extra": {"preset": "mine"}} if hard else {}
        return {"tools": TOOLS} | tools, {"calls": [[other, arguments]], "finish": "tool_calls"}

    def tool_call_off_schema(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        wrong = self.random.choice(
            (
                ["get_weather", '{"city": 3}'],
                ["get_weather", '{"city": "Oslo", "days": "3"}'],
                ["get_weather", '{"city": "Oslo", "day": 3}'],
                ["get_weather", '{"city": "Oslo", "unit": "c"}'],
                ["edit_file", '{"path": "a.py", "edits": []}'],
                ["edit_file", '{"path": "a.py", "edits": [{"old": "a"}]}'],
                ["edit_file", '{"path": "a.py", "edits": "[{}]"}'],
            )
        )
        if hard:
            wrong = ["look_up", '{"code": "oslo"}']
        return {"tools": TOOLS}, {"calls": [self.call(), wrong], "finish": "tool_calls"}

    def tool_call_as_text(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        name, arguments = self.call()
        written = json.dumps({"name": name, "arguments": json.loads(arguments)})
        markup = self.random.choice(
            (
                f"<tool_call>\n{written}\n</tool_call>",
                f"<tool_call>{name}\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>",
                f"<function={name}>\n<parameter=city>\nOslo\n</parameter>\n</function>",
                f"<|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0",
                f"functions.{name}:0{arguments}",
                f"[TOOL_CALLS][{written}]",
                f"[TOOL_CALLS]{name}[ARGS]{arguments}",
                f'<{BAR}DSML{BAR}function_calls>\n<{BAR}DSML{BAR}invoke name="{name}">',
                f"<{BAR}tool▁calls▁begin{BAR}><{BAR}tool▁call▁begin{BAR}>function<{BAR}tool▁sep{BAR}>{name}",
                f"<|channel|>commentary to=functions.{name} <|message|>{arguments}",
            )
        )
        text = f"{FENCE}json\n{written}\n{FENCE}" if hard else markup
        return {"tools": TOOLS}, {"text": self.random.choice(("", self.text() + "\n\n")) + text}

    def reasoning_as_text(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        thought, answer = self.sentence(), self.text()
        text = self.random.choice(
            (
                f"<think>\n{thought}\n</think>\n\n{answer}",
                f"{thought}\n</think>\n\n{answer}",
                f"<thinking>{thought}</thinking>\n{answer}",
                f"<|channel|>analysis<|message|>{thought}<|end|>{answer}",
                f"[THINK]{thought}[/THINK]{answer}",
            )
        )
        return {}, {"text": f"Okay, the user wants this. {thought}\n\n{answer}" if hard else text}

    def undecoded_bytes(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        plain = "The quick brown fox jumps over the lazy dog, and it doesn't stop."
        text = self.random.choice(
            (
                plain.replace(" ", "Ġ"),
                plain.replace(". ", ".Ċ") + "ĊNextĊline.Ċ",
                plain.replace("'", "âĢĻ") + " It isnâĢĻt.",
                plain.replace(" ", "▁"),
                plain.replace(" ", "<0x0A>"),
                f"{plain} \ufffd\ufffd",
            )
        )
        if hard:
            text = plain.replace("'", "â€™")  # decoded, by another table
        return {}, {"text": f"{self.text()}\n\n{text}"}

    def repetition(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        unit = self.random.choice(
            ("la ", "\n", "I will now look at it. ", f"{self.sentence()}\n", "0, ", "</div>")
        )
        loop = unit * (1000 // len(unit) + 12)
        if hard:
            loop = "".join(f"Step {number}: look again.\n" for number in range(200))
        cut = self.random.randint(0, len(unit) - 1)
        said = {"text": self.text() + "\n\n" + loop[: len(loop) - cut], "finish": "length"}
        return {"most": 300}, said | {"tokens": 300}

    def finish_mismatch(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        if hard:
            said = {"calls": [self.call()], "finish": "length"}  # it had finished
        elif self.random.random() < 0.5:
            said = {"text": self.text(), "finish": "tool_calls"}
        else:
            said = {"calls": [self.call()], "finish": "stop"}
        return {"tools": TOOLS}, said

    def structure_off_schema(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        good = json.dumps({"name": "Ada", "age": 36})
        text = self.random.choice(
            (
                f"{FENCE}json\n{good}\n{FENCE}",
                f"Here it is: {good}",
                good[:-1],
                '{"name": "Ada"}',
                '{"name": "Ada", "age": "36"}',
                "[]",
                good.replace('"', "'"),
            )
        )
        schema: dict[str, Any] = PERSON
        if hard:
            schema = {**PERSON, "properties": {"name": {"pattern": "^B"}}}
            text = good
        return {"schema": schema}, {"text": text}

    def cut_short(self, _: str, hard: bool) -> Any:  # noqa: FBT001
        said = {"text": self.text(), "finish": "length"}
        most = self.random.randint(100, 4000)
        tokens = int(most * (0.7 if hard else self.random.uniform(0.02, 0.45)))
        return {"most": most}, said | {"tokens": max(tokens, 1)}

    def empty(self, dialect: str, hard: bool) -> Any:  # noqa: FBT001
        said = {"text": self.random.choice(("", "\n", " "))}
        if dialect != "completions" and self.random.random() < 0.4:
            said["reasoning"] = "Hm."
        return ({"extra": {"stop": ["\n"]}} if hard else {}), said


_TRICKY: tuple[Callable[[Maker], str], ...] = (
    lambda make: " ".join(make.sentence() for _ in range(make.random.randint(1, 8))),
    lambda make: f"{FENCE}xml\n<tool_call>\n{json.dumps(make.call())}\n</tool_call>\n{FENCE}",
    lambda _: f"- so:\n\n  {FENCE}\n  <think>\n  hm\n  </think>\n  {FENCE}\n\n  Then.",
    lambda _: "~~~python\nvocab = ['TheĠquickĠbrown', '<0x0A>', '\ufffd']\n~~~\n\nDone.",
    lambda make: "| a | b |\n|---|---|\n" + "| 0 | 0 |\n" * make.random.randint(3, 45) + "\nEnd.",
    lambda make: "\n".join(f"{n}. item {n}" for n in range(make.random.randint(3, 200))),
    lambda make: "-" * make.random.randint(10, 300) + "\nAbove is a line.",
    lambda make: "Base64: " + "QUFB" * make.random.randint(2, 30) + "==",
    lambda _: "Qwen opens a call with <tool_call> and closes it with </tool_call>, on its own.",
    lambda _: "R1 puts a <think> tag first and a </think> tag last, which a host removes.",
)
_KNOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tool_call_as_text": ({}, {"text": 'Hosts look for <tool_call>{"name": ...} in the text.'}),
    "reasoning_as_text": (
        {},
        {"text": "A host removes what comes before this:\n</think>\nThat is it."},
    ),
    "undecoded_bytes": ({}, {"text": "Your file has the broken character \ufffd in line 3."}),
    "repetition": ({}, {"text": "I will not talk in class.\n" * 500}),
    "tool_call_off_schema": (
        {},
        {"calls": [["get_weather", '{"city": "Oslo", "unit": null}']], "finish": "tool_calls"},
    ),
    "cut_short": ({"most": 100_000}, {"finish": "length", "tokens": 8192}),
}


def found_in(one: Labelled, chance: random.Random) -> tuple[str, ...]:
    """What is found, in the whole body or in a stream that is cut at random places."""
    request = request_of(one.dialect, one.asked)
    said = one.said | {"ascii": chance.random() < 0.5}
    streamed = chance.random() < 0.7
    data = body_of(one.dialect, said)
    if streamed:
        data = stream_of(one.dialect, said, chance.randint(1, 40))
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randint(0, 60)))
    chunks = (data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True))
    return finds(one.dialect, request, chunks, streamed=streamed)


@dataclass
class Score:
    """How often each defect was there, was found, and both."""

    there: Counter[str]
    found: Counter[str]
    both: Counter[str]

    def precision(self, name: str) -> float:
        return self.both[name] / self.found[name] if self.found[name] else 1.0

    def recall(self, name: str) -> float:
        return self.both[name] / self.there[name] if self.there[name] else 1.0


def score(pairs: Iterator[tuple[Labelled, tuple[str, ...]]], examples: int = 0) -> Score:
    """The score of these answers; prints some that were not as labelled, hard ones left out."""
    total = Score(Counter(), Counter(), Counter())
    for one, found in pairs:
        named = {one.label} if one.label else set()
        total.there.update(named)
        total.found.update(found)
        total.both.update(named & set(found))
        if named != set(found) and one.about != "hard" and examples > 0:
            examples -= 1
            print(f"not as labelled: {one.label} but {found}, {one.dialect}: {one.said}"[:400])
    return total


def measured(count: int, seed: int, examples: int = 0) -> Score:
    chance = random.Random(seed + 1)
    answers = Maker(seed).answers(count)
    return score(((one, found_in(one, chance)) for one in answers), examples)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=3)
    told = parser.parse_args()
    total = measured(told.answers, told.seed, told.examples)
    print(f"{told.answers} answers, {sum(total.there.values())} with a defect")
    print(f"{'defect':24}{'there':>7}{'found':>7}{'precision':>11}{'recall':>9}")
    for name in NAMES:
        print(
            f"{name:24}{total.there[name]:7}{total.found[name]:7}"
            f"{total.precision(name):11.3f}{total.recall(name):9.3f}"
        )


if __name__ == "__main__":
    main()
