"""The cost of a policy per request: 10, 100 and 1,000 rules, bodies of 2 kB and 300 kB.

    make bench-policy             or: python bench/policy.py

Best of seven rounds, in microseconds of CPU on one core. `split` is finding the body's top-level
fields, which every design that edits a body needs; `apply` is the additional cost of a policy.
"""

import json
import time
import timeit
from collections.abc import Callable

from app.catalog.catalog import EMPTY
from app.policy.apply import apply
from app.policy.file.parse import read_book
from app.policy.request import read_request
from app.policy.slices import split

MESSAGE = {"role": "user", "content": "def f(x):\n    return x + 1\n" * 3}


def policy(rules: int) -> str:
    lines = ["version: 1", "rules:", "  - {name: base, models: ['*'], quantization_floor: fp8}"]
    for number in range(1, rules):
        model = f"author{number}/model-{number}" if number % 2 else f"author{number}/*"
        lines.append(f"  - {{name: r{number}, models: ['{model}'], ignore: [p{number}]}}")
    return "\n".join(lines)


def request(size: int) -> bytes:
    messages = [MESSAGE] * max(1, (size - 120) // len(json.dumps(MESSAGE)))
    ask = {"model": "qwen/qwen3-coder", "stream": True, "max_tokens": 4096, "messages": messages}
    return json.dumps(ask).encode()


def microseconds(work: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(work, number=times, repeat=7)) / times * 1e6


def main() -> None:
    print(
        f"{'rules':>6} {'read ms':>8} {'body':>8} {'route':>7} {'split':>8} {'apply':>7}"
        f" {'(split+apply)/split':>20}"
    )
    for rules in (10, 100, 1000):
        text = policy(rules)
        began = time.perf_counter()
        book = read_book({"bench.yaml": text})
        read = (time.perf_counter() - began) * 1000
        for size in (2_000, 300_000):
            body = request(size)
            asked = read_request(body)

            def route_it(book=book, asked=asked) -> object:
                return book.route_for(asked, caller=None, user_agent="tool/1.0", catalog=EMPTY)

            route = route_it()
            times = 3000 if size < 10_000 else 300
            routed = microseconds(route_it, 3000)
            cut = microseconds(lambda body=body: split(body), times)
            applied = microseconds(lambda asked=asked, route=route: apply(asked, route), times)
            print(
                f"{rules:>6} {read:>8.1f} {len(body):>8} {routed:>7.2f} {cut:>8.2f}"
                f" {applied:>7.2f} {(cut + applied) / cut:>20.2f}"
            )


if __name__ == "__main__":
    main()
