"""The events that are told, in words. PURE.

Times are texts: an hour is `2026-11-28T09`, a day `2026-11-28`.
"""

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from ..exact_numbers import dollars_told
from ..wording import first_of, plural
from .event import Event, event

_SLUG = re.compile(r"~?[a-z0-9][a-z0-9._/:+-]{0,199}")  # what a client wrote is not always one
_MOST_TAGS = 10  # in one sentence
DAYS_BEFORE = (1, 7, 30)  # an expiration that are told

BudgetKind = Literal["near", "spent"]


class Share(NamedTuple):
    """How often something was found, and the interval of that rate."""

    found: int
    of: int
    low: float
    high: float

    def __str__(self) -> str:
        """Render as `12 of 40 (18 % to 45 %)`."""
        return f"{self.found:,} of {self.of:,} ({self.low:.0%} to {self.high:.0%})".replace(
            "%", " %"
        )


def broken(
    *,
    rules: Sequence[str],
    hour: str,
    receipt: str,
    model: str | None,
    provider: str | None,
    listed_as: Sequence[str],
) -> Event:
    """The first answer of an hour that broke a rule; `rules` are all that applied."""
    rule, shown_model = rules[0], slug(model)
    served = slug(provider)
    listed = " or ".join(filter(None, map(slug, listed_as)))
    by = f", served by {served}" if served else ""
    by += f", listed as {listed}" if served and listed else ""
    return event(
        "broken",
        rule,
        hour,
        level="problem",
        title=f'Rule "{rule}" was broken',
        text=f"An endpoint outside the policy served a request for {shown_model or 'a model'} or "
        f"was sent its prompt{by}. `pointsman log {receipt}` shows the evidence. Further ones of "
        "this hour (UTC) are counted, and told when it is over.",
        facts={
            "rule": rule,
            "rules": list(rules),
            "receipt": receipt,
            "model": shown_model,
            "provider": served,
            "listed_as": listed or None,
        },
        rules=tuple(rules),
    )


def broken_further(*, rule: str, hour: str, further: int) -> Event:
    """The number of further broken answers of an hour, when it is over."""
    return event(
        "broken",
        rule,
        f"{hour}/further",
        level="problem",
        title=f'Rule "{rule}" was broken {plural(further, "more time")}',
        text=f"In the hour from {hour}:00 UTC, after the one that was told. `pointsman log "
        f"--verdict broken --since {hour}:00Z` lists them.",
        facts={"rule": rule, "hour": f"{hour}:00Z", "further": further},
        rules=(rule,),
    )


def budget(
    *,
    rule: str,
    budget: str,
    kind: BudgetKind,
    spent: Decimal,
    limit: Decimal,
    share: float,
    window_end: str | None,
    caller: str | None = None,
    counter: str = "",
) -> Event:
    """A budget that is nearly spent, or spent; money in USD, `window_end` an ISO time.

    `caller` is named where each one has a budget of its own; `counter` tells those of one window
    apart. Neither a tool's name nor a session's is told, since clients choose them.
    """
    used = f"{dollars_told(Decimal(spent))} of {budget} ({int(share * 100)} %)"
    whose = f" by {caller}" if caller else ""
    is_spent = kind == "spent"
    return event(
        "budget",
        rule,
        " ".join(filter(None, (budget, window_end, kind, counter))),
        level="problem" if is_spent else "warning",
        title=f'The budget of rule "{rule}" is {"spent" if is_spent else "nearly spent"}',
        text=f"{used} is spent{whose}. {_then(kind, window_end)}",
        facts={
            "rule": rule,
            "budget": budget,
            "kind": kind,
            "spent_usd": float(spent),
            "limit_usd": float(limit),
            "share": share,
            "window_end": window_end,
            **({"caller": caller} if caller else {}),
        },
        rules=(rule,),
    )


