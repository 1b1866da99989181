"""The failure test: what clients, the ledger and budgets notice when parts fail.

    make chaos                two minutes
    make chaos LONG=1         five minutes
    python -m bench.chaos [--streams 200] [--rate 100] [--long] [--json FILE] [--port PORT]

Three Pointsmans with a state folder each on one PostgreSQL with a standby, Caddy with the shipped
`deploy/scale/Caddyfile` in front, and the simulated OpenRouter behind. While clients keep streams
open and send short requests, one part after the other fails. At the end comes the account.

The exit status is 1 if a promise is broken, and 2 if the run could not be made.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from bench.budgets import cost_of
from bench.chaos import account, parts
from bench.chaos.database import Database
from bench.chaos.load import Load, spender
from bench.chaos.looking import Looking
from bench.chaos.notes import Run
from bench.chaos.processes import CannotRun, Processes, free_ports
from bench.chaos.reading import read
from bench.chaos.steps import LONG, NAMES, SHORT, Pace, Steps
from bench.conditions import conditions

REPLICAS = 3
SPEND_RATE = 20.0  # requests a second of the caller whose budget is to be reached
SPENDS = 60  # requests that a budget allows, about
_NICE = 10
_SETTLE_SECONDS = 20.0
_LONGEST_SECONDS = 900.0


def say(text: str) -> None:
    """Announce it, with the time."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


async def run(given: argparse.Namespace, processes: Processes, pace: Pace) -> Run:
    """Start everything, let it fail, and return what there is to account for."""
    upstream, admin, primary, standby, any_port = free_ports(5)
    port = given.port or any_port
    parts.check_free(port)
    parts.caddy()
    database = Database(processes, (primary, standby))
    parts.upstream(processes, upstream, pace.stream)
    limit = Decimal(SPENDS) * cost_of(f"http://127.0.0.1:{upstream}")
    limit = limit.quantize(Decimal("0.000001"))
    spenders = [spender(number) for number in range(1, len(NAMES) + 1)]
    pointsmans = parts.Pointsmans(processes, upstream, spenders, limit, pace.drain)
    balancer = parts.Balancer(processes, port, admin)
    steps = Steps(pace, pointsmans=pointsmans, balancer=balancer, database=database, say=say)
    looking = Looking(database, lambda: steps.replicas)
    await steps.begin(REPLICAS, looking)
    eyes = asyncio.create_task(looking.keep_looking())
    say(f"{given.streams} streams, {given.rate:g} requests/s through {balancer.host}")
    async with Load(port, balancer.host, lambda where: pointsmans.names.get(where, where)) as load:
        load.streams(given.streams, "load", over=pace.stream)
        load.requests(given.rate, "load")
        await asyncio.sleep(pace.warm_up)
        await steps.all(load, SPEND_RATE)
        say("the clients finish")
        await load.finish(within=pace.stream * 3)
    eyes.cancel()
    await asyncio.gather(eyes, return_exceptions=True)
    await asyncio.sleep(account.WRITTEN_SECONDS)
    last = await looking.look()
    late = time.monotonic() + _SETTLE_SECONDS
    while not last.all_written(0.0) and time.monotonic() < late:
        last = await looking.look()
    for each in steps.replicas:
        each.process.signal(signal.SIGTERM)
    for each in steps.replicas:
        steps.exits[each.name] = await asyncio.to_thread(each.process.wait, _SETTLE_SECONDS)
    return Run(
        notes=tuple(load.notes),
        steps=tuple(steps.steps),
        looks=tuple(looking.looks),
        ledger=await asyncio.to_thread(read, database.url("account")),
        limit=limit,
        processes=REPLICAS,
        dropped=looking.dropped,
        exits=steps.exits,
    )


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--streams", type=int, default=200, help="open at the same time")
    parser.add_argument("--rate", type=float, help="short requests a second [100; 200]")
    parser.add_argument("--long", action="store_true", help="five minutes, and twice the rate")
    parser.add_argument("--port", type=int, default=0, help="of the balancer [any]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the account there")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    given = parser.parse_args()
    given.rate = min(given.rate or (200.0 if given.long else 100.0), 2000.0)
    given.streams = min(given.streams, 2000)
    return given


def reported(found: Run, given: argparse.Namespace, seconds: float) -> bool:
    """Print the account, and write it; whether every promise is kept."""
    print()
    for line in account.table(found):
        print(line)
    kept = account.promises(found)
    if given.json:
        written = {
            "conditions": conditions({"pointsman": sys.executable})
            | {"caddy": parts.caddy_version()},
            "streams": given.streams,
            "requests_per_second": given.rate,
            "seconds": round(seconds),
            "steps": [asdict(each) for each in account.figures(found)],
            "promises": [{**asdict(each), "kept": each.is_kept} for each in kept],
        }
        given.json.write_text(json.dumps(written, indent=1, default=float), encoding="utf-8")
    return all(each.is_kept for each in kept)


def stopped(number: int, _: object) -> None:
    """End as Ctrl-C does, when a signal asks for it."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Make the run and report it."""
    given = options()
    os.nice(_NICE)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stopped)
    folder = Path(tempfile.mkdtemp(prefix="pointsman-chaos-"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    processes = Processes(folder)
    began = time.monotonic()

    async def bounded() -> Run:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await run(given, processes, LONG if given.long else SHORT)

    try:
        found = asyncio.run(bounded())
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2
    except TimeoutError:
        print(f"the run took longer than {_LONGEST_SECONDS:g} s", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; every process is ended", file=sys.stderr)
        return 130
    finally:
        processes.end()
        if given.keep:
            print(f"the logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if reported(found, given, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
