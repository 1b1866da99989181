"""Reports whether a streamed chunk or a request costs more CPU than it should; never fails.

    make bench-gate            or: python bench/gate.py [--json FILE]

CPU of Pointsman as it is shipped, in units of a fixed loop of Python that is timed beside it on
the same core, so that a slower machine counts the same; nginx's figures too, where it is
installed. Shared machines are noisy: each bound leaves room for half as much again, and a figure
above its bound is only marked.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from measures import Bench, short, stream, tls
from reference import reference
from targets import TARGETS, TEST_CORE, Upstream

BOUNDS = {  # in units of the reference loop; see `reference`
    "stream": 22.0,
    "stream1000": 24.0,
    "tls": 24.0,
    "short": 110.0,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    names = ["pointsman", *(["nginx"] if shutil.which("nginx") else [])]
    found: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    loops: list[float] = []
    everywhere = os.sched_getaffinity(0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-gate-")))
        bench = Bench(stack.enter_context(Upstream(folder)), folder, 1.0)
        for _ in range(min(given.rounds, 10)):
            os.sched_setaffinity(0, {TEST_CORE})
            loops.append(reference())
            os.sched_setaffinity(0, everywhere)
            for name, measure in product(names, (stream, tls, short)):
                for key, value in measure(bench, TARGETS[name]).items():
                    found[name].setdefault(key, []).append(value)
    loop = statistics.median(loops)
    medians = {
        name: {key: statistics.median(values) for key, values in rows.items()}
        for name, rows in found.items()
    }
    print(f"reference loop {loop:.2f} us")
    print(f"{'CPU':<12} {'us':>8} {'loops':>8} {'bound':>8} {'x nginx':>8}")
    for key, bound in BOUNDS.items():
        cost = medians["pointsman"][key]
        nginx = medians.get("nginx", {}).get(key)
        times = f"{cost / nginx:.1f}" if nginx else "-"
        mark = "" if cost / loop <= bound else "   <-- over its bound"
        print(f"{key:<12} {cost:>8.1f} {cost / loop:>8.1f} {bound:>8.1f} {times:>8}{mark}")
    if given.json:
        given.json.write_text(json.dumps({"loop_us": loop, "medians": medians}, indent=1))


if __name__ == "__main__":
    main()
