"""What keeping conversations at their hosts saves: cached share, dollars, flips, failures.

    make bench-affinity           or: python -m bench.affinity [--conversations 200] [--turns 20]
                                      [--seed 1] [--plots docs/images]

A simulated OpenRouter with six hosts of one model, each with a prompt cache of its own, failing now
and then and sealing its reasoning, serves the same conversations under `affinity` off, hint, pin
and strict. The client names its session in a header that OpenRouter does not know, sends every
turn's reasoning back, drops all of it after a 400 about it, and tries again once after any failure.

The exit status is 1 if an endpoint outside the policy was sent anything, or if a continuation
failed under `strict`.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2

from app.ledger.receipt import Receipt, paid_usd
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from app.simulator.hosts import Host
from bench.svg import Line, Panel, figure
from bench.verdicts import all_receipts
from tests.running import running

MODES = ("off", "hint", "pin", "strict")
MODEL = "acme/talker"
SESSION = "x-claude-code-session-id"  # not one that OpenRouter reads
TURN_SECONDS = 20.0  # between two turns of a conversation, on the simulator's clock
FAIL_RATE = 0.02  # of the attempts at each host
OUTAGE_SECONDS = 180.0
SYSTEM_WORDS, TURN_WORDS = 1500, 150
TOGETHER = 8  # conversations at a time
_TRIES = 7  # of a turn, with pauses that double, as agents do
_OK, _BAD_REQUEST, _SEALED_ELSEWHERE = 200, 400, 409

# Provider, tag, label, USD per million tokens of the prompt. The last one is outside the policy.
_HOSTS = (
    ("Novita", "novita/fp8", "fp8", "0.50"),
    ("DeepInfra", "deepinfra/fp8", "fp8", "0.52"),
    ("Parasail", "parasail/fp8", "fp8", "0.55"),
    ("Together", "together/fp8", "fp8", "0.60"),
    ("Baseten", "baseten/bf16", "bf16", "0.60"),
    ("AtlasCloud", "atlas-cloud/fp4", "fp4", "0.40"),
)
_OUTSIDE = "atlas-cloud/fp4"
_POLICY = """\
version: 1
rules:
  - {{name: talk, models: ["*"], quantization_floor: fp8, affinity: {affinity}}}
"""


def catalog() -> list[dict[str, Any]]:
    """One model at six hosts, whose caches are read at a tenth of the prompt's price."""
    rows = []
    for name, tag, label, price in _HOSTS:
        prompt = Decimal(price) / 1_000_000
        rows.append(
            {
                "provider_name": name,
                "tag": tag,
                "quantization": label,
                "context_length": 262144,
                "max_completion_tokens": 32768,
                "pricing": {
                    "prompt": str(prompt),
                    "completion": str(prompt * 4),
                    "input_cache_read": str(prompt / 10),
                },
                "supported_parameters": ["max_tokens", "reasoning", "tools", "tool_choice"],
                "supports_implicit_caching": True,
                "status": 0,
            }
        )
    simulated = {"reasons": True, "seals": "openai-responses-v1", "distillable": True}
    return [
        {
            "id": MODEL,
            "canonical_slug": f"{MODEL}-1",
            "name": "Acme: Talker",
            "hugging_face_id": "acme/talker",
            "context_length": 262144,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "pricing": rows[0]["pricing"],
            "_simulator": simulated,
            "endpoints": rows,
        }
    ]


Turn = list[Receipt]  # the tries of one turn


