"""Measure the cost of a unit at each size. Each part is one function of a turn.

A part yields rows of figures, by target and size. CPU time covers all of the gateway's processes
and threads, including the ledger's.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filled import fill
from measures import Figures, LoadFailed, load
from targets import BENCH, LOAD_CORE, TEST_CORE, NotStarted, Start, Upstream, nginx, pointsman

BODIES = {
    1_000: 1000,
    10_000: 1000,
    100_000: 300,
    1_000_000: 60,
    10_000_000: 12,
}  # requests of each
STREAMS = (1, 10, 100, 500, 1000, 2000)
EVENTS = 1000  # per second, for all streams together
RULES = (1, 10, 100, 1000)
RECEIPTS = (0, 10_000, 100_000, 1_000_000)
MOST_RECEIPTS = 10_000_000
SHORT = {"count": 3000, "connections": 16, "size": 2000}


@dataclass(frozen=True)
class Row:
    """The figures of one target at one size."""

    target: str
    size: float
    figures: Figures


@dataclass(frozen=True)
class Turn:
    """The inputs of a part: the upstream, a folder, and the folder for ledgers of any size."""

    upstream: Upstream
    folder: Path
    ledgers: Path
    seconds: float
    full: bool

    def measured(
        self, target: str, start: Start, what: str, *loads: dict[str, float]
    ) -> Iterator[Figures]:
        """The results of each load on a target started for them; or prints why there are none."""
        try:
            with start(self.upstream, self.folder, tls=False) as running:
                load(running, "requests", count=200)  # warm
                for options in loads:
                    yield load(running, what, **options)
        except (LoadFailed, NotStarted, OSError, subprocess.SubprocessError) as failure:
            print(f"{target}, {loads}: {failure or type(failure).__name__}", file=sys.stderr)


SIDES: dict[str, Start] = {"nginx": nginx, "pointsman": pointsman}


def bodies(turn: Turn) -> Iterator[Row]:
    """Requests of 1 kB to 10 MB, one at a time on two connections."""
    loads = [{"count": n, "connections": 2, "size": size} for size, n in BODIES.items()]
    for target, start in SIDES.items():
        measured = turn.measured(target, start, "requests", *loads)
        for size, seen in zip(BODIES, measured, strict=False):
            cost = seen["cpu_us"]
            yield Row(target, size, {"cpu_us": cost, "cpu_us_per_kb": cost / size * 1000})


def streams(turn: Turn) -> Iterator[Row]:
    """1 to 2,000 streams that share a constant rate of events; a new process for each count."""
    for count in STREAMS:
        options = {"streams": count, "rate": EVENTS / count, "seconds": turn.seconds}
        for target, start in SIDES.items():
            for seen in turn.measured(target, start, "streams", options):
                figures = {"cpu_us": seen["cpu_us"], "kept_up": seen["events"] / seen["expected"]}
                if count >= 100:  # below this, the cost of a stream is lost in the rest
                    figures["kb"] = (seen["rss_kb"] - seen["rss_before_kb"]) / count
                yield Row(target, count, figures)


def policy_of(rules: int) -> str:
    """A policy of this size; three of its rules apply to the request, or all if there are fewer.

    Half of the others name a model, the rest are patterns over models, or for a tool.
    """
    own = [
        '{name: precise, models: ["*"], quantization_floor: fp8, data_collection: deny}',
        '{name: coders, models: ["qwen/*"], sort: throughput}',
        '{name: sdk, models: ["*"], user_agents: ["OpenAI/*"], require_parameters: true}',
    ]
    others = (
        'models: ["author-{n}/model-{n}"], ignore: [host-{n}]',
        'models: ["author-{n}/*"], sort: price',
        'models: ["author-{n}/model-{n}", "author-{n}/model-{n}-mini"], only: [host-{n}, other]',
        'models: ["*/model-{n}-*"], user_agents: ["tool-{n}/*"], sort: latency',
    )
    lines = own[:rules]
    for number in range(rules - len(lines)):
        lines.append(f"{{name: r{number}, {others[number % 4].format(n=number)}}}")
    return "version: 1\nrules:\n" + "".join(f"  - {line}\n" for line in lines)


def rules(turn: Turn) -> Iterator[Row]:
    """1 to 1,000 rules: requests from one tool repeatedly, then from a new tool each time."""
    names = ("pointsman", "pointsman, each request from a new tool")
    for count in RULES:
        start = partial(pointsman, policy=policy_of(count))
        measured = turn.measured(names[0], start, "requests", SHORT, {**SHORT, "new_agents": 1})
        for name, seen in zip(names, measured, strict=False):
            yield Row(name, count, _short(seen))
    yield from _nginx(turn, RULES)


def receipts(turn: Turn) -> Iterator[Row]:
    """A new ledger, and ledgers of 10,000 to a million receipts, or to ten million."""
    sizes = (*RECEIPTS, *((MOST_RECEIPTS,) if turn.full else ()))
    for size in sizes:
        url = f"sqlite:///{ledger_of(turn.ledgers, size)}"
        start = partial(pointsman, settings={"POINTSMAN_LEDGER_URL": url})
        for seen in turn.measured("pointsman", start, "requests", SHORT):
            yield Row("pointsman", size, _short(seen))
    yield from _nginx(turn, sizes)


def ledger_of(folder: Path, size: int) -> Path:
    """A ledger of this many receipts: filled earlier, except for the empty one."""
    file = folder / f"{size}.db"
    if size == 0:
        for old in folder.glob("0.db*"):
            old.unlink()
    elif not file.exists():
        print(f"filling a ledger with {size:,} receipts ...", file=sys.stderr, flush=True)
        took, large = fill(file, size), file.stat().st_size / 1e6
        print(f"filled in {took:.0f} s, {large:,.0f} MB", file=sys.stderr, flush=True)
    return file


def workers(turn: Turn) -> Iterator[Row]:
    """One and two workers that may use both cores, shared with upstream and load."""
    cores = [LOAD_CORE, TEST_CORE]
    for count in (1, 2):
        arguments = ("--workers", str(count)) if count > 1 else ()
        starts: dict[str, Start] = {
            "nginx": partial(nginx, workers=count, cores=cores),
            "pointsman": partial(pointsman, arguments=arguments, cores=cores),
        }
        if arguments and not has_workers():
            print("pointsman serve has no --workers: not available", file=sys.stderr)
            del starts["pointsman"]
        for target, start in starts.items():
            for seen in turn.measured(target, start, "requests", {**SHORT, "connections": 64}):
                yield Row(target, count, _short(seen))


def has_workers() -> bool:
    """Whether this tree's `serve` has the option."""
    ask = [sys.executable, "-m", "app", "serve", "--help"]
    done = subprocess.run(ask, cwd=BENCH.parent, check=False, capture_output=True, text=True)
    return "--workers" in done.stdout


def _short(seen: Figures) -> Figures:
    return {"cpu_us": seen["cpu_us"], "per_second": seen["per_second"]}


def _nginx(turn: Turn, sizes: Iterable[int]) -> Iterator[Row]:
    """The cost of a short request in nginx, which has neither rules nor a ledger."""
    for seen in turn.measured("nginx", nginx, "requests", SHORT):
        yield from (Row("nginx", size, _short(seen)) for size in sizes)


PARTS: dict[str, Callable[[Turn], Iterator[Row]]] = {
    "bodies": bodies,
    "streams": streams,
    "rules": rules,
    "ledger": receipts,
    "workers": workers,
}
