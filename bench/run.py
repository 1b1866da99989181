"""Measures the cost of a gateway: Pointsman as shipped, nginx, and no gateway at all.

    make bench        five rounds, some ten minutes
    make bench-quick  one round, under two minutes
    make bench-peers  one round beside Caddy, LiteLLM and Portkey, some five minutes
    python bench/run.py --rounds 3 --targets nginx,pointsman --only stream,tls
    python bench/run.py --python /opt/python3.14/bin/python

Everything runs on this machine. Upstream and load share one core, the process under test has
another; the targets take turns, so that noise hits all alike, and each figure is the median of
the rounds. CPU is the process's, as counted by the kernel. Absolute times apply to one machine
only; ratios within one run can be compared between machines. The result is a table, and JSON and a
plot with `--json FILE`.

A measurement that a target can't do is reported and left out.
`--python` takes an interpreter with Pointsman's dependencies and adds a target that is run by it.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from http.client import HTTPException
from pathlib import Path

from conditions import conditions
from measures import MEASURES, Bench, LoadFailed
from once import cache
from peers import PEERS
from svg import Bar, bars
from targets import TARGETS, NotStarted, Start, Upstream, pointsman

AIMS = {  # the goals for Pointsman: times nginx, or absolute
    "stream": (1.5, "x nginx"),
    "tls": (1.7, "x nginx"),
    "short": (6.0, "x nginx"),
    "large": (8.0, "x nginx"),
    "ttfb": (0.5, "ms"),
    "p99": (1.0, "ms"),
    "idle": (60.0, "MB"),
    "per_stream": (14.0, "kB"),
    "ready": (0.3, "s"),
}
COLUMNS = {
    "stream": "CPU us/chunk, 100 streams",
    "stream1000": "CPU us/chunk, 1,000 streams",
    "tls": "CPU us/chunk, TLS upstream",
    "short": "CPU us/short request",
    "short_tls": "CPU us/short request, TLS",
    "large": "CPU us/1 MB request",
    "ttfb": "added TTFB p50, ms",
    "p50": "added chunk latency p50, ms",
    "p99": "added chunk latency p99, ms",
    "idle": "RSS idle, MB",
    "per_stream": "RSS/open stream, kB",
    "ready": "start to ready, s",
    "hangup": "upstream closed after, ms",
    "exact": "bytes exact",
    "kept_up": "share of chunks in time",
}
PLOTTED = ("stream", "stream1000", "tls", "short", "short_tls", "large")
RATIOS = {*PLOTTED, "idle", "per_stream"}
FAILURES = (LoadFailed, NotStarted, OSError, HTTPException, subprocess.SubprocessError)

Medians = dict[str, dict[str, float]]


def main() -> None:
    given = options()
    targets, pythons = chosen(given)
    measures = [name for name in MEASURES if not given.only or name in given.only.split(",")]
    rounds, seconds = min(given.rounds, 20), min(given.seconds, 10.0)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: dict[str, dict[str, list[float]]] = {name: {} for name in targets}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-bench-")))
        bench = Bench(stack.enter_context(Upstream(folder)), folder, seconds)
        for turn in range(rounds):
            for measure in measures:
                for name in targets if turn % 2 else reversed(targets):
                    for key, value in tried(bench, measure, name, targets[name]).items():
                        found[name].setdefault(key, []).append(value)
                print(f"round {turn + 1}: {measure}", file=sys.stderr, flush=True)
    medians = {
        name: {key: statistics.median(values) for key, values in rows.items()}
        for name, rows in found.items()
    }
    met = conditions(pythons) | {"rounds": rounds, "seconds": seconds}
    show(with_added(medians))
    print("\n" + ", ".join(f"{key} {value}" for key, value in met.items()))
    if given.json:
        result = {"conditions": met, "medians": medians, "rounds": found}
        given.json.write_text(json.dumps(finite(result), indent=1))
        plot = given.plot or given.json.with_suffix(".svg")
        plot.write_text(plotted(medians))
        print(f"{given.json} and {plot} are written")


def options() -> argparse.Namespace:
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--rounds", type=int, default=5)
    reading.add_argument("--seconds", type=float, default=2.0, help="of each stream measurement")
    known = ", ".join([*TARGETS, *PEERS])
    reading.add_argument("--targets", default="direct,nginx,pointsman", help=f"of {known}")
    reading.add_argument("--only", default="", help=f"of {', '.join(MEASURES)}")
    reading.add_argument("--json", type=Path, help="write the result here, and a plot beside it")
    reading.add_argument("--plot", type=Path, help="write the plot here instead")
    reading.add_argument(
        "--python", action="append", default=[], metavar="PATH", help="run Pointsman by it as well"
    )
    reading.add_argument(
        "--environments", type=Path, default=cache(), help="where peers are installed, once"
    )
    return reading.parse_args()


def chosen(given: argparse.Namespace) -> tuple[dict[str, Start], dict[str, str]]:
    """The targets by name, and the interpreter for those that are Pointsman."""
    targets: dict[str, Start] = {}
    pythons = {}
    for name in filter(None, given.targets.split(",")):
        if name in PEERS:
            targets[name] = PEERS[name](given.environments)
        elif name in TARGETS:
            targets[name] = TARGETS[name]
        else:
            sys.exit(f"there is no target {name!r}; there are {', '.join([*TARGETS, *PEERS])}")
        if name in {"pointsman", "httpx"}:
            pythons[name] = sys.executable
    for number, python in enumerate(given.python, 2):
        name = f"pointsman-{number}"
        targets[name], pythons[name] = partial(pointsman, python=python), python
    return targets, pythons


def tried(bench: Bench, measure: str, name: str, target: Start) -> dict[str, float]:
    """The figures of one measurement, or none if the target couldn't handle it."""
    try:
        return MEASURES[measure](bench, target)
    except FAILURES as failure:
        print(f"{name}, {measure}: {failure or type(failure).__name__}", file=sys.stderr)
        return {}


