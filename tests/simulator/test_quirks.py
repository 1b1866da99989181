"""Endpoints that behave differently: as the twin statistic of an audit sees them."""

from collections.abc import Mapping
from itertools import takewhile
from statistics import mean
from typing import Any, NamedTuple

import pytest

from app.simulator import Host, Switches
from app.simulator.catalog import Catalog
from app.simulator.completion import Completion
from app.simulator.quirks import NAMES, read_quirk
from app.simulator.router import Router
from app.simulator.saying import THOUGHT, tokens
from tests.simulator.simulated import HELLO, TOOL, Clock, Simulated, asked, endpoint, model

PROMPTS = [f"Question {number}: what is it?" for number in range(50)]
CATALOG = Catalog([model(*[endpoint(tag) for tag in ("ref", "other/fp8", "third")])])
SHORT: dict[str, Any] = {"temperature": 0, "max_tokens": 16}
LENIENT = 0.1  # of a mean share of 50 prompts; its standard error is .05


class House:
    """A router whose endpoint `other/fp8` has quirks."""

    def __init__(self, *, seed: int = 0, **quirks: float) -> None:
        hosts = {"other/fp8": Host(quirks=quirks)}
        self.router = Router(CATALOG, seed=seed, clock=Clock(), hosts=hosts)

    def answer(self, tag: str, prompt: str = "hi", **fields: Any) -> Completion:
        turn = [{"role": "user", "content": prompt}]
        ask = asked(CATALOG, messages=turn, provider={"only": [tag]}, **{**SHORT, **fields})
        return self.router.route(ask).completion

    def text(self, tag: str, prompt: str = "hi", **fields: Any) -> str:
        return self.answer(tag, prompt, **fields).text


class Twins(NamedTuple):
    """How far answers to one prompt agree, on average: two of A, two of B, one of each."""

    of_a: float
    of_b: float
    across: float

    @property
    def ratio(self) -> float:
        return self.across / mean((self.of_a, self.of_b))


def twins(house: House, a: str = "ref", b: str = "other/fp8") -> Twins:
    """Every prompt twice to each of two endpoints."""
    shares: list[tuple[float, float, float]] = []
    for prompt in PROMPTS:
        ours = [house.text(a, prompt) for _ in range(2)]
        theirs = [house.text(b, prompt) for _ in range(2)]
        across = mean(share(one, other) for one in ours for other in theirs)
        shares.append((share(*ours), share(*theirs), across))
    return Twins(*(mean(column) for column in zip(*shares, strict=True)))


