"""What a gateway costs: Pointsman as it is shipped, beside nginx and no gateway at all.

    make bench        five rounds, some ten minutes
    make bench-quick  one round, under two minutes
    python bench/run.py --rounds 3 --targets nginx,pointsman --only stream,tls

Everything runs on this machine. Upstream and load share one core, the process under test has
another; the targets take turns, so that noise hits all alike, and each figure is the median of
the rounds. CPU is what the kernel says the process used. Absolute times belong to one machine,
ratios within one run travel. The result is a table, and JSON with `--json FILE`.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from measures import MEASURES, Bench, LoadFailed
from targets import TARGETS, Upstream

AIMS = {  # what is asked of Pointsman: times nginx, or absolute
    "stream": (2.0, "x nginx"),
    "tls": (2.5, "x nginx"),
    "short": (6.0, "x nginx"),
    "large": (8.0, "x nginx"),
    "ttfb": (0.5, "ms"),
    "p99": (1.0, "ms"),
    "idle": (60.0, "MB"),
    "per_stream": (16.0, "kB"),
    "ready": (0.5, "s"),
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
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2.0, help="of each stream measurement")
    options.add_argument("--targets", default="direct,nginx,pointsman")
    options.add_argument("--only", default="", help=f"of {', '.join(MEASURES)}")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    names = given.targets.split(",")
    chosen = [name for name in MEASURES if not given.only or name in given.only.split(",")]
    rounds = min(given.rounds, 20)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-bench-")))
        upstream = stack.enter_context(Upstream(folder))
        bench = Bench(upstream, folder, min(given.seconds, 10.0))
        for turn in range(rounds):
            for measure in chosen:
                for name in names if turn % 2 else reversed(names):
                    try:
                        figures = MEASURES[measure](bench, TARGETS[name])
                    except LoadFailed as failure:
                        print(f"{name}, {measure}: {failure}", file=sys.stderr)
                        continue
                    for key, value in figures.items():
                        found[name].setdefault(key, []).append(value)
                print(f"round {turn + 1}: {measure}", file=sys.stderr, flush=True)
    result = {
        "conditions": conditions(rounds, given.seconds),
        "medians": {
            name: {key: statistics.median(values) for key, values in rows.items()}
            for name, rows in found.items()
        },
        "rounds": found,
    }
    show(with_added(result["medians"]))
    print("\n" + ", ".join(f"{key} {value}" for key, value in result["conditions"].items()))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))


def with_added(medians: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Latencies less what the way without a gateway takes."""
    base = medians.get("direct", {})
    return {
        name: {
            key: value - base.get(key, 0) if key in {"ttfb", "p50", "p99"} else value
            for key, value in rows.items()
        }
        for name, rows in medians.items()
        if name != "direct"
    }


def show(rows: dict[str, dict[str, float]]) -> None:
    names = list(rows)
    nginx, ours = rows.get("nginx", {}), rows.get("pointsman", {})
    print(f"\n{'':<30}" + "".join(f"{name:>14}" for name in names) + f"{'x nginx':>10}{'aim':>14}")
    for key, label in COLUMNS.items():
        cells = [f"{rows[name][key]:.2f}" if key in rows[name] else "-" for name in names]
        if not any(key in row for row in rows.values()):
            continue
        ratio = f"{ours[key] / nginx[key]:.2f}" if ours.get(key) and nginx.get(key) else "-"
        aim, unit = AIMS.get(key, (None, ""))
        wanted = f"<= {aim:g} {unit}" if aim else ""
        print(
            f"{label:<30}" + "".join(f"{cell:>14}" for cell in cells) + f"{ratio:>10}{wanted:>14}"
        )


def conditions(rounds: int, seconds: float) -> dict[str, object]:
    processor = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rounds": rounds,
        "seconds": seconds,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    main()
