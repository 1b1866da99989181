"""How cost grows: with bodies, open streams, rules, receipts in the ledger, and workers.

    make bench-growth                       three turns of each part, some eight minutes
    python bench/growth.py --only rules     one part; each ends within four minutes
    python bench/growth.py --only ledger --full     10 million receipts too: 8 GB, 4 minutes more
    python bench/growth.py --draw growth.json --plots docs/images    what was measured before

Everything runs on this machine, upstream and load on one core, the gateway on another; nginx is
measured too where it can do the same. Each figure is the median of the turns. With `--json FILE`,
parts that are not measured keep what the file has of them.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from conditions import conditions
from growing import PARTS, Turn
from growth_plots import PLOTS
from targets import Upstream

UNITS = {
    "cpu_us": "CPU us",
    "cpu_us_per_kb": "CPU us/kB",
    "kb": "RSS kB/stream",
    "kept_up": "chunks in time",
    "per_second": "requests/s",
}
HEADS = {
    "bodies": "bytes of a request's body",
    "streams": "streams, 1,000 chunks/s in all; CPU of a chunk",
    "rules": "rules; CPU of a short request",
    "ledger": "receipts in the ledger; CPU of a short request",
    "workers": "workers, on both cores with the load; CPU of a short request",
}

Table = list[dict[str, Any]]  # rows: target, size, and the figures


def main() -> None:
    given = options()
    if given.draw:
        draw(json.loads(given.draw.read_text())["parts"], given.plots)
        return
    only = [name for name in PARTS if not given.only or name in given.only.split(",")]
    found = measure(given, only)
    kept: dict[str, Any] = {}
    if given.json and given.json.exists():
        kept = json.loads(given.json.read_text())
    met = conditions({"pointsman": sys.executable}) | {"turns": given.rounds}
    parts = kept.get("parts", {}) | found
    told = kept.get("conditions", {}) | dict.fromkeys(found, met)
    for name in only:
        show(name, parts[name])
    print("\n" + ", ".join(f"{key} {value}" for key, value in met.items()))
    if given.json:
        given.json.write_text(json.dumps({"conditions": told, "parts": parts}, indent=1))
    if given.plots:
        draw(parts, given.plots)


def options() -> argparse.Namespace:
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--only", default="", help=f"of {', '.join(PARTS)}")
    reading.add_argument("--rounds", type=int, default=3, help="turns of each part")
    reading.add_argument("--seconds", type=float, default=2.0, help="of each stream measurement")
    reading.add_argument("--full", action="store_true", help="a ledger of 10 million receipts too")
    reading.add_argument("--ledgers", type=Path, help="keep the filled ledgers in this folder")
    reading.add_argument("--json", type=Path, help="write the figures here")
    reading.add_argument("--plots", type=Path, help="draw into this folder")
    reading.add_argument("--draw", type=Path, help="measure nothing, draw what this JSON has")
    return reading.parse_args()


def measure(given: argparse.Namespace, only: list[str]) -> dict[str, Table]:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-growth-")))
        ledgers = given.ledgers or folder / "ledgers"
        ledgers.mkdir(parents=True, exist_ok=True)
        upstream = stack.enter_context(Upstream(folder))
        turn = Turn(upstream, folder, ledgers, min(given.seconds, 10.0), given.full)
        for name in only:
            rows: dict[tuple[str, float], dict[str, list[float]]] = {}
            for number in range(min(given.rounds, 10)):
                for row in PARTS[name](turn):
                    figures = rows.setdefault((row.target, row.size), defaultdict(list))
                    for key, value in row.figures.items():
                        figures[key].append(value)
                print(f"{name}: turn {number + 1}", file=sys.stderr, flush=True)
            found[name] = [
                {"target": target, "size": size}
                | {key: statistics.median(values) for key, values in figures.items()}
                | {"turns": figures}
                for (target, size), figures in rows.items()
            ]
    return found


def show(part: str, table: Table) -> None:
    """The figures as a table of Markdown."""
    targets = list(dict.fromkeys(row["target"] for row in table))
    keys = [key for key in UNITS if any(key in row for row in table)]
    columns = [
        (target, key)
        for key in keys
        for target in targets
        if any(row["target"] == target and key in row for row in table)
    ]
    heads = [f"{target}: {UNITS[key]}" for target, key in columns]
    print(f"\n| {HEADS[part]} | " + " | ".join(heads) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for size in sorted({row["size"] for row in table}):
        named = {row["target"]: row for row in table if row["size"] == size}
        cells = (shown(named.get(target, {}).get(key)) for target, key in columns)
        print(f"| {size:,} | " + " | ".join(cells) + " |")


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw(parts: dict[str, Table], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in PLOTS.items():
        if parts.get(name):
            (folder / f"growth-{name}.svg").write_text(plot(parts[name]))
            print(f"{folder / f'growth-{name}.svg'} is drawn")


if __name__ == "__main__":
    main()
