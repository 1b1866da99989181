"""The scorecard: how often each host was at fault, model by model. PURE.

A host is a provider, or a provider with the quantization listed for its endpoint. `faults.py` says
what is counted; docs/quality.md defines each figure.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from .faults import ALL, ANY, COLUMNS, FAILED, Fault
from .rates import Rate, rate_as_json, surest_first
from .receipt import FAILED as FAILED_ENDINGS
from .receipt import iso
from .wanted import Wanted

HostDimension = Literal["provider", "quantization"]
HOST_DIMENSIONS: tuple[HostDimension, ...] = get_args(HostDimension)
USUAL = timedelta(days=7)  # that are counted if no time is given
MOST_READ = 200_000  # newest receipts that are counted
_WHOLE = frozenset({"complete", "empty", "unfinished"})  # endings of answers that came to an end
_FIRST_ERROR = 400
_EPOCH = datetime.fromtimestamp(0, UTC)

Names = tuple[str | None, ...]
Slug = Callable[[str], str]  # a provider's slug, by the name that OpenRouter reports


class Outcome(NamedTuple):
    """Requests that agree in all of this, and their number."""

    model: str | None
    provider: str | None  # a slug; None: not named
    quantizations: tuple[str, ...]
    day: int  # since 1970
    dialect: str | None
    ending: str
    status: int | None
    with_tools: bool  # some were offered, or called
    with_json: bool  # JSON was asked for
    defects: tuple[str, ...]
    attempts: tuple[tuple[str, int | None], ...]  # each provider by name, and its status
    number: int


@dataclass(slots=True)
class Score:
    """The sums over the requests of one host, or of several."""

    requests: int = 0  # that it was sent, attempts included
    attempts: int = 0  # those of them that another host was asked after
    found: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)  # of failures

    def rate(self, name: str) -> Rate:
        """The rate of a fault, or of a column, by its name."""
        return Rate(self.found[name], self.of[name])

    def add(self, other: "Score") -> None:
        """Add the sums over other requests."""
        self.requests += other.requests
        self.attempts += other.attempts
        for own, its in ((self.found, other.found), (self.of, other.of)):
            own.update(its)
        self.statuses.update(other.statuses)


@dataclass(slots=True)
class Host:
    """One host of a model: its score, and the same day by day."""

    names: Names
    score: Score = field(default_factory=Score)
    days: dict[int, Score] = field(default_factory=lambda: defaultdict(Score))


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One model's hosts, those that are most surely at fault first; and all of them together."""

    model: str | None
    hosts: tuple[Host, ...]
    total: Score

    def sorted_by(self, name: str) -> tuple[Host, ...]:
        """The hosts, those with the surest rate of a column first."""
        return tuple(sorted(self.hosts, key=lambda each: surest_first(each.score.rate(name))))

    def others(self, host: Host) -> Score:
        """All hosts but one, together."""
        rest = Score()
        for each in self.hosts:
            if each is not host:
                rest.add(each.score)
        return rest


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Every model, most requests first. `cut`: only the newest receipts were counted."""

    by: tuple[HostDimension, ...]
    models: tuple[ModelScore, ...]
    cut: bool = False


def within_days(wanted: Wanted, now: datetime) -> Wanted:
    """The same filters, for the last `USUAL` if no time is given."""
    timeless = wanted.since is None and wanted.until is None
    return replace(wanted, since=now - USUAL) if timeless else wanted


def host_dimensions(text: str) -> tuple[HostDimension, ...]:
    """The dimensions in a text such as `provider,quantization`, each once.

    Raises `ValueError` for any other, and without `provider`, as that is the host.
    """
    words = dict.fromkeys(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in HOST_DIMENSIONS:
            raise ValueError(f"{word!r} is not one of {', '.join(HOST_DIMENSIONS)}")
    if "provider" not in words:
        raise ValueError("provider is missing: hosts are compared")
    return tuple(name for name in HOST_DIMENSIONS if name in words)


def scorecard(
    outcomes: Iterable[Outcome], by: Sequence[HostDimension], slug: Slug, *, most: int = MOST_READ
) -> Scorecard:
    """Add up the outcomes of requests, by model and host."""
    models: dict[str | None, dict[Names, Host]] = defaultdict(dict)
    failed: Counter[tuple[str | None, str, int, int | None]] = Counter()
    read = 0
    for each in outcomes:
        read += each.number
        if each.provider is not None:
            names = _names(each, by)
            host = models[each.model].setdefault(names, Host(names))
            _count(host, each)
        for provider, status in _failed_attempts(each, slug):
            failed[each.model, provider, each.day, status] += each.number
    for (model, provider, day, status), count in failed.items():
        hosts = models[model]
        names = _host_of(provider, hosts, by)
        _count_attempts(hosts.setdefault(names, Host(names)), day, status, count)
    found = [_model(model, tuple(hosts.values())) for model, hosts in models.items()]
    found.sort(key=lambda each: (-each.total.requests, each.model or ""))
    return Scorecard(tuple(by), tuple(found), read >= most)


def _model(model: str | None, hosts: Sequence[Host]) -> ModelScore:
    total = Score()
    for host in hosts:
        total.add(host.score)
    ordered = sorted(hosts, key=lambda each: (_surest(each.score), str(each.names)))
    return ModelScore(model, tuple(ordered), total)


def _surest(score: Score) -> tuple[float, float]:
    return min(surest_first(score.rate(name)) for name in (ANY, FAILED))


def _names(each: Outcome, by: Sequence[HostDimension]) -> Names:
    label = " or ".join(sorted(each.quantizations)) or None
    return tuple(each.provider if name == "provider" else label for name in by)


def _count(host: Host, each: Outcome) -> None:
    for score in (host.score, host.days[each.day]):
        score.requests += each.number
        for fault in ALL:
            if _applies(fault, each):
                score.of[fault.name] += each.number
                if _is_found(fault, each):
                    score.found[fault.name] += each.number
        if each.ending in FAILED_ENDINGS:
            score.statuses[_word(each)] += each.number


def _word(each: Outcome) -> str:
    """The status of a failure; the ending where the status was no error."""
    is_error = each.status is not None and each.status >= _FIRST_ERROR
    return str(each.status) if is_error else each.ending


def _applies(fault: Fault, each: Outcome) -> bool:
    if fault.of == "requests":
        return True
    if not fault.defects.isdisjoint(each.defects):
        return True
    whole = each.ending in _WHOLE and (each.status or 0) < _FIRST_ERROR
    asked = {"tool_calls": each.with_tools, "json": each.with_json}.get(fault.of, True)
    return whole and asked and each.dialect in fault.dialects


def _is_found(fault: Fault, each: Outcome) -> bool:
    if fault.name == FAILED:
        return each.ending in FAILED_ENDINGS
    return each.ending in fault.endings or not fault.defects.isdisjoint(each.defects)


def _failed_attempts(each: Outcome, slug: Slug) -> Iterator[tuple[str, int | None]]:
    """The attempts that failed, except the one that is the failure of the request itself."""
    own = each.ending in FAILED_ENDINGS
    for name, status in reversed(each.attempts):
        if status and status < _FIRST_ERROR:
            continue
        provider = slug(name)
        if own and provider == each.provider:
            own = False
        else:
            yield provider, status


def _host_of(provider: str, hosts: Mapping[Names, Host], by: Sequence[HostDimension]) -> Names:
    """The host of a failed attempt, which names no quantization: the only one known, or none."""
    if len(by) == 1:
        return (provider,)
    known = [names for names in hosts if names[0] == provider]
    return known[0] if len(known) == 1 else (provider, None)


def _count_attempts(host: Host, day: int, status: int | None, count: int) -> None:
    for score in (host.score, host.days[day]):
        score.requests += count
        score.attempts += count
        for fault in ALL:
            if fault.of == "requests":
                score.of[fault.name] += count
        score.found[FAILED] += count
        score.statuses[str(status or "no status")] += count


def day_of(day: int) -> datetime:
    """When a day began, in UTC."""
    return _EPOCH + timedelta(days=day)


def scorecard_as_json(card: Scorecard) -> dict[str, Any]:
    """The same for machines: each rate with its counts and its interval."""
    return {
        "by": list(card.by),
        "models": [
            {
                "model": each.model,
                "hosts": [
                    {
                        **dict(zip(card.by, host.names, strict=True)),
                        **_score_as_json(host.score),
                        "days": [
                            {
                                "day": iso(day_of(day))[:10],
                                **{
                                    column.name: rate_as_json(score.rate(column.name))
                                    for column in COLUMNS
                                },
                            }
                            for day, score in sorted(host.days.items())
                        ],
                    }
                    for host in each.hosts
                ],
                "total": _score_as_json(each.total),
            }
            for each in card.models
        ],
        "cut": card.cut,
    }


def _score_as_json(score: Score) -> dict[str, Any]:
    return {
        "requests": score.requests,
        "attempts": score.attempts,
        "rates": {fault.name: rate_as_json(score.rate(fault.name)) for fault in ALL},
        "statuses": dict(sorted(score.statuses.items())),
    }