@dataclass
class Outcome:
    """All that one mode led to."""

    affinity: str
    conversations: list[list[Turn]] = field(default_factory=list)
    outside: int = 0  # endpoints outside the policy that were sent anything

    @property
    def tries(self) -> Iterator[Receipt]:
        """Every request."""
        return (each for held in self.conversations for turn in held for each in turn)

    @property
    def answered(self) -> list[Receipt]:
        """Every request that was answered."""
        return [each for each in self.tries if each.status == _OK]

    @property
    def cached(self) -> float:
        """The share of prompt tokens that came from a cache."""
        prompt = sum(each.prompt_tokens or 0 for each in self.answered)
        return sum(each.cached_tokens or 0 for each in self.answered) / prompt

    @property
    def dollars(self) -> Decimal:
        """What all turns cost."""
        return sum((paid_usd(each) or Decimal(0) for each in self.answered), Decimal(0))

    @property
    def flips(self) -> int:
        """Turns that another host served than the one before."""
        hosts = (
            [each.provider for turn in held for each in turn if each.status == _OK]
            for held in self.conversations
        )
        return sum(one != other for each in hosts for one, other in pairwise(each))

    def errors(self, *statuses: int) -> int:
        """Requests that were answered with one of these errors."""
        return sum(each.status in statuses for each in self.tries)

    def row(self) -> list[str]:
        """The figures as a line of the table."""
        return [
            self.affinity,
            f"{len(self.answered):,}",
            f"{self.cached:.1%}",
            f"{self.dollars:.4f}",
            f"{self.flips}",
            f"{self.errors(_BAD_REQUEST)}",
            f"{self.errors(_SEALED_ELSEWHERE)}",
            f"{self.errors(*range(500, 600))}",
            f"{self.outside}",
        ]

    def paid_in_full(self) -> list[tuple[float, float]]:
        """The prompt tokens that no cache had, on average, by the number of the turn."""
        by_turn = zip(*self.conversations, strict=True)
        return [
            (number, _mean([(t.prompt_tokens or 0) - (t.cached_tokens or 0) for t in _ok(turns)]))
            for number, turns in enumerate(by_turn, start=1)
        ]

    def failed_by(self) -> list[tuple[float, float]]:
        """The continuations that failed up to a turn, for a hundred conversations."""
        so_far, points = 0, []
        for number, turns in enumerate(zip(*self.conversations, strict=True), start=1):
            so_far += sum(each.status == _BAD_REQUEST for turn in turns for each in turn)
            points.append((float(number), 100 * so_far / len(self.conversations)))
        return points


def _ok(turns: Iterable[Turn]) -> list[Receipt]:
    return [each for turn in turns for each in turn if each.status == _OK]


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


HEADINGS = (
    "affinity",
    "turns",
    "cached",
    "USD",
    "flips",
    "failed continuations",
    "409",
    "host errors",
    "outside",
)


# --- one mode ---------------------------------------------------------------------------------


