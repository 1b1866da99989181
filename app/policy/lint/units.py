"""Numbers that are most likely in a different unit than the key's.

Impossible values are refused when a file is read; these are possible, but very unlikely.
"""

from collections.abc import Iterator
from typing import Any

from ..prices import PER_MILLION
from .finding import Finding, Subject, at

_LEAST_PRICE = 0.005  # USD per million tokens; half of the lowest list price seen
_LONGEST_WAIT = 60  # seconds to the first token; twice the slowest hundredth of requests seen


def tiny_max_price(subject: Subject) -> Iterator[Finding]:
    """Caps per million tokens so low that they may be per token, or per thousand."""
    for clause in subject.clauses:
        name, _, key = clause.key.partition(".")
        if name == "max_price" and key in PER_MILLION and 0 < clause.value < _LEAST_PRICE:
            message = (
                f"max_price is in USD per million tokens, but hardly any model costs as little as "
                f"{clause.value:g}; if you meant USD per thousand tokens, write "
                f"{clause.value * 1000:g}, "
                f"if USD per token, {clause.value * 1_000_000:g}"
            )
            yield at(clause, "warning", message)


def long_latency(subject: Subject) -> Iterator[Finding]:
    """Latencies so long that they may be in milliseconds."""
    for clause in subject.clauses:
        longest = (
            max(_numbers(clause.value), default=0) if clause.key == "preferred_max_latency" else 0
        )
        if longest > _LONGEST_WAIT:
            message = (
                f"latency is in seconds to the first token, but {longest:g} excludes hardly any "
                f"endpoint; if you meant milliseconds, write {longest / 1000:g}"
            )
            yield at(clause, "warning", message)


def _numbers(value: Any) -> list[float]:
    return [*value.values()] if isinstance(value, dict) else [value]
