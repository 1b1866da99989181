"""Strange input without end, at every place where input comes from.

    make fuzz              or: python -m tests.fuzz --seconds 120 --seed 1

Raw bytes at the server, raw bytes in place of answers, JSON bodies, event streams, listings and
policy files, made by a grammar or from recorded ones with something done to them. Meanwhile the
loop, the log and the memory of a Pointsman in a process of its own are watched. The exit code is 1
where something went wrong; each case can be repeated by its kind and number.
"""

import argparse
import sys

from tests.fuzz import cases, pure
from tests.fuzz.fuzz import Plan, fuzz, random_of

_SHOWN = 2000


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", action="append", choices=[*cases.KINDS, *pure.KINDS])
    options.add_argument("--case", type=int, help="one case, and show it")
    options.add_argument("--stall", type=float, default=Plan.stall, help="seconds")
    options.add_argument("--growth", type=float, default=Plan.growth / 1e6, help="megabytes")
    given = options.parse_args()
    plan = Plan(
        seconds=given.seconds,
        seed=given.seed,
        kinds=given.only or Plan.kinds,
        case=given.case,
        stall=given.stall,
        growth=int(given.growth * 1e6),
    )
    if plan.case is not None:
        for kind in plan.kinds:
            made = {**cases.KINDS, "book": cases.policy}.get(kind)
            print(made and repr(made(random_of(plan, kind, plan.case)))[:_SHOWN])
    outcome = fuzz(plan)
    for finding in outcome.findings:
        print(finding)
        if finding.kind != "all":
            print(
                f"  again: python -m tests.fuzz --seed {plan.seed} "
                f"--only {finding.kind} --case {finding.case}"
            )
    print(
        f"{outcome.tried} cases, {len(outcome.findings)} findings; the longest stall "
        f"{outcome.longest_stall * 1000:.0f} ms, memory up by {outcome.growth / 1e6:.0f} MB"
    )
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
