"""How often a verdict is right: a mixed workload against a router whose truth is known.

    make bench-verdicts           or: python -m bench.verdicts [--requests 10000] [--seed 1]
                                      [--case 4711] [--moved] [--examples 3]

A simulated OpenRouter serves requests under random policies and callers' preferences, in four
dialects. It disobeys, lets hosts fail, uses keys of the account's own, withholds or misreports the
provider's name, answers with errors under status 200 or with nothing, and moves its evidence about.
It knows which endpoint served and which were sent the prompt; each receipt is compared with that,
and with what the policy's own words promise (`truth.py`).

The exit status is 1 if there is any fault; `held.py` lists the faults. `unproven` is not a fault,
and is counted by reason. `--case` runs the requests up to one number and shows that one. `--moved`
adds a model whose listing changes after it was first read.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx2

from app.ledger.receipt import Receipt
from app.ledger.store import Store
from app.main import create_app
from app.settings import Settings
from app.simulator import Switches, create_simulator
from bench.held import FAULTS, OK, Case, Reply, truths_of, unsent
from bench.mixed import Ask, Mix
from bench.odd_models import MOVES
from tests.running import running

PACE = 0.03  # so that frames arrive one by one, like over a network
_SETTLE_SECONDS = 30.0


# --- a run ------------------------------------------------------------------------------------


def run(mix: Mix, asks: list[Ask], *, seed: int, moved: bool = False) -> list[Case]:
    """Send the requests one after another; the same seed gives the same run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = folder / "catalog.json"
        listed.write_text(json.dumps({"format": 1, "models": mix.catalog}), encoding="utf-8")
        switches = Switches(relisted=MOVES, drift=MOVES) if moved else Switches()
        simulator = create_simulator(
            catalog=listed, pace=PACE, seed=seed, switches=switches, remembered=2 * len(asks) + 1000
        )
        policies = folder / "p"
        policies.mkdir()
        (policies / "p.yaml").write_text(mix.policy_file(), encoding="utf-8")
        with running(simulator) as openrouter:
            settings = Settings.read(
                policies=policies,
                state=folder,
                openrouter_api_key="sk-or-v1-x",
                upstream_url=f"{openrouter.url}/api/v1",
                log_level="error",
            )
            with running(create_app(settings)) as proxy:
                replies = asyncio.run(send_all(proxy.url, mix, asks))
            receipts = all_receipts(settings.ledger(), len(replies))
    truths = truths_of(simulator.state.router, drift=switches.drift)
    return [
        Case(ask, reply, receipts[reply.receipt], truths.get(ask.number) or unsent(reply.status))
        for ask, reply in zip(asks, replies, strict=True)
    ]


async def send_all(url: str, mix: Mix, asks: list[Ask]) -> list[Reply]:
    async with httpx2.AsyncClient(trust_env=False, timeout=60, base_url=f"{url}/v1/") as client:
        for model in mix.catalog:  # until each listing is loaded
            await client.post("chat/completions", json={"model": model["id"], "messages": []})
        return [await send(client, ask) for ask in asks]


async def send(client: httpx2.AsyncClient, ask: Ask) -> Reply:
    headers = {**ask.headers, "x-openrouter-simulate": json.dumps(ask.switches)}
    async with client.stream("POST", ask.path, json=ask.body, headers=headers) as reply:
        whole = reply.status_code == OK
        try:
            async for _ in reply.aiter_bytes():
                pass
        except httpx2.RemoteProtocolError:
            whole = False
    return Reply(reply.headers["x-pointsman-receipt"], reply.status_code, whole)


def all_receipts(ledger: str, count: int) -> dict[str, Receipt]:
    """Receipts by id; waits until those of all requests are written."""
    store = Store.open(ledger)
    until = time.monotonic() + _SETTLE_SECONDS
    while store.stats().total.requests < count and time.monotonic() < until:
        time.sleep(0.1)
    found = {receipt.id: receipt for receipt in pages(store)}
    store.close()
    return found


