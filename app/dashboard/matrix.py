"""The matrix of models (rows) and providers (columns): shares, quality and price. PURE.

Rule 1  A failed attempt counts at the provider that failed, even if another provider then served.
        Receipts that name that provider as failed are already counted as its errors.
Rule 2  An error rate is a share of the requests sent to a provider: requests that it answered or
        failed, and attempts that it failed before another provider was tried.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..ledger.attempts import FailedAttempt
from ..ledger.stats import Figures, Group, Verdicts
from ..wording import plural
from . import formats
from .address import Address
from .names import REFUSED, UNNAMED, Name, grouped, name_of, provider_name
from .tables import BAD_RATE, Entry

MOST_MODELS = 40

Slug = Callable[[str], str]  # a provider's slug, by the name that upstream reports
Attempts = Mapping[tuple[str | None, str], int]  # failed attempts, by model and provider


@dataclass(frozen=True, slots=True)
class Square:
    """One provider with one model."""

    name: Name  # of the provider
    share: float  # of the model's requests
    requests: str
    verdicts: Verdicts
    facts: tuple[tuple[str, str, str], ...]  # label, value, css
    href: str
    failures: str  # the failures there, if any
    failures_href: str


@dataclass(frozen=True, slots=True)
class Line:
    """One model."""

    name: Name
    href: str
    requests: str
    squares: tuple[Square | None, ...]  # in the order of the providers


@dataclass(frozen=True, slots=True)
class Matrix:
    """All models; providers with most requests first, grey ones last."""

    providers: tuple[tuple[Name, str], ...]  # with their receipts
    lines: tuple[Line, ...]
    left_out: int  # models


def attempts_by_host(failed: Mapping[FailedAttempt, int], slug: Slug) -> Attempts:
    """Failed attempts by model and provider, except those already counted as errors."""
    found: Counter[tuple[str | None, str]] = Counter()
    for attempt, count in failed.items():
        host = slug(attempt.provider)
        if not (attempt.receipt_failed and host == attempt.served):
            found[attempt.model, host] += count
    return found


def attempts_of(attempts: Attempts) -> Mapping[str, int]:
    """Failed attempts by provider alone."""
    found: Counter[str] = Counter()
    for (_, host), count in attempts.items():
        found[host] += count
    return found


def matrix_of(groups: Sequence[Group], attempts: Attempts, address: Address) -> Matrix:
    """The matrix of groups by model and provider."""
    own: dict[str | None, list[tuple[Sequence[str | None], Figures]]] = defaultdict(list)
    for group in groups:
        own[group.names[0]].append((group.names[1:], group.figures))
    by_model = {model: dict(grouped(each, provider_name)) for model, each in own.items()}
    for model, host in attempts:
        if model in by_model:
            by_model[model].setdefault(name_of("provider", host), Figures())
    providers: Counter[Name] = Counter()
    for figures in by_model.values():
        for name, each in figures.items():
            providers[name] += each.requests
    order = sorted(providers, key=lambda each: (each in {REFUSED, UNNAMED}, -providers[each]))
    models = sorted(by_model, key=lambda each: -_requests(by_model[each]))
    lines = tuple(
        _line(model, by_model[model], order, attempts, address) for model in models[:MOST_MODELS]
    )
    hrefs = ((name, address.receipts(**(name.filters or {}))) for name in order)
    return Matrix(tuple(hrefs), lines, max(len(models) - MOST_MODELS, 0))


def _requests(figures: Mapping[Name, Figures]) -> int:
    return sum(each.requests for each in figures.values())


def _line(
    model: str | None,
    figures: Mapping[Name, Figures],
    order: Sequence[Name],
    attempts: Attempts,
    address: Address,
) -> Line:
    name, whole = name_of("model", model), _requests(figures)
    squares = (
        _square(each, figures[each], whole, attempts.get((model, each.text), 0), name, address)
        if each in figures
        else None
        for each in order
    )
    href = address.receipts(**(name.filters or {}))
    return Line(name, href, formats.count(whole), tuple(squares))


def _square(  # noqa: PLR0917 - all that a square is made of
    name: Name, figures: Figures, whole: int, attempts: int, model: Name, address: Address
) -> Square:
    filters = {**(model.filters or {}), **(name.filters or {})}
    rate = Entry(name, figures, attempts).error_rate
    return Square(
        name,
        figures.requests / whole if whole else 0.0,
        formats.count(figures.requests),
        figures.verdicts,
        (
            ("TTFT", formats.duration(figures.ttft_p50_ms), ""),
            ("tokens/s", formats.rate(figures.tokens_per_second_p50), ""),
            ("errors", formats.percent(rate), "bad" if (rate or 0) >= BAD_RATE else ""),
            ("per 1k tokens", formats.dollars(figures.cost_per_1k_tokens), ""),
        ),
        address.receipts(**filters),
        _failures(figures.errors, attempts),
        address.receipts(**filters, failed="true") if figures.errors else "",
    )


def _failures(errors: int, attempts: int) -> str:
    parts = (
        plural(errors, "failed request") if errors else "",
        plural(attempts, "failed attempt") if attempts else "",
    )
    return ", ".join(filter(None, parts))
