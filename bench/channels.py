"""Whether a policy holds on every channel by which a model or an endpoint can be reached.

    make bench-channels           or: python -m bench.channels [--requests 10000] [--seed 1]
                                      [--case 4711] [--examples 3]

Pointsman runs in front of a simulated OpenRouter that has presets, routers, tools and plugins with
models of their own, other routes and two workspaces, and notes every endpoint that it sends
anything to. Random requests use all of these (`tests/simulator/generated_requests.py`) under random
policies, in which each model is under one rule at most; each endpoint that was reached is compared
with the rule for its model, by `truth.py` and by what only the simulator knows of privacy.

Two things are faults, and the exit status is 1 if there is one:

    outside       the request's own model, or a preset's, was served, or tried, outside of its rule
    false kept    the verdict is `kept`, and any endpoint was reached outside of its model's rule,
                  those of models included that OpenRouter picked or called inside

What a router picks and what a tool calls can't be held beforehand where OpenRouter doesn't pass the
preferences on; how often that led outside, and was not called `kept`, is counted by channel.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import yaml

from app.ledger.receipt import Receipt
from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from bench.truth import Tried, every, promised
from bench.verdicts import all_receipts
from tests.running import running
from tests.simulator.channels import MODELS, PRESETS
from tests.simulator.generated_requests import Case, Reach, case, reached, row_of

FAULTS = ("outside", "false kept")
REQUESTS_A_POLICY = 200
_OWN = frozenset({"outer", "preset"})

# Each model is in one group, so that a rule's promise is known without a cascade.
GROUPS = (
    ["acme/big"],
    ["acme/mini"],
    ["acme/other-2.5"],
    ["acme/judge", "acme/gift*"],
    ["openai/*", "~openai/*"],
    ["anthropic/*", "google/*", "~anthropic/*", "~google/*"],
    ["acme/paint", "acme/embed*", "acme/rerank*", "acme/tts", "acme/stt", "acme/film"],
    ["openrouter/*", "nvidia/*"],
)
_HOSTS = ["baseten", "deepinfra", "azure", "openai", "anthropic", "google-vertex", "groq", "novita"]


@dataclass(frozen=True)
class Done:
    """One request, its result, and the endpoints it reached."""

    number: int
    case: Case
    rules: tuple[Mapping[str, Any], ...]
    status: int
    receipt: Receipt | None
    reached: tuple[Reach, ...]

    @property
    def outside(self) -> list[Reach]:
        """The endpoints that are certainly outside the rule for their model."""
        return [each for each in self.reached if not self._inside(each)]

    def _inside(self, reach: Reach) -> bool:
        row = row_of(reach.model, reach.tag)
        hidden = row["_simulator"]
        for rule in self.rules:
            if not any(fnmatchcase(reach.model, pattern) for pattern in rule["models"]):
                continue
            tried = Tried(row, own_key=False, paid=None)
            told = every(promised(tried, rule, closed=False).values())
            leaks = rule.get("data_collection") == "deny" and hidden["trains"]
            keeps = rule.get("zdr") is True and not hidden["zdr"]
            if told is False or leaks or keeps:
                return False
        return True

    @property
    def verdict(self) -> str:
        """The receipt's verdict, or the reason why there is no receipt."""
        if self.receipt is None:
            return "no receipt"
        return self.receipt.ending if self.receipt.ending == "refused" else self._word

    @property
    def _word(self) -> str:
        return (self.receipt and self.receipt.verdict) or "none"

    @property
    def fault(self) -> str | None:
        """The kind of fault, if it is one."""
        outside = self.outside
        if any(each.why in _OWN for each in outside):
            return "outside"
        return "false kept" if outside and self.verdict == "kept" else None


def policies(seed: int) -> Iterator[list[dict[str, Any]]]:
    """An endless series of random rules."""
    dice = Random(seed)
    while True:
        yield [
            {"name": f"r{place}", "models": models, **_clauses(dice)}
            for place, models in enumerate(GROUPS)
            if dice.random() < 0.85
        ]


def _clauses(dice: Random) -> dict[str, Any]:
    wishes: dict[str, tuple[float, Any]] = {
        "zdr": (0.4, True),
        "data_collection": (0.35, "deny"),
        "only": (0.2, dice.sample(_HOSTS, 5)),
        "pin": (0.1, dice.sample(_HOSTS, 5)),
        "ignore": (0.25, dice.sample(_HOSTS, 2)),
        "quantization_floor": (0.15, dice.choice(["fp8", "bf16"])),
        "quantizations": (0.1, ["bf16", "fp8", "unknown"]),
        # Listed here, since published weights can't be recognised from outside.
        "unknown_quantization": (1.0, dice.choice(["allow", "deny"])),
        "presets": (0.1, "refuse"),
    }
    chosen = {name: value for name, (likely, value) in wishes.items() if dice.random() < likely}
    for name, others in {"pin": ("only",), "quantization_floor": ("quantizations",)}.items():
        for other in others if name in chosen else ():
            chosen.pop(other, None)
    if "quantization_floor" not in chosen:
        del chosen["unknown_quantization"]
    return chosen or {"zdr": True}