def pages(store: Store) -> Iterator[Receipt]:
    before = None
    while page := store.recent(limit=1000, before=before):
        yield from page
        before = page[-1].id


# --- the report -------------------------------------------------------------------------------


def report(cases: list[Case], *, examples: int) -> Counter[str]:
    """Print the results; the faults by kind."""
    verdicts: Counter[str] = Counter(each.receipt.verdict or "none" for each in cases)
    faults = Counter(fault for each in cases if (fault := each.fault))
    held = sum(each.truth.known for each in cases)
    print(f"requests {len(cases)}; {held} reached the router and were compared with the truth")
    for verdict, count in verdicts.most_common():
        print(f"  {verdict:<12} {count:6}  {count / len(cases):6.1%}")
    unproven = [each for each in cases if each.receipt.verdict == "unproven"]
    print("unproven, by reason:")
    for reason, count in Counter(plainly(each.receipt.reason) for each in unproven).most_common():
        print(f"  {count:6}  {reason}")
    by_feature(cases)
    print("faults:")
    for fault in FAULTS:
        print(f"  {fault:<14} {faults[fault]:6}")
    smallest(cases, examples)
    return faults


def by_feature(cases: list[Case]) -> None:
    grouped: dict[str, list[Case]] = defaultdict(list)
    for each in cases:
        for feature in each.ask.features:
            grouped[feature].append(each)
    words = ("kept", "broken", "unproven", "none")
    print(
        f"{'by feature:':<28}" + "".join(f"{word:>10}" for word in ("requests", *words, "faults"))
    )
    for feature, some in sorted(grouped.items()):
        told: Counter[str] = Counter(each.receipt.verdict or "none" for each in some)
        faults = Counter(fault for each in some if (fault := each.fault))
        named = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
        counts = "".join(f"{told[word]:>10}" for word in words)
        print(f"  {feature:<26}{len(some):>10}{counts}{faults.total():>10}  {named}")


def smallest(cases: list[Case], examples: int) -> None:
    """The simplest case of each fault, by the clauses and by the verdict's reason."""
    grouped: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
    for each in cases:
        if each.fault:
            clauses = [
                f"{name}{'' if told is False else '?'}" for name, told in each.outside.items()
            ]
            about = ", ".join(sorted(clauses)) or "all inside"
            grouped[each.fault, about, plainly(each.receipt.reason)].append(each)
    for (fault, about, reason), some in sorted(grouped.items(), key=lambda item: -len(item[1])):
        print(f"{fault}, {len(some)} times ({about}): {reason}")
        for each in sorted(some, key=lambda case: case.weight)[:examples]:
            print(each.shown())


def plainly(reason: str | None) -> str:
    """The reason without its names."""
    told = (reason or "nothing").partition(" (no policy")[0].partition("; answers do not show")[0]
    told = re.sub(
        r"served by .*?([,;] (some of|but|whose|which|outside)|$)", r"served by X\1", told
    )
    told = re.sub(r"gave the prompt to .*?, which", "gave the prompt to X, which", told)
    return re.sub(r"different providers: .*", "different providers", told)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--case", type=int, help="show this request alone")
    options.add_argument(
        "--moved", action="store_true", help="let a listing change once it is read"
    )
    options.add_argument(
        "--examples", type=int, default=1, help="cases shown of each kind of fault"
    )
    given = options.parse_args()
    mix = Mix(given.seed, moved=given.moved)
    count = given.requests if given.case is None else given.case + 1
    cases = run(mix, mix.asks(min(count, 100_000)), seed=given.seed, moved=given.moved)
    if given.case is not None:
        print(f"{cases[-1].fault or 'no fault'}\n{cases[-1].shown()}")
        sys.exit(bool(cases[-1].fault))
    sys.exit(bool(report(cases, examples=given.examples)))


if __name__ == "__main__":
    main()
