"""Calibrate the twin test with toy endpoints: how often it errs, and what it finds.

    python -m bench.audit [--seeds 500] [--power 40]

Each seed audits an endpoint that is the reference itself: `p <= .05` should be seen in 5 % of
them, and `different` in none; again with eleven such endpoints in one audit. Then endpoints that
differ are audited, and the time of 12 is taken.
"""

import argparse
from collections import Counter
from statistics import fmean

from app.audit.results import Compared
from tests.audit.trials import LOUD, OTHERS, PROMPTS, audited, null, null_families, seconds


def told(name: str, found: list[Compared]) -> str:
    if not found:
        return f"{name:14} no audit"
    counted = Counter((each.verdict, each.reason) for each in found)
    shares = ", ".join(
        f"{verdict} ({reason}) {number / len(found):.1%}"
        for (verdict, reason), number in counted.most_common()
    )
    ratios = [each.ratio for each in found if each.ratio is not None]
    ratio = f"ratio {fmean(ratios):.2f}" if ratios else "no ratio"
    low = sum((each.p or 1) <= 0.05 for each in found) / len(found)
    return f"{name:14} {ratio}, p <= .05 in {low:.1%}; {shares}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--power", type=int, default=40, help="audits of each toy that differs")
    asked = parser.parse_args()
    print(told("the reference", null(asked.seeds)))
    print(told("11 at once", null_families(asked.seeds // 11)))
    for name, toy in OTHERS:
        print(told(name, [audited(seed, toy)[0] for seed in range(asked.power)]))
    loud = [audited(seed, LOUD, reference=LOUD)[0] for seed in range(asked.power)]
    print(told("sigma 1", loud))
    print(f"12 endpoints, {PROMPTS} prompts, 1999 draws: {seconds():.2f} s")


if __name__ == "__main__":
    main()
