"""What measures the audit counts what it found, and can find a difference."""

import random
from typing import Any

import pytest

from tests.audit.toy import Toy
from tests.audit.trials import null

bench = pytest.importorskip("bench.audit", reason="a source distribution has no bench/")
measure = pytest.importorskip("bench.audit_real.measure")


def test_shares_of_verdicts_are_told() -> None:
    found = null(2)
    ratio = sum(each.ratio or 0 for each in found) / 2
    assert bench.told("the reference", found) == (
        f"the reference  ratio {ratio:.2f}, p <= .05 in 0.0%; same (no_larger_difference) 100.0%"
    )
    assert bench.told("none", []).endswith("no audit")


def host(toy: Toy, f: float, answers: int) -> dict[str, Any]:
    """What `bench.audit_real.generate` keeps of a host, from a toy in the model's place."""
    chance = random.Random(1)
    prompts = [f"prompt {number}" for number in range(50)]
    rows = [[(toy.text(prompt, chance), 16) for _ in range(answers)] for prompt in prompts]
    return {"f": f, "prompt_tokens": [20] * 50, "answers": {"0.025": rows}}


def test_a_file_of_answers_is_audited() -> None:
    kept = {
        "seed": 1,
        "hosts": {
            "huggingfacetb/bf16": host(Toy(), 0, 4),
            "int8/int8": host(Toy(), 0.0, 2),
            "fp8/fp8": host(Toy(name="fp8", delta=0.2), 0.118, 2),
        },
    }
    found = measure.trials(kept)
    assert [(each.name, each.found.verdict) for each in found] == [
        (measure.SAME, "same"),
        ("int8, a scale for each output", "same"),
        ("fp8 e4m3, a scale for each output", "different"),
    ]
    rows = measure.table([*found, *found]).splitlines()
    assert rows[0].startswith("| Endpoint | f | noise 0.025 (0.9")
    assert "| fp8 e4m3, a scale for each output | 11.8% | different 2 of 2; 0." in rows[-1]
    assert measure.plot(found).count("<circle") == 3
