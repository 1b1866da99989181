"""Which endpoints can be audited, one by one (docs/audit.md, "Refused")."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..catalog.endpoint import Endpoint
from .results import Refusal


@dataclass(frozen=True, slots=True)
class _Case:
    endpoint: Endpoint
    others: tuple[str, ...]
    free_model: bool
    reasoning_mandatory: bool
    shut_out: frozenset[str]
    include: frozenset[str]

    @property
    def named(self) -> bool:
        return self.endpoint.tag in self.include

    @property
    def prices(self) -> tuple[object, object]:
        return self.endpoint.prompt_price, self.endpoint.completion_price

    def lacks(self, *names: str) -> bool:
        return not set(names) & set(self.endpoint.supported_parameters)


def has_no_price(endpoint: Endpoint) -> bool:
    """Whether the cost of a request can't be bounded."""
    return None in (endpoint.prompt_price, endpoint.completion_price)


# The first that holds is the reason that is given.
_ROWS: tuple[tuple[Refusal, Callable[[_Case], bool]], ...] = (
    ("outside_policy", lambda case: case.endpoint.tag in case.shut_out),
    ("reasoning_mandatory", lambda case: case.reasoning_mandatory),
    ("no_temperature", lambda case: case.lacks("temperature")),
    ("no_max_tokens", lambda case: case.lacks("max_tokens")),
    ("tier", lambda case: case.endpoint.tier is not None),
    ("tag_not_unique", lambda case: bool(case.others)),
    ("no_price", lambda case: has_no_price(case.endpoint)),
    ("free", lambda case: not case.named and (case.free_model or case.prices == (0, 0))),
    ("degraded", lambda case: not case.named and (case.endpoint.status or 0) != 0),
)


def refusal(
    endpoint: Endpoint,
    others: tuple[str, ...],
    *,
    free_model: bool,
    reasoning_mandatory: bool,
    shut_out: frozenset[str],
    include: frozenset[str],
) -> Refusal | None:
    """Why an endpoint is not audited; None if it is. `others`: what its tag also selects."""
    case = _Case(endpoint, others, free_model, reasoning_mandatory, shut_out, include)
    return next((reason for reason, holds in _ROWS if holds(case)), None)


def selects_too(endpoint: Endpoint, listed: Sequence[Endpoint]) -> tuple[str, ...]:
    """The tags of other endpoints that requests for this one's tag may reach.

    A provider's slug alone selects all its endpoints, except those of a service tier
    (openrouter.md §2.7).
    """
    within = f"{endpoint.tag}/"
    same = [other.tag for other in listed if other.tag == endpoint.tag]
    inside = (e.tag for e in listed if e.tier is None and e.tag.startswith(within))
    return (*same[1:], *inside)
