"""Findings about `max_request_usd`: requests that it always refuses, or without a limit."""

from collections.abc import Iterator

from ...exact_numbers import plainly
from ...wording import listed
from ..forecast.forecast import Forecast
from ..prompt_size import HIDDEN, Size
from ..request_cost import bound_at, dearest
from ..route import Cap
from .finding import Finding, Severity, Subject, at

_LEAST = Size(prompt=HIDDEN)  # the shortest prompt


def cap_refuses(subject: Subject) -> Iterator[Finding]:
    """Models of which a cap refuses every request, or every one that sets no limit itself."""
    found: dict[tuple[int, str], tuple[Cap, Severity, str, list[str]]] = {}
    for case, each in subject.foreseen:
        cap = case.route.cap
        told = None if cap is None else _refused(each, cap)
        if cap is None or told is None:
            continue
        severity, kind, message = told
        _, _, _, models = found.setdefault(
            (id(cap.clause), kind), (cap, severity, f"{case} {message}", [])
        )
        models.append(str(case))
    for cap, severity, message, (_, *others) in found.values():
        more = f"; likewise {listed(others)}" if others else ""
        yield at(cap.clause, severity, message + more)


def _refused(each: Forecast, cap: Cap) -> tuple[Severity, str, str] | None:
    """Whether the cap refuses requests of a model: how serious that is, its kind, and why."""
    left = each.funnel.survivors
    least = dearest(bound_at(each.model, row, _LEAST, 1) for row in left)
    if least is None:
        return None
    tag = least.endpoint.tag
    if least.usd is None:
        return "warning", "unknown", f"is always refused, since at {tag} {least.why}"
    if least.usd > cap.usd:
        why = f"at {tag} even the shortest request could cost ${plainly(least.usd)}"
        return "warning", "always", f"is always refused: {why}"
    most = dearest(bound_at(each.model, row, _LEAST, None) for row in left)
    if cap.clamp or most is None or most.usd is None or most.usd <= cap.usd:
        return None
    could = f"at {most.endpoint.tag} one without `max_tokens` could cost ${plainly(most.usd)}"
    message = f"is refused unless the request limits its answer: {could}; `clamp: true` limits it"
    return "note", "unlimited", message