# --- a run ------------------------------------------------------------------------------------


def run(count: int, *, seed: int, first: int = 0) -> list[Done]:
    """Send the requests one after another; each policy gets a proxy of its own."""
    made = policies(seed)
    done: list[Done] = []
    while len(done) < count:
        some = range(first + len(done), first + min(len(done) + REQUESTS_A_POLICY, count))
        done += _under(next(made), [case(number + seed * 1_000_000) for number in some], some)
    return done


def _under(rules: list[dict[str, Any]], cases: list[Case], numbers: range) -> list[Done]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "catalog.json"
        listed.write_text(json.dumps({"format": 1, "models": MODELS}), encoding="utf-8")
        (folder / "p").mkdir()
        written = yaml.safe_dump({"version": 1, "rules": rules}, sort_keys=False)
        (folder / "p" / "p.yaml").write_text(written, encoding="utf-8")
        simulator = create_simulator(catalog=listed, presets=PRESETS, pace=0)
        with running(simulator) as openrouter:
            settings = Settings.read(
                policies=folder / "p",
                state=folder,
                upstream_url=f"{openrouter.url}/api/v1",
                log_level="error",
            )
            with running(create_app(settings)) as proxy:
                replies = asyncio.run(_send_all(proxy.url, cases, simulator.state))
            told = sum(receipt is not None for _, receipt, _ in replies)
            receipts = all_receipts(settings.ledger(), told)
    return [
        Done(number, each, tuple(rules), status, receipts.get(receipt or ""), reach)
        for number, each, (status, receipt, reach) in zip(numbers, cases, replies, strict=True)
    ]


_Reply = tuple[int, str | None, tuple[Reach, ...]]


async def _send_all(url: str, cases: list[Case], state: Any) -> list[_Reply]:
    replies: list[_Reply] = []
    async with httpx2.AsyncClient(trust_env=False, timeout=60, base_url=url) as client:
        for model in MODELS:  # until each listing is loaded, before the run counts
            await client.post("/v1/chat/completions", json={"model": model["id"], "messages": []})
        for each in cases:
            since = max((reach.number for reach in reached(state)), default=0)
            path = each.path.removeprefix("/api")
            reply = await client.post(path, content=each.body, headers=each.headers)
            reach = tuple(reached(state, since=since))
            replies.append((reply.status_code, reply.headers.get("x-pointsman-receipt"), reach))
    return replies


# --- the report -------------------------------------------------------------------------------


def report(done: list[Done], *, examples: int) -> Counter[str]:
    """Print the results; the faults by kind."""
    faults = Counter(fault for each in done if (fault := each.fault))
    arrived = sum(bool(each.reached) for each in done)
    endpoints = sum(len(each.reached) for each in done)
    print(f"requests {len(done)}; {arrived} reached {endpoints} endpoints, all compared with rules")
    for verdict, count in Counter(each.verdict for each in done).most_common():
        print(f"  {verdict:<12} {count:6}  {count / len(done):6.1%}")
    by_channel(done)
    told = Counter(
        (reach.why, each.verdict)
        for each in done
        for reach in each.outside
        if reach.why not in _OWN
    )
    print("endpoints outside that no preferences reach, by the verdict that was given:")
    for (why, verdict), count in sorted(told.items()):
        print(f"  {why:<8} {verdict:<12} {count:6}")
    print("faults:")
    for fault in FAULTS:
        print(f"  {fault:<14} {faults[fault]:6}")
        for each in [each for each in done if each.fault == fault][:examples]:
            show(each)
    return faults


def by_channel(done: list[Done]) -> None:
    """A line for each channel with the results of its requests."""
    columns = ("refused", "kept", "unproven", "broken", "none")
    grouped: dict[str, list[Done]] = defaultdict(list)
    for each in done:
        for channel in each.case.channels:
            grouped[channel].append(each)
    print(f"{'by channel:':<32}{'requests':>9}{''.join(f'{name:>10}' for name in columns)}")
    for channel, some in sorted(grouped.items()):
        counts = Counter(each.verdict for each in some)
        cells = "".join(f"{counts[name]:10}" for name in columns)
        print(f"  {channel:<30}{len(some):9}{cells}")


def show(each: Done) -> None:
    """One request in full detail."""
    print(f"    case {each.number}: {each.case.path} {each.case.body.decode(errors='replace')}")
    print(f"      {each.case.headers}")
    for rule in each.rules:
        print(f"      rule {json.dumps(rule)}")
    if each.receipt is not None:
        print(f"      sent {each.receipt.model_sent} {json.dumps(each.receipt.preferences_sent)}")
        print(f"      {each.verdict}: {each.receipt.reason}")
    for reach in each.reached:
        mark = "OUTSIDE" if reach in each.outside else ""
        print(f"      {reach.why} {reach.model} {reach.tag} {mark}")


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="show this request alone")
    parser.add_argument("--examples", type=int, default=3, help="cases shown of each kind of fault")
    options = parser.parse_args(arguments)
    if options.case is not None:
        count = options.case + 1
        show(run(count, seed=options.seed)[-1])
        return 0
    faults = report(run(options.requests, seed=options.seed), examples=options.examples)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