def with_added(medians: Medians) -> Medians:
    """Latencies minus the latency without a gateway."""
    base = medians.get("direct", {})
    return {
        name: {
            key: value - base.get(key, 0) if key in {"ttfb", "p50", "p99"} else value
            for key, value in rows.items()
        }
        for name, rows in medians.items()
        if name != "direct"
    }


def show(rows: Medians) -> None:
    names = list(rows)
    nginx, ours = rows.get("nginx", {}), rows.get("pointsman", {})
    print(f"\n{'':<30}" + "".join(f"{name:>13}" for name in names) + f"{'x nginx':>9}{'aim':>14}")
    for key, label in COLUMNS.items():
        cells = [f"{shown(key, rows[name].get(key)):>13}" for name in names]
        if not any(key in row for row in rows.values()):
            continue
        both = key in RATIOS and ours.get(key) and nginx.get(key)
        ratio = f"{ours[key] / nginx[key]:.2f}" if both else "-"
        aim, unit = AIMS.get(key, (None, ""))
        wanted = f"<= {aim:g} {unit}" if aim else ""
        print(f"{label:<30}" + "".join(cells) + f"{ratio:>9}{wanted:>14}")


def shown(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if math.isinf(value):
        return "never"
    if key == "exact":
        return "yes" if value == 1 else "no"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def plotted(medians: Medians) -> str:
    """Bars of each gateway's cost compared with nginx, with the aims."""
    nginx = medians.get("nginx", {})
    groups = [
        (
            COLUMNS[key].removeprefix("CPU us/"),
            [
                Bar(name, rows[key] / nginx[key])
                for name, rows in medians.items()
                if name != "nginx" and rows.get(key)
            ],
            AIMS.get(key, (None, ""))[0],
        )
        for key in PLOTTED
        if nginx.get(key)
    ]
    return bars("CPU, times nginx", groups, unit="x nginx, logarithmic", base=1.0)


def finite(value: object) -> object:
    """The same with null instead of infinity, which JSON doesn't support."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and math.isinf(value) else value


if __name__ == "__main__":
    main()
