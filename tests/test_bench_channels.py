"""A policy holds on every channel: some of what `make bench-channels` sends, and its own checks."""

from collections import Counter
from typing import Any

import pytest

from tests.simulator.generated_requests import Reach, case

channels = pytest.importorskip("bench.channels", reason="a source distribution has no bench/")

RULES: tuple[dict[str, Any], ...] = (
    {"name": "r", "models": ["acme/big"], "only": ["baseten", "novita"], "zdr": True},
    {"name": "s", "models": ["acme/mini"], "data_collection": "deny"},
)


def done(*reached: Reach) -> Any:
    return channels.Done(0, case(0), RULES, 200, None, reached)


@pytest.mark.parametrize(
    ("model", "tag", "inside"),
    [
        ("acme/big", "baseten", True),
        ("acme/big", "novita/fp4", True),
        ("acme/big", "deepinfra/bf16", False),
        ("acme/big", "openai", False),
        ("acme/mini", "groq", True),
        ("acme/mini", "chutes", False),
        ("acme/judge", "azure", True),
    ],
)
@pytest.mark.parametrize("why", ["outer", "preset", "picked", "judge", "inner"])
def test_an_endpoint_outside_is_seen(model: str, tag: str, why: Any, *, inside: bool) -> None:
    found = done(Reach(1, model, tag, why))
    assert (not found.outside) is inside
    assert found.fault == (None if inside or why not in {"outer", "preset"} else "outside")


def test_t57_no_channel_leads_round_a_policy() -> None:
    """`make bench-channels` sends ten thousand."""
    everything = channels.run(400, seed=3)
    faults = [(each.number, each.case, each.fault) for each in everything if each.fault]
    assert not faults
    verdicts = Counter(each.verdict for each in everything)
    assert all(verdicts[word] > 20 for word in ("kept", "unproven", "refused")), verdicts
    assert sum(bool(each.reached) for each in everything) > 100
    assert any(each.outside for each in everything), "nothing leads outside, so nothing is tested"


def test_policies_are_the_same_for_the_same_seed() -> None:
    assert next(channels.policies(7)) == next(channels.policies(7)) != next(channels.policies(8))
