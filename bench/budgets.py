"""What budgets cost, and by how much they are passed.

    make bench-budgets            or: python -m bench.budgets [--concurrent 64] [--workers 1,4]

First the CPU that five budgets take of a request, in this process: whether it may be sent, and its
cost. Then real processes: a simulated OpenRouter, `pointsman serve` with several workers on SQLite
and, if it is installed, on PostgreSQL, and clients that send requests at the same time until every
one of them is refused. The bound of what is spent beyond a budget is the cost of the requests that
were under way at one moment, or had ended so shortly before that another process may not have read
it; the receipts have both.

The exit status is 1 if a budget was passed by more than that.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from app.budget.accounts import Accounts, Asker
from app.budget.windows import Calendar
from app.ledger.receipt import Receipt, new_receipt_id, paid_usd
from app.policy.file.parse import read_book
from bench.verdicts import all_receipts
from tests.ledger.postgres import Postgres, programs
from tests.running import NO_TLS

MODEL = "qwen/qwen3-coder"
REQUESTS = 200  # that a budget allows, about
LAG_SECONDS = 0.6  # a quarter until it is written, a quarter until it is read, and a busy machine
SETTLED = 3  # refusals in a row, after which a client stops
_ROUNDS, _TIMES = 7, 20_000
_REFUSED = 402
_FIVE = """\
version: 1
rules:
  - name: all
    models: ["*"]
    budget:
      - {usd: 1e6, per: hour, by: tool}
      - {usd: 2e6, per: day, by: caller}
      - {usd: 3e6, per: week}
      - {usd: 4e6, per: month, by: session}
      - {usd: 5e6, per: session}
"""
_ONE = "version: 1\nrules:\n  - {{name: all, models: ['*'], budget: {{usd: {usd}, per: month}}}}\n"


def cpu() -> tuple[float, float]:
    """Microseconds of a request with five budgets: to admit it, and to add what it cost."""
    budgets = read_book({"five.yaml": _FIVE}).budgets
    accounts = Accounts(Calendar(UTC), steady=time.monotonic)
    accounts.use(budgets)
    asker = Asker(caller="ann", tool="OpenAI/Python 3.1.0", session="0123456789abcdef")
    now = datetime.now(UTC)
    receipt = Receipt(
        id=new_receipt_id(time.time(), Random(0)),
        started_at=now,
        path="/v1/chat/completions",
        ending="complete",
        rules=("all",),
        caller=asker.caller,
        user_agent=asker.tool,
        session=asker.session,
        cost_usd=Decimal("0.0021"),
    )
    admitting, filing = [], []
    for _ in range(_ROUNDS):
        began = time.process_time()
        admitted = [accounts.admit(budgets, asker, now) for _ in range(_TIMES)]
        admitting.append(time.process_time() - began)
        began = time.process_time()
        for each in admitted:
            accounts.filed(receipt, each)
        filing.append(time.process_time() - began)
    return min(admitting) / _TIMES * 1e6, min(filing) / _TIMES * 1e6


@dataclass(frozen=True)
class Row:
    """One measurement; amounts in USD."""

    ledger: str
    workers: int
    concurrent: int
    limit: Decimal
    spent: Decimal
    bound: Decimal
    served: int
    refused: int

    @property
    def over(self) -> Decimal:
        return max(self.spent - self.limit, Decimal(0))

    def __str__(self) -> str:
        mean = self.spent / self.served
        return (
            f"| {self.ledger} | {self.workers} | {self.concurrent} | {self.served} "
            f"| {self.refused} | {self.limit:.6f} | {self.spent:.6f} | {self.over:.6f} "
            f"| {self.over / mean:.1f} | {self.bound:.6f} |"
        )


_HEAD = (
    "| Ledger | Workers | Clients | Served | Refused | Budget | Spent | Over | Over, in requests "
    "| Bound |\n|---|---|---|---|---|---|---|---|---|---|"
)


@contextmanager
def started(*arguments: str, log: Path, **environment: str) -> Iterator[str]:
    """A command of Pointsman's that serves; yields its address, and ends it."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        late = time.monotonic() + 30
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            if process.poll() is not None or time.monotonic() > late:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        yield found[0]
    finally:
        process.terminate()
        process.wait(timeout=40)