class Clock:
    """The simulator's time: it goes on with every request."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Size:
    """How much is said; the same seed has the same words and failures."""

    conversations: int
    turns: int
    seed: int


def failing(size: Size) -> dict[str, Host]:
    """Each host fails now and then, and is away for a while once: they take turns."""
    whole = size.conversations * size.turns * TURN_SECONDS / TOGETHER
    hosts = {}
    for place, (_, tag, _, _) in enumerate(_HOSTS):
        begin = whole * (place + 0.5) / len(_HOSTS)
        hosts[tag] = Host(fail_rate=FAIL_RATE, outages=((begin, begin + OUTAGE_SECONDS),))
    return hosts


def run(affinity: str, size: Size) -> Outcome:
    """Hold all conversations under one mode."""
    outcome = Outcome(affinity)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "catalog.json"
        listed.write_text(json.dumps({"format": 1, "models": catalog()}), encoding="utf-8")
        policies = folder / "p"
        policies.mkdir()
        (policies / "p.yaml").write_text(_POLICY.format(affinity=affinity), encoding="utf-8")
        clock = Clock()
        simulator = create_simulator(
            catalog=listed,
            pace=0.0,
            seed=size.seed,
            clock=clock,
            hosts=failing(size),
            remembered=size.conversations * size.turns * _TRIES,
        )
        with running(simulator) as openrouter:
            settings = Settings.read(
                policies=policies,
                state=folder,
                openrouter_api_key="sk-or-v1-x",
                upstream_url=f"{openrouter.url}/api/v1",
                log_level="error",
            )
            with running(create_app(settings)) as proxy:
                ids = asyncio.run(_hold_all(proxy.url, clock, size))
            count = sum(len(turn) for held in ids for turn in held)
            receipts = all_receipts(settings.ledger(), count)
        outcome.conversations = [[[receipts[one] for one in turn] for turn in held] for held in ids]
        reached = simulator.state.router.reached
        outcome.outside = sum(1 for each in reached if each.row.tag == _OUTSIDE)
    return outcome


async def _hold_all(url: str, clock: Clock, size: Size) -> list[list[list[str]]]:
    gate = asyncio.Semaphore(TOGETHER)

    async with httpx2.AsyncClient(trust_env=False, timeout=60, base_url=f"{url}/v1/") as client:

        async def held(number: int) -> list[list[str]]:
            async with gate:
                talk = Conversation(client, clock, f"{size.seed}-{number}")
                for _ in range(size.turns):
                    await talk.turn()
                return talk.receipts

        return await asyncio.gather(*map(held, range(size.conversations)))


class Conversation:
    """One client and its history, which it sends whole with each turn."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock, name: str) -> None:
        self._client = client
        self._clock = clock
        self._dice = random.Random(name)
        self._headers = {SESSION: f"conversation-{name}"}
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": self._words(SYSTEM_WORDS)}
        ]
        self.receipts: list[list[str]] = []  # by turn, one for each try

    async def turn(self) -> None:
        """Say something, and add the answer to the history."""
        self._clock.now += TURN_SECONDS / TOGETHER  # so that each conversation's go by as meant
        self._messages.append({"role": "user", "content": self._words(TURN_WORDS)})
        self.receipts.append([])
        for number in range(_TRIES):
            answer = await self._client.post(
                "chat/completions",
                headers=self._headers,
                json={
                    "model": MODEL,
                    "messages": self._messages,
                    "reasoning": {"effort": "low"},
                    "max_tokens": 64,
                },
            )
            self.receipts[-1].append(answer.headers["x-pointsman-receipt"])
            if answer.status_code == _OK:
                self._messages.append(answer.json()["choices"][0]["message"])
                break
            if not self._was_refused(answer):
                self._clock.now += 2.0 ** (number + 2) / TOGETHER
        # The receipt is filed after the answer has gone out; a person takes longer than this.
        await asyncio.sleep(0.005)

    def _was_refused(self, answer: httpx2.Response) -> bool:
        """Whether the history was not acceptable; then all that is sealed in it goes."""
        if answer.status_code not in {_BAD_REQUEST, _SEALED_ELSEWHERE}:
            return False
        for message in self._messages:  # as the error advises
            message.pop("reasoning_details", None)
        return True

    def _words(self, count: int) -> str:
        return " ".join(f"w{self._dice.randrange(10_000)}" for _ in range(count))


# --- the report -------------------------------------------------------------------------------


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures of all modes, in Markdown."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(each.row() for each in outcomes)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(outcomes: Sequence[Outcome]) -> str:
    """Two panels: what is paid in full at each turn, and what has failed by then."""
    colours = ("#57606a", "#9a6700", "#1f6feb", "#1a7f37")
    paid, failed = (
        [
            Line(each.affinity, points(each), colour)
            for each, colour in zip(outcomes, colours, strict=True)
        ]
        for points in (Outcome.paid_in_full, Outcome.failed_by)
    )
    panels = [
        Panel("Prompt tokens paid in full", "turn", "tokens", paid, x_log=False),
        Panel("Failed continuations so far", "turn", "of 100", failed, x_log=False),
    ]
    return figure("What keeping a conversation at its host saves", panels)


def main() -> int:
    """Run all modes and print the table."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plots", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    size = Size(asked.conversations, asked.turns, asked.seed)
    outcomes = [run(each, size) for each in MODES]
    print(table(outcomes))
    if asked.plots is not None:
        (asked.plots / "affinity.svg").write_text(plot(outcomes), encoding="utf-8")
    strict = outcomes[-1]
    return int(any(each.outside for each in outcomes) or strict.errors(_BAD_REQUEST) > 0)


if __name__ == "__main__":
    sys.exit(main())