def drift(
    *,
    model: str,
    gone: Sequence[str],
    come: Sequence[str],
    admitted: Sequence[str],
    why: str,
    rules: Sequence[str],
    book: str,
    now: str,
) -> Event:
    """A change of the catalog after which a policy allows other endpoints; `now` is an ISO time.

    Each process finds it by itself, sooner or later: it is news if the policy version or what it
    allows is not what was told last.
    """
    parts = []
    if gone:
        parts.append(f"Gone: {first_of(gone, _MOST_TAGS)} ({why}).")
    if come:
        parts.append(f"New: {first_of(come, _MOST_TAGS)}.")
    allowed = "\0".join((book, *sorted(admitted)))
    return event(
        "drift",
        model,
        now,
        level="warning" if admitted else "problem",
        title=f"Other endpoints may serve {model} now: {plural(len(admitted), 'endpoint')} left",
        text=f"The catalog has changed, not the policy. {' '.join(parts)}",
        facts={"model": model, "gone": list(gone), "new": list(come), "left": len(admitted)},
        rules=tuple(rules),
        state=hashlib.sha256(allowed.encode(errors="replace")).hexdigest()[:24],
    )


def expiration(*, model: str, date: str, days: int, rules: Sequence[str]) -> Event | None:
    """A model that OpenRouter will stop offering in so many days; None: not worth telling yet."""
    told = [each for each in DAYS_BEFORE if 0 <= days <= each]
    if not told:
        return None
    when = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return event(
        "expiration",
        model,
        f"{date}/{told[0]}",
        level="problem" if told[0] == 1 else "warning",
        title=f"{model} expires {when}",
        text=f"OpenRouter lists {date} as the date on which {model} expires, and a policy names "
        "it. Choose another model.",
        facts={"model": model, "expiration_date": date, "days": days},
        rules=tuple(rules),
    )


def ledger_trouble(*, hour: str, waiting: int, seconds: float) -> Event:
    """Receipts can't be written, for so long."""
    return event(
        "ledger",
        "ledger",
        f"{hour}/trouble",
        level="problem",
        title="Receipts can't be written",
        text=f"{plural(waiting, 'receipt')} waited in memory after {seconds:.0f} s. Requests are "
        "still served. The process log and `/ready` have the reason.",
        facts={"waiting": waiting, "seconds": round(seconds)},
    )


def ledger_over(*, hour: str, seconds: float) -> Event:
    """Receipts can be written again, after so long; the trouble began in this hour."""
    return event(
        "ledger",
        "ledger",
        f"{hour}/over",
        level="over",
        title="Receipts are written again",
        text=f"The ledger works again after {seconds:.0f} s. Receipts that waited in memory are "
        "written.",
        facts={"seconds": round(seconds)},
    )


def receipts_lost(*, hour: str, lost: int) -> Event:
    """Receipts were dropped; told once an hour."""
    return event(
        "ledger",
        "lost receipts",
        hour,
        level="problem",
        title=f"{plural(lost, 'receipt')} lost",
        text="The queue was full, or a value did not fit the ledger. The requests themselves were "
        "served. `pointsman_ledger_dropped_total` counts all of them.",
        facts={"lost": lost},
    )


def host(*, model: str | None, provider: str, day: str, today: Share, before: Share) -> Event:
    """A host whose answers have surely more defects today than in the seven days before."""
    served = slug(model) or "a model"
    return event(
        "host",
        f"{provider} {served}",
        day,
        level="warning",
        title=f"{provider} gives more faulty answers for {served}",
        text=f"Answers with a defect today: {today}. In the seven days before: {before}. "
        "`pointsman score` shows which defects.",
        facts={
            "model": slug(model),
            "provider": provider,
            "day": day,
            "found": today.found,
            "of": today.of,
            "low": round(today.low, 4),
            "high": round(today.high, 4),
            "before_found": before.found,
            "before_of": before.of,
            "before_high": round(before.high, 4),
        },
    )


def trial(*, now: str) -> Event:
    """A test, by `pointsman notify test`."""
    return event(
        "test",
        "test",
        now,
        level="over",
        title="Pointsman can reach you",
        text="This is a test, sent by `pointsman notify test`.",
        facts={},
    )


def _then(kind: BudgetKind, window_end: str | None) -> str:
    """What follows from a budget that is spent, or nearly."""
    if window_end is None:
        return f"Requests of that session are refused {'now' if kind == 'spent' else 'beyond it'}."
    if kind == "spent":
        return f"Requests that count for it are refused until it begins anew at {window_end}."
    return f"The budget begins anew at {window_end}."


def slug(text: str | None) -> str | None:
    """The name of a model, a provider or a label; None if it does not look like one."""
    return text if text is not None and _SLUG.fullmatch(text) else None
