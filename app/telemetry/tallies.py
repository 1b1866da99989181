"""Tallies: the sums over receipts since the start, ready to be scraped. PURE.

Rule 1  Recording a receipt costs a microsecond or two: a dict lookup and a few additions. The
        format of metrics is not defined here.
Rule 2  Callers choose the names of models, and upstream those of providers: a name is a label only
        if it is known or looks like a name, and the number of label sets is bounded. Requests
        beyond the bound are counted as `overflow`, and their number is counted as well.
Rule 3  One thread records; another may read meanwhile. It sees each number as of a moment ago.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import NamedTuple

from ..ledger.receipt import Receipt, paid_usd

TTFT_SECONDS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 60.0)
DURATION_SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 900.0)

NONE, OTHER, OVERFLOW = "none", "other", "overflow"
_CLASSES = {hundreds: f"{hundreds}xx" for hundreds in range(1, 6)}
_SLUG = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")


class Labels(NamedTuple):
    """The labels under which requests are counted."""

    dialect: str
    model: str
    provider: str
    status: str  # its class: 2xx
    ending: str
    verdict: str


class Histogram:
    """The number of values in each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def note(self, value: float) -> None:
        """Count one value; a bucket includes its upper bound."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """The number of values up to each bound, as Prometheus requires it."""
        bounds = [*map(str, self.bounds), "+Inf"]
        return list(zip(bounds, accumulate(tuple(self.counts)), strict=True))


class Served:
    """The figures of one model at one provider."""

    __slots__ = (
        *("cache_write", "cached", "completion", "cost", "duration", "prompt", "reasoning", "ttft"),
    )

    def __init__(self) -> None:
        self.ttft = Histogram(TTFT_SECONDS)
        self.duration = Histogram(DURATION_SECONDS)
        self.prompt = self.cached = self.cache_write = self.completion = self.reasoning = 0
        self.cost = 0.0

    def note(self, receipt: Receipt) -> None:
        """Add one receipt; the duration of a refusal is not counted."""
        if receipt.ttft_ms is not None:
            self.ttft.note(receipt.ttft_ms / 1000)
        if receipt.duration_ms is not None and receipt.ending != "refused":
            self.duration.note(receipt.duration_ms / 1000)
        self._use(receipt, 1)

    def learned(self, before: Receipt, after: Receipt) -> None:
        """Add what a receipt has gained that is noted."""
        self._use(after, 1)
        self._use(before, -1)

    def _use(self, receipt: Receipt, times: int) -> None:
        """Add the tokens and the money of a receipt, or take them off."""
        self.prompt += times * (receipt.prompt_tokens or 0)
        self.cached += times * (receipt.cached_tokens or 0)
        self.cache_write += times * (receipt.cache_write_tokens or 0)
        self.completion += times * (receipt.completion_tokens or 0)
        self.reasoning += times * (receipt.reasoning_tokens or 0)
        paid = paid_usd(receipt)
        if paid:
            self.cost += times * float(paid)


class _Entry:
    __slots__ = ("count", "labels", "served")

    def __init__(self, labels: Labels, served: Served) -> None:
        self.labels = labels
        self.served = served
        self.count = 0


class Tallies:
    """All sums. `label` returns a model's name as a label, or None for an unknown name.

    `most` bounds the sets of labels; models at providers, with their histograms, get a quarter.
    """

    def __init__(self, label: Callable[[str], str | None], *, most: int = 2_000) -> None:
        self._label = label
        self._most = most
        self._entries: dict[Labels, _Entry] = {}
        self.served: dict[tuple[str, str], Served] = {}  # by model and provider
        self.verdicts: dict[tuple[str, str], int] = {}  # by rule and verdict
        self.refusals: dict[str, int] = {}  # by code
        self.defects: dict[tuple[str, str, str], int] = {}  # by model, provider and defect
        self.overflowed = 0

    @property
    def requests(self) -> Iterable[tuple[Labels, int]]:
        """The number of requests for each set of labels."""
        return [(entry.labels, entry.count) for entry in list(self._entries.values())]

    def note(self, receipt: Receipt) -> Labels:
        """Add one receipt, and return the labels under which it was counted."""
        entry = self._entry_of(receipt)
        entry.count += 1
        entry.served.note(receipt)
        for defect in receipt.defects:
            found = (entry.labels.model, entry.labels.provider, defect)
            self.defects[found] = self.defects.get(found, 0) + 1
        if receipt.verdict is not None:
            self._note_verdict(receipt.rules, receipt.verdict)
        if receipt.ending == "refused":
            code = receipt.error_code or NONE
            self.refusals[code] = self.refusals.get(code, 0) + 1
        return entry.labels

    def learned(self, before: Receipt, after: Receipt) -> None:
        """Add the tokens and the money that a receipt has gained that is noted."""
        self._entry_of(before).served.learned(before, after)

    def _entry_of(self, receipt: Receipt) -> _Entry:
        asked_for = Labels(
            receipt.dialect or NONE,
            receipt.model_sent or receipt.model_asked or NONE,
            receipt.provider or NONE,
            _CLASSES.get((receipt.status or 0) // 100, NONE),
            receipt.ending,
            receipt.verdict or NONE,
        )
        return self._entries.get(asked_for) or self._entry(asked_for)

    def _note_verdict(self, rules: tuple[str, ...], verdict: str) -> None:
        for rule in rules or (NONE,):
            key = (rule, verdict)
            if key not in self.verdicts and len(self.verdicts) >= self._most:
                key = (OVERFLOW, verdict)
                self.overflowed += 1
            self.verdicts[key] = self.verdicts.get(key, 0) + 1

    def _entry(self, asked_for: Labels) -> _Entry:
        """Return the matching entry, after turning the names into valid labels."""
        model, provider = asked_for.model, asked_for.provider
        if model != NONE:
            model = self._label(model) or OTHER
        if not _SLUG.fullmatch(provider):
            provider = OTHER
        labels = asked_for._replace(model=model, provider=provider)
        if labels not in self._entries and self._is_full(labels):
            labels = labels._replace(model=OVERFLOW, provider=OVERFLOW)
            self.overflowed += 1
        if labels not in self._entries:
            served = self.served.setdefault((labels.model, labels.provider), Served())
            self._entries[labels] = _Entry(labels, served)
        return self._entries[labels]

    def _is_full(self, new: Labels) -> bool:
        pair = (new.model, new.provider)
        crowded = pair not in self.served and len(self.served) >= self._most // 4
        return crowded or len(self._entries) >= self._most
