"""The grammar of `defects`, and the defects that answers get by it."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from app.simulator import Switches
from app.simulator.catalog import Catalog
from app.simulator.completion import Completion
from app.simulator.defects import DAMAGES
from app.simulator.entries import Entry
from app.simulator.examples import example, misfit
from app.simulator.flaws import NAMES, read_flaw
from tests.simulator.simulated import HELLO, TOOL, Simulated, events

PATHS = ["chat/completions", "responses", "messages"]
MODEL = "qwen/qwen3-coder"
CITY = TOOL["function"]["parameters"]
TOOLS: dict[str, list[dict[str, Any]]] = {
    "chat/completions": [TOOL],
    "responses": [{"type": "function", "name": "get_weather", "parameters": CITY}],
    "messages": [{"name": "get_weather", "input_schema": CITY}],
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
ENDS: dict[str, tuple[str, ...]] = {
    "chat/completions": ("[DONE]",),
    "completions": ("[DONE]",),
    "responses": ("[DONE]", "response.completed", "response.incomplete"),
    "messages": ("[DONE]", "message_stop", "message_delta"),
}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("empty", Entry("empty")),
        ("empty:0.25", Entry("empty", number=0.25)),
        ("empty@novita", Entry("empty", "novita")),
        ("tool_call_not_json@deepinfra/fp8:1", Entry("tool_call_not_json", "deepinfra/fp8", 1.0)),
    ],
)
def test_a_flaw_has_a_name_and_may_have_an_endpoint_and_a_rate(text: str, flaw: Entry) -> None:
    assert read_flaw(text) == flaw


@pytest.mark.parametrize("text", ["", "emptyness", "empty:", "empty:2", "empty:-1", "empty:nan"])
async def test_a_wrong_flaw_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"defect|rate"):
        read_flaw(text)
    with pytest.raises(ValueError, match=r"defect|rate"):
        Switches(defects=(text,))
    reply = await Simulated().chat(MODEL, simulate={"defects": [text]})
    assert reply.status_code == 400
    assert repr(text) in reply.json()["error"]["message"]


def test_every_name_has_its_damage() -> None:
    assert set(NAMES) == set(DAMAGES)


# --- what each defect looks like --------------------------------------------------------------


class Seen:
    """One answer in the words of no dialect."""

    def __init__(self, path: str, told: Any) -> None:
        self.text, self.name, self.arguments = "", "", ""
        self.finish: str | None = None
        read = {"chat/completions": self._chat, "responses": self._response}
        read.get(path, self._message)(told)

    def _chat(self, body: Any) -> None:
        for choice in body["choices"]:
            said = choice.get("message") or choice.get("delta")
            self.text += said.get("content") or ""
            self.finish = choice["finish_reason"] or self.finish
            for call in said.get("tool_calls") or ():
                self.name += call["function"].get("name", "")
                self.arguments += call["function"]["arguments"]

    def _response(self, body: Any) -> None:
        self.finish = body["status"]
        for item in body["output"]:
            if item["type"] == "function_call":
                self.name, self.arguments = item["name"], item["arguments"]
            if item["type"] == "message":
                self.text += item["content"][0]["text"]
            self.last = item["status"]

    def _message(self, body: Any) -> None:
        self.finish = body["stop_reason"]
        for block in body["content"]:
            if block["type"] == "tool_use":
                given = block["input"]
                self.name = block["name"]
                self.arguments = given if isinstance(given, str) else json.dumps(given)
            self.text += block.get("text", "")


def streamed(path: str, text: str) -> Seen:
    """The same, out of the deltas of a stream."""
    whole: dict[str, Any] = {"choices": [], "output": [], "content": [], "status": "in_progress"}
    whole["stop_reason"] = None
    pieces: dict[str, str] = {"text": "", "arguments": ""}
    name = ""
    for told in events(text):
        whole["choices"] += told.get("choices", [])
        delta = told.get("delta")
        if str(told.get("type")).endswith("output_text.delta"):
            pieces["text"] += str(delta)
        if str(told.get("type")).endswith("arguments.delta"):
            pieces["arguments"] += str(delta)
        if isinstance(delta, dict):
            pieces["text"] += delta.get("text", "")
            pieces["arguments"] += delta.get("partial_json", "")
            whole["stop_reason"] = delta.get("stop_reason") or whole["stop_reason"]
        started = told.get("item") or told.get("content_block") or {}
        name = started.get("name") or name
        if told.get("type") in ("response.completed", "response.incomplete"):
            whole["status"] = told["response"]["status"]
            assert told["type"] == f"response.{whole['status']}"
    seen = Seen(path, whole)
    seen.text, seen.name = seen.text or pieces["text"], seen.name or name
    seen.arguments = seen.arguments or pieces["arguments"]
    return seen


async def seen(path: str, defect: str, *, stream: bool, tools: bool, **fields: Any) -> Seen:
    """One damaged answer; the completion behind it knows its defect."""
    simulated = Simulated()
    body = {"model": MODEL, "messages": HELLO, "input": "hello", "stream": stream, **fields}
    if tools:
        body["tools"] = TOOLS[path]
    reply = await simulated.post(f"/{path}", body, defects=[defect])
    assert reply.status_code == 200, reply.text
    ((_, routed, _),) = simulated.router.served.values()
    assert routed.completion.defect == defect.partition("@")[0]
    return streamed(path, reply.text) if stream else Seen(path, reply.json())


everywhere = pytest.mark.parametrize(
    ("path", "stream"), [(path, stream) for path in PATHS for stream in (False, True)]
)


@everywhere
async def test_arguments_can_be_no_json(path: str, *, stream: bool) -> None:
    told = await seen(path, "tool_call_not_json", stream=stream, tools=True)
    assert told.name == "get_weather"
    assert told.arguments.startswith('{"city"')
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(told.arguments)


@everywhere
async def test_a_call_can_name_a_tool_that_nobody_offered(path: str, *, stream: bool) -> None:
    told = await seen(path, "tool_call_unknown_tool", stream=stream, tools=True)
    assert told.name == "get_weather_v2"
    assert json.loads(told.arguments) == {"city": "Lisbon"}


@everywhere
async def test_arguments_can_miss_their_schema(path: str, *, stream: bool) -> None:
    told = await seen(path, "tool_call_off_schema", stream=stream, tools=True)
    assert told.name == "get_weather"
    assert not Draft7Validator(CITY).is_valid(json.loads(told.arguments))


@everywhere
async def test_a_call_can_be_left_in_the_text(path: str, *, stream: bool) -> None:
    told = await seen(path, "tool_call_as_text", stream=stream, tools=True)
    assert not told.name
    assert told.text.startswith("<tool_call>\n")
    inner = told.text.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>")
    assert json.loads(inner) == {"name": "get_weather", "arguments": {"city": "Lisbon"}}
    assert told.finish in ("stop", "completed", "end_turn")


@pytest.mark.parametrize(
    ("model", "start"),
    [
        (MODEL, '<tool_call>\n{"name": "get_weather"'),
        (
            "moonshotai/kimi-k2",
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0",
        ),
        ("minimax/minimax-m2", 'functions.get_weather:0{"city"'),
        ("deepseek/deepseek-v4.1-flash", "<\uff5cDSML\uff5cfunction_calls>"),
    ],
)
async def test_the_markup_is_the_family_s(model: str, start: str) -> None:
    count = {"type": "integer"}
    parameters = {**CITY, "properties": {**CITY["properties"], "days": count}, "required": []}
    parameters["required"] = ["city", "days"]
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    reply = await Simulated().chat(model, tools=[tool], simulate={"defects": ["tool_call_as_text"]})
    text = reply.json()["choices"][0]["message"]["content"]
    assert text.startswith(start)
    if "DSML" in text:
        bar = "\uff5cDSML\uff5c"
        assert f'<{bar}parameter name="city" string="true">Lisbon</{bar}parameter>' in text
        assert f'<{bar}parameter name="days" string="false">1</{bar}parameter>' in text
        assert text.endswith(f"</{bar}function_calls>")


@everywhere
@pytest.mark.parametrize("tools", [False, True])
async def test_a_thought_can_be_left_in_the_text(path: str, *, stream: bool, tools: bool) -> None:
    fields = {"model": "z-ai/glm-4.6", "provider": {"only": ["z-ai"]}}
    told = await seen(path, "reasoning_as_text", stream=stream, tools=tools, **fields)
    thought, _, rest = told.text.partition("</think>\n\n")
    assert thought.startswith("<think>\nThe request is simulated")
    assert bool(rest) != tools
    assert bool(told.name) == tools


@everywhere
async def test_bytes_can_stay_undecoded(path: str, *, stream: bool) -> None:
    told = await seen(path, "undecoded_bytes", stream=stream, tools=False)
    assert "This\u0120is\u0120a\u0120simulated" in told.text
    assert told.text.endswith("\ufffd")
    assert " " not in told.text


@everywhere
@pytest.mark.parametrize("most", [None, 300])
async def test_a_text_can_loop_to_its_limit(path: str, most: int | None, *, stream: bool) -> None:
    names = {"chat/completions": "max_tokens", "responses": "max_output_tokens"}
    limit = {names.get(path, "max_tokens"): most} if most else {}
    told = await seen(path, "repetition", stream=stream, tools=False, **limit)
    assert told.text.count(" and so on") > 50
    assert len(told.text) == (most or 2000) * 4
    assert told.finish in ("length", "incomplete", "max_tokens")


@everywhere
@pytest.mark.parametrize("tools", [False, True])
async def test_an_ending_can_contradict_the_content(
    path: str, *, stream: bool, tools: bool
) -> None:
    told = await seen(path, "finish_mismatch", stream=stream, tools=tools)
    assert bool(told.name) == tools
    if path == "responses":
        assert told.finish == "completed"
        assert stream or told.last == "incomplete"
    else:
        assert told.finish in (("stop", "end_turn") if tools else ("tool_calls", "tool_use"))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_structured_output_can_miss_its_schema(*, stream: bool) -> None:
    own = {"type": "json_schema", "name": "n", "schema": SCHEMA}
    asking: list[tuple[str, dict[str, Any]]] = [
        ("chat/completions", {"response_format": FORMAT}),
        ("responses", {"text": {"format": own}}),
        ("messages", {"output_config": {"format": own}}),
        ("messages", {"output_format": own}),
    ]
    for path, fields in asking:
        told = await seen(path, "structure_off_schema", stream=stream, tools=False, **fields)
        assert not Draft7Validator(SCHEMA).is_valid(json.loads(told.text))
    plain = await seen(
        "chat/completions",
        "structure_off_schema",
        stream=stream,
        tools=False,
        response_format={"type": "json_object"},
    )
    assert plain.text == 'Here is the JSON: {"simulated": true}'


@everywhere
@pytest.mark.parametrize("tools", [False, True])
async def test_an_answer_can_end_far_below_its_limit(
    path: str, *, stream: bool, tools: bool
) -> None:
    told = await seen(path, "cut_short", stream=stream, tools=tools)
    assert len(told.text) + len(told.arguments) == 12
    assert told.finish in ("length", "incomplete", "max_tokens")


@everywhere
@pytest.mark.parametrize("tools", [False, True])
async def test_an_answer_can_be_empty_and_billed(path: str, *, stream: bool, tools: bool) -> None:
    told = await seen(path, "empty", stream=stream, tools=tools)
    assert not told.text
    assert not told.name
    assert told.finish in ("stop", "completed", "end_turn")


async def test_an_empty_answer_costs_what_the_whole_one_would() -> None:
    sound = (await Simulated().chat(MODEL)).json()["usage"]
    assert sound["completion_tokens"] > 20
    empty = (await Simulated().chat(MODEL, simulate={"defects": ["empty"]})).json()["usage"]
    assert empty == sound


@everywhere
@pytest.mark.parametrize("tools", [False, True])
async def test_an_answer_can_stop_without_a_last_word(
    path: str, *, stream: bool, tools: bool
) -> None:
    told = await seen(path, "unfinished", stream=stream, tools=tools)
    assert told.finish in (None, "in_progress")
    assert told.text or told.arguments


@pytest.mark.parametrize("path", ENDS)
async def test_an_unfinished_stream_has_no_terminator(path: str) -> None:
    body = {"model": MODEL, "messages": HELLO, "input": "hi", "prompt": "hi", "stream": True}
    sound = (await Simulated().post(f"/{path}", body)).text
    cut = (await Simulated().post(f"/{path}", body, defects=["unfinished"])).text
    assert any(end in sound for end in ENDS[path])
    assert not any(end in cut for end in ENDS[path])
    assert 'usage":{"prompt_tokens' not in cut
    assert len(list(events(cut))) > 10


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "defect",
    ["reasoning_as_text", "undecoded_bytes", "repetition", "cut_short", "empty", "finish_mismatch"],
)
async def test_text_completions_have_the_defects_of_texts(defect: str, *, stream: bool) -> None:
    body = {"model": MODEL, "prompt": "hello", "stream": stream}
    sound = await Simulated().post("/completions", body)
    reply = await Simulated().post("/completions", body, defects=[defect])
    bodies = [list(events(each.text)) if stream else [each.json()] for each in (sound, reply)]
    choices = [[told["choices"][0] for told in each] for each in bodies]
    texts = ["".join(choice["text"] for choice in each) for each in choices]
    ends = [each[-1]["finish_reason"] for each in choices]
    assert (texts[0], ends[0]) != (texts[1], ends[1])


# --- which answers get one --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("defect", "fields"),
    [
        *[(name, {}) for name in NAMES if name.startswith("tool_call")],
        ("structure_off_schema", {}),
        ("structure_off_schema", {"response_format": FORMAT, "max_tokens": 1}),
        ("undecoded_bytes", {"tools": [TOOL]}),
        ("repetition", {"tools": [TOOL]}),
        ("repetition", {"max_tokens": 6}),
        ("cut_short", {"max_tokens": 6}),
        ("cut_short", {"max_tokens": 20}),
    ],
)
async def test_an_answer_of_another_kind_stays_sound(defect: str, fields: dict[str, Any]) -> None:
    damaged = (await Simulated().chat(MODEL, **fields, simulate={"defects": [defect]})).json()
    assert damaged == (await Simulated().chat(MODEL, **fields)).json()


async def test_the_first_defect_that_fits_is_taken() -> None:
    simulated = Simulated(defects=("tool_call_not_json", "cut_short", "empty"))
    await simulated.chat(MODEL)
    await simulated.chat(MODEL, tools=[TOOL])
    assert defects_of(simulated) == ["cut_short", "tool_call_not_json"]


def defects_of(simulated: Simulated) -> list[str]:
    """The defects of all answers, oldest first."""
    return [routed.completion.defect for _, routed, _ in simulated.router.served.values()]


async def test_an_endpoint_or_a_provider_can_be_meant() -> None:
    only = {"provider": {"only": ["novita/fp8"]}}
    for where, hit in [("novita", "empty"), ("novita/fp8", "empty"), ("deepinfra", "")]:
        simulated = Simulated()
        await simulated.chat(MODEL, **only, simulate={"defects": [f"empty@{where}"]})
        assert defects_of(simulated) == [hit]


async def test_a_rate_damages_about_that_share_and_the_same_again() -> None:
    async def play() -> list[str]:
        simulated = Simulated(defects=("empty:0.2",))
        for _ in range(200):
            await simulated.chat(MODEL)
        return defects_of(simulated)

    found = await play()
    assert 20 < found.count("empty") < 60
    assert found == await play()


async def test_other_routes_have_no_defects() -> None:
    simulated = Simulated(defects=("empty",))
    await simulated.post("/embeddings", {"model": "qwen/qwen3-embedding-8b", "input": "x"})
    assert defects_of(simulated) == [""]


# --- values off their schema ------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        CITY,
        SCHEMA,
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {}, "b": {"type": "string"}}},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object"},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "string"},
        {"$ref": "#/$defs/a", "$defs": {"a": SCHEMA}},
    ],
)
def test_a_misfit_never_fits(schema: dict[str, Any]) -> None:
    fitting = example(schema)
    assert Draft7Validator(schema).is_valid(fitting)
    assert not Draft7Validator(schema).is_valid(misfit(schema, fitting))


def test_a_completion_is_sound_by_default() -> None:
    assert Completion.__dataclass_fields__["defect"].default == ""
    assert not [
        row
        for listed in Catalog.read(None).models
        for row in listed.rows
        if not set(row.hidden.get("defects", {})) <= set(NAMES)
    ]
