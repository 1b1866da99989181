"""Audits of toy endpoints, as many as one likes: what `make bench-audit` counts."""

import random
import time
from decimal import Decimal

from app.audit.comparing import compared
from app.audit.plan import Planned
from app.audit.results import Compared
from tests.audit.toy import Toy

PROMPTS = 50
OTHERS = (
    ("delta .05", Toy(name="other", delta=0.05)),
    ("delta .2", Toy(name="other", delta=0.2)),
    ("delta .5", Toy(name="other", delta=0.5)),
    ("temperature 1", Toy(name="other", temperature=1.0)),
)
LOUD = Toy(sigma=1.0)


def planned(tag: str) -> Planned:
    """An endpoint as a plan has it."""
    return Planned(
        tag=tag,
        provider=tag.title(),
        label="fp8",
        prompt_price=Decimal("0.30"),
        completion_price=Decimal(1),
        request_price=Decimal(0),
        price_varies=False,
        reasoning_off=False,
    )


def audited(seed: int, *others: Toy, reference: Toy | None = None) -> tuple[Compared, ...]:
    """An audit of some toys, each with prompts and noise of the seed's own."""
    chance = random.Random(seed)
    prompts = [f"prompt {seed} {number}" for number in range(PROMPTS)]
    first = (reference or Toy()).collected(prompts, chance)
    each = [(planned(toy.name), toy.collected(prompts, chance)) for toy in others]
    return compared(first, each, 2, chance)


def null(seeds: int) -> list[Compared]:
    """Audits of an endpoint that is the reference, one for each seed."""
    return [audited(seed, Toy(name="same"))[0] for seed in range(seeds)]


def null_families(number: int) -> list[Compared]:
    """Audits of eleven endpoints at once, each of which is the reference."""
    same = [Toy(name="same")] * 11
    return [each for seed in range(number) for each in audited(-1 - seed, *same)]


def seconds() -> float:
    """How long the statistics of 12 endpoints take, the reference among them."""
    chance = random.Random(1)
    prompts = [f"prompt {number}" for number in range(PROMPTS)]
    noisy = [Toy(name=f"host {number}", sigma=0.3) for number in range(12)]
    first, *others = (toy.collected(prompts, chance) for toy in noisy)
    began = time.perf_counter()
    compared(first, [(planned(each.tag), each) for each in others], 2, chance)
    return time.perf_counter() - began