def share(one: str, other: str) -> float:
    """The length of the common beginning, of the longer one's."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike) / max(len(one), len(other), 1)


# --- what the statistic sees ------------------------------------------------------------------


def test_an_endpoint_without_quirks_answers_like_its_twin() -> None:
    assert twins(House()) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("delta", "ratio"), [(0.05, 0.9), (0.2, 0.57), (0.5, 0.25)])
def test_a_changed_endpoint_repeats_itself_and_parts_from_the_others(
    delta: float, ratio: float
) -> None:
    seen = twins(House(delta=delta))
    assert (seen.of_a, seen.of_b) == (1.0, 1.0)
    assert seen.ratio == pytest.approx(ratio, abs=LENIENT)
    assert seen.ratio < 1


def test_two_endpoints_are_not_changed_in_the_same_way() -> None:
    hosts = {tag: Host(quirks={"delta": 0.5}) for tag in ("other/fp8", "third")}
    house = House()
    house.router = Router(CATALOG, seed=0, clock=Clock(), hosts=hosts)
    assert twins(house, "other/fp8", "third").ratio < 0.5


def test_the_same_noise_at_two_endpoints_is_no_difference() -> None:
    hosts = {"ref": Host(quirks={"sigma": 0.1}), "other": Host(quirks={"sigma": 0.1})}
    house = House()
    house.router = Router(CATALOG, seed=0, clock=Clock(), hosts=hosts)
    seen = twins(house)
    assert 0.4 < seen.of_a < 0.9
    assert seen.of_b == pytest.approx(seen.of_a, abs=2 * LENIENT)
    assert seen.ratio == pytest.approx(1, abs=LENIENT)


def test_a_little_noise_leaves_most_answers_as_they_are() -> None:
    seen = twins(House(sigma=0.01))
    assert 0.85 < seen.of_b < 1
    assert seen.ratio == pytest.approx(1, abs=LENIENT)


@pytest.mark.parametrize("quirk", [{"temperature": 1}, {"sigma": 1}])
def test_an_endpoint_that_samples_repeats_itself_less(quirk: dict[str, Any]) -> None:
    seen = twins(House(**quirk))
    assert seen.of_a == 1.0
    assert seen.of_b < 0.25


@pytest.mark.parametrize("quirk", [{"sigma": 1}, {"temperature": 1}, {"delta": 0.5, "sigma": 1}])
def test_an_endpoint_that_caches_answers_repeats_itself_whatever_else(
    quirk: dict[str, Any],
) -> None:
    seen = twins(House(cached=1, **quirk))
    assert seen.of_b == 1.0
    assert seen.ratio < 0.5
    assert House(seed=1, cached=1, **quirk).text("other/fp8") == House(
        seed=2, cached=1, **quirk
    ).text("other/fp8")


def test_noise_comes_from_the_seed_and_the_order_of_requests() -> None:
    def texts(seed: int) -> list[str]:
        house = House(seed=seed, sigma=1)
        return [house.text("other/fp8", prompt) for prompt in ("a", "a", "b")]

    assert texts(0) == texts(0) != texts(1)
    assert len(set(texts(0))) == 3


# --- templates, limits, thoughts --------------------------------------------------------------


def test_a_template_adds_tokens_to_every_prompt_and_changes_the_text() -> None:
    house = House(template=9)
    for prompt in PROMPTS[:5]:
        for fields in ({}, {"temperature": 1}, {"tools": [TOOL]}):
            plain = house.answer("ref", prompt, **fields)
            own = house.answer("other/fp8", prompt, **fields)
            assert own.usage.prompt_tokens == plain.usage.prompt_tokens + 9
        assert house.text("ref", prompt) != house.text("other/fp8", prompt)
    assert twins(house).ratio < 0.3


def test_an_endpoint_can_ignore_the_limit_of_tokens() -> None:
    plain, own = (House(unlimited=1).answer(tag) for tag in ("ref", "other/fp8"))
    assert (plain.usage.completion_tokens, plain.finish_reason) == (16, "length")
    assert own.usage.completion_tokens == tokens(own.text) > 16
    assert own.finish_reason == "stop"
    assert own.text.startswith(plain.text)


def test_an_endpoint_can_think_though_it_was_told_not_to() -> None:
    house = House(thinks=1)
    off: dict[str, Any] = {"reasoning": {"enabled": False}}
    assert not house.answer("ref", **off).reasoning
    own = house.answer("other/fp8", **off, max_tokens=None)
    assert own.reasoning == THOUGHT
    assert own.usage.reasoning_tokens == tokens(THOUGHT)
    assert own.text
    assert not house.answer("other/fp8", **off).text, "the thoughts leave no room"


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages"])
async def test_quirks_show_in_every_dialect_whole_and_streamed(path: str) -> None:
    body: dict[str, Any] = {"model": "qwen/qwen3-coder", **SHORT, "max_output_tokens": 16}
    body |= {"messages": HELLO, "input": "hi", "prompt": "hi", "provider": {"only": ["novita"]}}

    async def told(*quirks: str) -> tuple[str, int]:
        """The text and the tokens of the prompt, of an answer with these quirks."""
        simulated = Simulated(quirks=quirks)
        whole = (await simulated.post(f"/{path}", body)).json()
        await simulated.post(f"/{path}", {**body, "stream": True})
        answered, streamed = [each.completion for _, each, _ in simulated.router.served.values()]
        assert streamed.text == answered.text == _text_of(whole)
        usage = whole["usage"]
        return answered.text, int(usage.get("prompt_tokens") or usage["input_tokens"])

    (plain, short), (changed, long) = await told(), await told("delta:5", "template:3")
    assert len(plain) == 64
    assert changed != plain
    assert long == short + 3


def _text_of(body: Mapping[str, Any]) -> str:
    if "choices" in body:
        (choice,) = body["choices"]
        return str(choice["text"] if "text" in choice else choice["message"]["content"])
    blocks = body.get("content") or body["output"][-1]["content"]
    return str(blocks[-1]["text"])


# --- which requests, and the bill -------------------------------------------------------------


def test_the_words_are_the_model_s_whichever_endpoint_answers() -> None:
    house = House()
    whole = house.text("ref", max_tokens=None)
    assert house.text("third", max_tokens=None) == whole
    assert whole.endswith(".")
    for most in range(1, 40):
        answer = house.answer("ref", max_tokens=most)
        assert answer.text == whole[: 4 * most]
        assert answer.usage.completion_tokens == min(most, tokens(whole))
        assert answer.finish_reason == ("length" if most < tokens(whole) else "stop")
    other = Catalog([model(endpoint("ref"), id="acme/sim-2")])
    router = Router(other, seed=0, clock=Clock())
    fields = {**SHORT, "max_tokens": None, "messages": [{"role": "user", "content": "hi"}]}
    assert router.route(asked(other, model="acme/sim-2", **fields)).completion.text != whole


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": None},
        {"temperature": 0.1},
        {"tools": [TOOL], "tool_choice": "none"},
        {"response_format": {"type": "json_object"}, "max_tokens": None},
        {"plugins": [{"id": "web"}]},
    ],
)
def test_other_answers_are_as_they_were(fields: dict[str, Any]) -> None:
    told = House(delta=5, temperature=1, sigma=1).text("other/fp8", **fields)
    assert told.startswith(("This is a simulated answer, as ", '{"simulated": true}'))


def test_the_bill_is_of_the_text_that_was_written() -> None:
    every: list[dict[str, Any]] = [{}, {"template": 7}, {"unlimited": 1}, {"thinks": 1}]
    for quirks in every:
        answer = House(sigma=1, **quirks).answer("other/fp8")
        usage, row = answer.usage, answer.row
        assert usage.completion_tokens == tokens(answer.text) + tokens(answer.reasoning)
        assert usage.prompt_cost == usage.prompt_tokens * row.price("prompt")
        assert usage.completion_cost == usage.completion_tokens * row.price("completion")


# --- where quirks are set ---------------------------------------------------------------------


def test_the_catalog_s_quirks_show_where_wanted() -> None:
    catalog = Catalog([model(endpoint("ref"), endpoint("a/fp8", quirks={"template": 9}))])

    def tokens_at(tag: str, *, flawed: bool, **options: Any) -> int:
        router = Router(catalog, seed=0, clock=Clock(), flawed=flawed, **options)
        ask = asked(catalog, provider={"only": [tag]})
        return router.route(ask).completion.usage.prompt_tokens

    plain = tokens_at("ref", flawed=True)
    assert tokens_at("a/fp8", flawed=False) == plain
    assert tokens_at("a/fp8", flawed=True) == plain + 9
    hosts = {"a": Host(quirks={"template": 2})}
    assert tokens_at("a/fp8", flawed=True, hosts=hosts) == plain + 2, "the later counts"


@pytest.mark.parametrize(
    ("quirk", "more"),
    [("template:5", 5), ("template@other:5", 5), ("template@other/fp8", 1), ("template@ref:5", 0)],
)
def test_a_request_can_give_quirks_to_endpoints(quirk: str, more: int) -> None:
    house = House()
    ask = asked(CATALOG, Switches(quirks=(quirk,)), provider={"only": ["other/fp8"]})
    plain = house.answer("ref", "hello", temperature=None).usage.prompt_tokens
    assert house.router.route(ask).completion.usage.prompt_tokens == plain + more


@pytest.mark.parametrize(
    "text",
    [
        *("", "strange", "delta:", "delta:-1", "delta:inf", "sigma:nan"),
        *("cached:0.5", "cached:2", "template:1.5"),
    ],
)
async def test_a_wrong_quirk_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="quirk"):
        read_quirk(text)
    with pytest.raises(ValueError, match="quirk"):
        Switches(quirks=(text,))
    reply = await Simulated().chat("x-ai/grok-4", simulate={"quirks": [text]})
    assert reply.status_code == 400
    assert repr(text) in reply.json()["error"]["message"]


@pytest.mark.parametrize("wrong", [{"strange": 1}, {"delta": -1}, {"delta": "1"}, {"cached": 3}])
def test_a_host_with_a_wrong_quirk_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="quirk"):
        Host(quirks=wrong)


def test_every_quirk_can_be_given() -> None:
    assert {read_quirk(f"{name}@novita").name for name in NAMES} == set(NAMES)


# --- the demo's endpoints whose label is a lie ------------------------------------------------

DEMO = Catalog.read(None)
# By model: an honest reference, and what the statistic says of each other endpoint that is found.
DEMO_FINDS = {
    "qwen/qwen3-coder": (
        "gmicloud/bf16",
        {
            "deepinfra/fp4": "parts sooner",
            "deepinfra/turbo": "parts sooner",
            "hyperbolic/fp8": "parts sooner",
            "together/fp8": "other prompt",
            "siliconflow/fp8": "repeats itself less",
            "novita/fp8": "repeats itself less",
        },
    ),
    "moonshotai/kimi-k2": (
        "moonshotai",
        {
            "deepinfra/fp4": "parts sooner",
            "parasail/int4": "parts sooner",
            "baseten/nvfp4": "parts sooner",
            "together": "parts sooner",
            "groq": "other prompt",
            "fireworks": "repeats itself less",
        },
    ),
    "meta-llama/llama-3.3-70b-instruct": (
        "deepinfra",
        {
            "together": "parts sooner",
            "cerebras": "too long",
            "novita": "repeats itself less",
        },
    ),
    "mistralai/devstral-small": (
        "mistral",
        {"nebius/int8": "parts sooner", "parasail/fp32": "parts sooner"},
    ),
}


class Demo(House):
    """The shipped catalog as `pointsman demo` starts it."""

    def __init__(self, name: str) -> None:
        self.router = Router(DEMO, seed=0, clock=Clock(), flawed=True)
        self.name = name

    def answer(self, tag: str, prompt: str = "hi", **fields: Any) -> Completion:
        turn = [{"role": "user", "content": prompt}]
        provider = {"only": [tag], "allow_fallbacks": False, "require_parameters": True}
        told = {"model": self.name, "messages": turn, "provider": provider, **SHORT, **fields}
        return self.router.route(asked(DEMO, **told)).completion

    def finding(self, reference: str, tag: str) -> str:
        """What is found of an endpoint; nothing of an honest one."""
        ours, theirs = self.answer(reference).usage, self.answer(tag).usage
        if ours.prompt_tokens != theirs.prompt_tokens:
            return "other prompt"
        if theirs.completion_tokens > SHORT["max_tokens"]:
            return "too long"
        seen = twins(self, reference, tag)
        assert seen.of_a > 0.85, "a reference repeats itself"
        if seen.of_b < seen.of_a - 0.25:
            return "repeats itself less"
        return "parts sooner" if seen.ratio < 0.92 else ""


@pytest.mark.parametrize("name", DEMO_FINDS)
def test_the_demo_has_endpoints_that_an_audit_finds_and_honest_ones(name: str) -> None:
    reference, expected = DEMO_FINDS[name]
    found = DEMO.find(name)
    assert found is not None
    demo = Demo(name)
    tags = {row.tag for row in found.rows if row.listed["status"] == 0} - {reference}
    assert {tag: told for tag in tags if (told := demo.finding(reference, tag))} == expected


def test_every_quirk_of_the_shipped_catalog_is_one() -> None:
    told = [
        row.hidden["quirks"] for each in DEMO.models for row in each.rows if "quirks" in row.hidden
    ]
    assert len(told) > 100
    for quirks in told:
        Host(quirks=quirks)
