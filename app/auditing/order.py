"""The order in which an audit asks: two passes over all endpoints, each shuffled. PURE.

An endpoint's answers of one moment are more alike than those of different moments, so no prompt is
asked again before all have been asked once.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

PASSES = 2


class Job(NamedTuple):
    """One prompt, by its number, to be asked for the nth time (from 0)."""

    prompt: int
    round: int


def pass_of(round_: int, answers: int) -> int:
    """Which pass a round belongs to: the first half of them, rounded up, to the first."""
    return int(round_ >= (answers + 1) // PASSES)


def jobs(
    number: int,
    *,
    tags: Collection[str],
    prompts: int,
    answers: int,
    seed: int,
    done: Mapping[str, Collection[Job]],
) -> dict[str, tuple[Job, ...]]:
    """What is left to ask each endpoint in a pass, in the order of asking."""
    rounds = [each for each in range(answers) if pass_of(each, answers) == number]
    found: dict[str, tuple[Job, ...]] = {}
    for tag in tags:
        place = f"{seed}/{number}/{tag}"
        known = done.get(tag, ())
        asked = [Job(prompt, each) for each in rounds for prompt in range(prompts)]
        left = sorted(asked, key=lambda job, place=place: (job.round, _place(job, place)))  # type: ignore[misc]
        found[tag] = tuple(job for job in left if job not in known)
    return found


def _place(job: Job, place: str) -> bytes:
    return hashlib.blake2b(f"{place}/{job.round}/{job.prompt}".encode(), digest_size=8).digest()