async def client(http: httpx2.AsyncClient, url: str, body: dict[str, Any]) -> tuple[int, int]:
    """Send one request after another until it is refused for good; how many of each."""
    served, refused, row = 0, 0, 0
    while row < SETTLED:
        async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
            await answer.aread()
        if answer.status_code == _REFUSED:
            refused, row = refused + 1, row + 1
            await asyncio.sleep(0.4)
        else:
            answer.raise_for_status()
            served, row = served + 1, 0
    return served, refused


async def clients(url: str, count: int) -> tuple[int, int]:
    """So many clients at the same time, each with a connection of its own."""
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "x" * 400}]}
    limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
    async with httpx2.AsyncClient(
        verify=NO_TLS, timeout=60, trust_env=False, limits=limits
    ) as http:
        found = await asyncio.gather(*(client(http, url, body) for _ in range(count)))
    return sum(served for served, _ in found), sum(refused for _, refused in found)


def measured(
    folder: Path, upstream: str, ledger: str, url: str, *, workers: int, count: int, usd: str
) -> Row:
    """Serve with a budget, send until all is refused, and add up what was spent."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "one.yaml").write_text(_ONE.format(usd=usd))
    options = ["serve", "--port", "0", "--workers", str(workers), "--policies", str(policies)]
    options += ["--upstream", upstream, "--ledger", url]
    with started(
        *options,
        log=folder / "log",
        OPENROUTER_API_KEY="sk-or-v1-bench",
        POINTSMAN_STATE=str(folder),
    ) as address:
        time.sleep(1.0)  # until every worker accepts connections
        served, refused = asyncio.run(clients(address, count))
    receipts = all_receipts(url, served + refused).values()
    costs = [paid_usd(each) or Decimal(0) for each in receipts]
    spent, bound = sum(costs, Decimal(0)), bound_of(receipts)
    return Row(ledger, workers, count, Decimal(usd), spent, bound, served, refused)


def bound_of(receipts: Iterable[Receipt]) -> Decimal:
    """The highest cost of what no process can have known together at the moment of a request."""
    lag = timedelta(seconds=LAG_SECONDS)
    spans = [
        (
            each.started_at,
            each.started_at + timedelta(milliseconds=each.duration_ms or 0) + lag,
            paid_usd(each) or Decimal(0),
        )
        for each in receipts
    ]
    return max(
        sum((cost for start, end, cost in spans if start <= moment <= end), Decimal(0))
        for moment, _, _ in spans
    )


def main() -> int:
    """Print both tables."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--concurrent", type=int, default=64)
    options.add_argument("--workers", default="1,4")
    options.add_argument("--pace", default="0.1", help="of the simulated hosts; 1 is real")
    given = options.parse_args()
    admit, file = cpu()
    print(f"five budgets: {admit:.2f} us to admit a request, {file:.2f} us to add its cost\n")
    rows: list[Row] = []
    print(_HEAD, flush=True)
    found = programs()
    for name in ("SQLite", *(["PostgreSQL"] if found else [])):
        for workers in map(int, given.workers.split(",")):
            folder = Path(tempfile.mkdtemp(prefix="pointsman-budgets-"))
            server = Postgres(found, folder / "postgres") if found and name != "SQLite" else None
            if server:
                (folder / "postgres").mkdir()
                folder.chmod(0o755)
            with (
                server or nullcontext(),
                started(
                    "simulate", "--port", "0", "--pace", given.pace, log=folder / "simulated"
                ) as simulated,
            ):
                url = f"{server.url}/ledger" if server else f"sqlite:///{folder}/ledger.db"
                row = measured(
                    folder,
                    f"{simulated}/api/v1",
                    name,
                    url,
                    workers=workers,
                    count=given.concurrent,
                    usd=f"{REQUESTS * cost_of(simulated):.6f}",
                )
            rows.append(row)
            print(row, flush=True)
            shutil.rmtree(folder, ignore_errors=True)
    return int(any(row.over > row.bound for row in rows))


def cost_of(simulated: str) -> Decimal:
    """What one request costs at the simulated OpenRouter, by the mean of some."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "x" * 400}]}
    costs = []
    with httpx2.Client(verify=NO_TLS, timeout=60, trust_env=False) as http:
        for _ in range(5):
            answer = http.post(
                f"{simulated}/api/v1/chat/completions",
                json=body,
                headers={"authorization": "Bearer sk-or-v1-bench"},
            )
            costs.append(Decimal(str(answer.raise_for_status().json()["usage"]["cost"])))
    return sum(costs, Decimal(0)) / len(costs)


if __name__ == "__main__":
    sys.exit(main())
