"""Audit the answers that `generate` kept, and print the table of docs/audit.md.

    python -m bench.audit_real.measure answers-1.json answers-2.json [--plot docs/images]

Each file is one audit for each level of noise: its own prompts, and its own answers. It needs
neither the model nor numpy.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

from app.audit.answers import Answer, Collected, hashed
from app.audit.comparing import compared
from app.audit.plan import Planned
from app.audit.results import Compared
from bench import svg

KEY = b"answers to prompts of our own"
ANSWERS = 2
SAME = "the reference again"
NAMES = {
    "rounding/bf16": "another engine: activations in bf16",
    "int8/int8": "int8, a scale for each output",
    "fp8/fp8": "fp8 e4m3, a scale for each output",
    "nvfp4/nvfp4": "nvfp4, blocks of 16",
    "int4/int4": "int4, groups of 32",
    "talkative/bf16": "one more system sentence",
    "lively/bf16": "temperature ignored",
}


@dataclass(frozen=True)
class Trial:
    """One endpoint in one audit. `f`: the share of greedy tokens that it changes, None if n/a."""

    name: str
    noise: str
    f: float
    found: Compared


def trials(kept: dict[str, Any]) -> list[Trial]:
    """Audit one file, once for each level of noise."""
    found: list[Trial] = []
    (reference, first), *others = kept["hosts"].items()
    for noise in first["answers"]:
        hosts = [(SAME, 0.0, _collected(reference, first, noise, ANSWERS))]
        hosts += [(NAMES[tag], host["f"], _collected(tag, host, noise)) for tag, host in others]
        results = compared(
            _collected(reference, first, noise),
            [(_planned(answers.tag), answers) for _, _, answers in hosts],
            ANSWERS,
            random.Random(f"{kept['seed']} {noise}"),
        )
        found += [
            Trial(name, noise, f, result)
            for (name, f, _), result in zip(hosts, results, strict=True)
        ]
    return found


def _collected(tag: str, host: dict[str, Any], noise: str, skip: int = 0) -> Collected:
    rows = zip(host["answers"][noise], host["prompt_tokens"], strict=True)
    return Collected(
        tag=tag,
        answers=tuple(
            tuple(
                Answer(prefixes=hashed(text, KEY), prompt_tokens=asked, completion_tokens=tokens)
                for text, tokens in row[skip : skip + ANSWERS]
            )
            for row, asked in rows
        ),
    )


def _planned(tag: str) -> Planned:
    return Planned(
        tag=tag,
        provider=tag.partition("/")[0].title(),
        label=tag.partition("/")[2],
        prompt_price=Decimal("0.1"),
        completion_price=Decimal("0.2"),
        request_price=Decimal(0),
        price_varies=False,
        reasoning_off=False,
    )


def table(found: Sequence[Trial]) -> str:
    """The table: verdicts and mean ratios, for each endpoint and level of noise."""
    cells: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in found:
        cells[trial.name, trial.noise].append(trial)
    noises = list(dict.fromkeys(trial.noise for trial in found))
    own = {
        noise: fmean(t.found.own_reference or 0 for t in found if t.noise == noise)
        for noise in noises
    }
    heads = [f"noise {noise} ({own[noise]:.2f})" for noise in noises]
    lines = [f"| Endpoint | f | {' | '.join(heads)} |", "|---" * (2 + len(noises)) + "|"]
    for name in dict.fromkeys(trial.name for trial in found):
        f = fmean(trial.f for trial in cells[name, noises[0]])
        told = [_cell(cells[name, noise]) for noise in noises]
        lines.append(f"| {name} | {f:.1%} | {' | '.join(told)} |")
    return "\n".join(lines)


def _cell(found: Sequence[Trial]) -> str:
    counted = Counter(trial.found.verdict for trial in found)
    ratios = [trial.found.ratio for trial in found if trial.found.ratio is not None]
    number = len(found)
    said = ", ".join(
        verdict if number == 1 else f"{verdict} {count} of {number}"
        for verdict, count in counted.most_common()
    )
    return f"{said}; {fmean(ratios):.2f}" if ratios else said


def plot(found: Sequence[Trial]) -> str:
    """The ratio over f, a line for each level of noise."""
    skipped = {NAMES["lively/bf16"]}
    lines = []
    for colour, noise in zip(
        svg.OTHERS, dict.fromkeys(trial.noise for trial in found), strict=False
    ):
        by_name: dict[str, list[Trial]] = defaultdict(list)
        for trial in found:
            if trial.noise == noise and trial.name not in skipped and trial.found.ratio is not None:
                by_name[trial.name].append(trial)
        points = sorted(
            (100 * fmean(t.f for t in group), fmean(t.found.ratio or 0 for t in group))
            for group in by_name.values()
        )
        lines.append(svg.Line(f"noise {noise}", points, colour))
    panel = svg.Panel(
        "Ratio of agreement across to agreement within",
        "greedy tokens that the endpoint changes, percent",
        "ratio",
        lines,
        x_log=False,
    )
    return svg.figure("The twin test on SmolLM2-135M, quantized for real", [panel])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--plot", type=Path, help="a folder for audit-real.svg")
    asked = parser.parse_args()
    found = [trial for file in asked.files for trial in trials(json.loads(file.read_text()))]
    print(table(found))
    if asked.plot:
        (asked.plot / "audit-real.svg").write_text(plot(found))


if __name__ == "__main__":
    main()
