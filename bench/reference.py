"""A fixed loop that measures the speed of a machine and an interpreter."""

import json
import statistics
import time

_EVENT = b'{"id":"gen-1","choices":[{"index":0,"delta":{"content":"hello"}}],"n":[1,2,3]}'


def reference() -> float:
    """Microseconds of CPU for one turn of a fixed loop: calls, bytes, a little JSON."""

    def turn() -> int:
        found = json.loads(_EVENT)
        return sum(len(part) for part in _EVENT.split(b",")) + found["n"][2]

    times = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(5000):
            turn()
        times.append((time.process_time() - began) / 5000 * 1e6)
    return statistics.median(times)
