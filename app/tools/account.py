"""The account of one run: its requests, what they cost, which providers served them. PURE."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..wording import plural

MOST_BROKEN = 20  # receipts that are named


class Entry(NamedTuple):
    """What an account needs of one receipt."""

    id: str
    provider: str | None
    verdict: str | None
    cost_usd: Decimal | None  # with what the provider charged
    refused: bool = False
    failed: bool = False


@dataclass(slots=True)
class Account:
    """Sums over the receipts of one run."""

    requests: int = 0
    unpriced: int = 0  # served, and no cost is known
    refused: int = 0
    failed: int = 0
    cost_usd: Decimal = Decimal(0)
    providers: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    unread: int = 0  # receipts that could not be read
    unanswered: int = 0  # requests that the tool left before their receipt was known

    def add(self, entry: Entry) -> None:
        """Count one receipt."""
        self.requests += 1
        self.refused += entry.refused
        self.failed += entry.failed
        if entry.cost_usd is not None:
            self.cost_usd += entry.cost_usd
        elif entry.provider is not None:
            self.unpriced += 1
        if entry.provider is not None:
            self.providers[entry.provider] += 1
        if entry.verdict is not None:
            self.verdicts[entry.verdict] += 1
        if entry.verdict == "broken" and len(self.broken) < MOST_BROKEN:
            self.broken.append(entry.id)


def account_lines(account: Account, log: str) -> Iterator[str]:
    """The account in words, a line each; `log` shows one receipt: `pointsman log`."""
    if not account.requests:
        yield "no request of this run is known to have reached Pointsman"
    else:
        yield f"{plural(account.requests, 'request')}, {_cost(account)}"
    if account.providers:
        yield f"served by {_counts(account.providers)}"
    if account.requests:
        yield f"policy: {_counts(account.verdicts) or 'nothing to judge'}"
    if account.refused or account.failed:
        others = {"refused by Pointsman": account.refused, "failed": account.failed}
        yield ", ".join(f"{number:,} {what}" for what, number in others.items() if number)
    for receipt in account.broken:
        yield f"broken: {log} {receipt}"
    more = account.verdicts["broken"] - len(account.broken)
    if more:
        yield f"and {more:,} more: {log} --verdict broken"
    if account.unread:
        yield (
            f"{plural(account.unread, 'receipt')} of this run could not be read, "
            "so the figures are without them"
        )
    if account.unanswered:
        yield (
            f"{plural(account.unanswered, 'request')} had no answer when the tool left, "
            "so the figures are without them"
        )


def _cost(account: Account) -> str:
    usd = account.cost_usd
    shown = f"${usd:.6f}" if usd < Decimal("0.01") else f"${usd:,.4f}"
    unpriced = f" (the cost of {account.unpriced:,} is not known)" if account.unpriced else ""
    return shown + unpriced


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common())
