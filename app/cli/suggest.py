"""`pointsman suggest`: a policy that avoids hosts which are surely worse than the others.

Rule 1  It changes nothing: it prints a policy file, with the evidence beside each rule.
Rule 2  Only where intervals part (app/ledger/parted.py) is anything suggested.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalog.catalog import Catalog
from ..errors import MalformedBody, PolicyFileError
from ..importing.yaml_text import as_comment, as_yaml
from ..ledger.outcomes import Sent
from ..ledger.parted import Parted, parted
from ..ledger.rates import FEWEST, Rate, rate_as_json
from ..ledger.scorecard import Host, ModelScore, Scorecard
from ..policy.file.parse import read_book
from ..policy.forecast.without import left_without
from ..policy.request import request_for
from ..shown import shown
from ..wording import plural
from .stats import percent
from .terminal import print_json

_NOTHING = (
    "No host is surely worse than the others of its model, so nothing is suggested. It takes "
    f"{FEWEST} requests to a host, {FEWEST} to the others, and intervals that part: see "
    "docs/quality.md."
)
_HEAD = (
    "Suggested by `pointsman suggest`. Nothing has been changed: read the evidence, and copy what "
    "you want into a file of your policy folder."
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule would have meant for the requests that were counted.

    `without_endpoint` and `left` are None without a listing; `left` is the fewest endpoints of any
    request that has some.
    """

    requests: int
    moved: int
    without_endpoint: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One rule: a model, what it should ignore, and why."""

    model: str
    ignored: tuple[str, ...]
    untold: tuple[str, ...]  # those that are providers, since no tag can be told
    evidence: tuple[Parted, ...]
    effect: Effect

    @property
    def rule(self) -> Mapping[str, Any]:
        """The rule, as it is written in a policy."""
        name = re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")
        return {
            "name": f"avoid-faulty-hosts-of-{name}",
            "models": [self.model],
            "ignore": list(self.ignored),
        }


def suggestions(card: Scorecard, sent: Sequence[Sent], catalog: Catalog) -> Iterator[Suggestion]:
    """The rules that a scorecard has evidence for; `sent` are the requests that it counted."""
    for model in card.models:
        evidence = tuple(parted(model))
        if not evidence or model.model is None or not _can_be_named(model.model):
            continue
        hosts = list({id(each.host): each.host for each in evidence}.values())
        entries = [_entries(model.model, host, catalog) for host in hosts]
        untold = tuple(
            host.names[0] or "" for host, tags in zip(hosts, entries, strict=True) if not tags
        )
        ignored = tuple(dict.fromkeys((*untold, *(tag for tags in entries for tag in tags))))
        effect = _effect(model, hosts, ignored, untold, sent, catalog)
        yield Suggestion(model.model, ignored, untold, evidence, effect)


def _can_be_named(model: str) -> bool:
    """Whether a policy can name a model: a client may have asked for one of any name."""
    rule = as_yaml([{"name": "any", "models": [model], "ignore": ["any"]}])
    try:
        read_book({"suggested.yaml": f"version: 1\nrules:\n{rule}"})
        request_for(model)
    except (PolicyFileError, MalformedBody):
        return False
    return True


def _entries(model: str, host: Host, catalog: Catalog) -> tuple[str, ...]:
    """The tags of the host's endpoints; empty if they can't be told."""
    listing = catalog.listing(model)
    if listing is None:
        return ()
    provider, label = host.names
    found = (each for each in listing.endpoints if each.provider == provider)
    return tuple(dict.fromkeys(each.tag for each in found if each.quantization == label))


def _effect(  # noqa: PLR0917 - all that decides it
    model: ModelScore,
    hosts: Sequence[Host],
    ignored: Sequence[str],
    untold: Sequence[str],
    sent: Sequence[Sent],
    catalog: Catalog,
) -> Effect:
    own = [each for each in sent if each.model == model.model and each.provider is not None]
    names = {host.names for host in hosts}

    def moves(each: Sent) -> bool:
        label = " or ".join(sorted(each.quantizations)) or None
        return each.provider in untold or (each.provider, label) in names

    without, fewest = _left_of(model.model or "", own, ignored, catalog)
    return Effect(
        sum(each.number for each in own),
        sum(each.number for each in own if moves(each)),
        without,
        fewest,
    )


def _left_of(
    model: str, own: Sequence[Sent], ignored: Sequence[str], catalog: Catalog
) -> tuple[int | None, int | None]:
    """The requests left without an endpoint, and the fewest endpoints left of any other."""
    numbers: Counter[str] = Counter()
    for each in own:
        numbers[json.dumps(each.preferences, sort_keys=True)] += each.number
    without, fewest = 0, None
    for text, number in numbers.items():
        left = left_without(model, json.loads(text), ignored, catalog)
        if left is None:
            return None, None
        if left.after:
            fewest = min(left.after, fewest or left.after)
        elif left.before:
            without += number
    return without, fewest


# --- as text ----------------------------------------------------------------------------------


def print_suggestions(found: Sequence[Suggestion], *, as_json: bool) -> None:
    """Print a policy file, or one JSON object."""
    if as_json:
        print_json({"suggestions": [suggestion_as_json(each) for each in found]})
    else:
        print(shown(policy_text(found)), end="")


def policy_text(found: Sequence[Suggestion]) -> str:
    """A policy file with the suggested rules, and the evidence as comments."""
    lines = as_comment(_HEAD if found else _NOTHING)
    lines += ["version: 1", "rules:" if found else "rules: []"]
    for each in found:
        for told in (*_evidence(each), *_consequences(each)):
            lines += as_comment(told, "  ", "  ")
        (first, *rest) = as_yaml([dict(each.rule)]).rstrip().splitlines()
        lines += [f"  {line}" for line in (first, *rest)]
    return "\n".join(lines) + "\n"


def _evidence(found: Suggestion) -> Iterator[str]:
    for each in found.evidence:
        name = ", ".join(filter(None, each.host.names))
        yield (
            f"{name}: {each.column.label} {_rate(each.rate)}, against {_rate(each.others)} "
            "at all other hosts together"
        )
        if each.column.name == "failed":
            statuses = sorted(each.host.score.statuses.items())
            yield "its failures by status: " + ", ".join(f"{word} {n:,}" for word, n in statuses)


def _rate(rate: Rate) -> str:
    return (
        f"{percent(rate.share)} ({percent(rate.low)} to {percent(rate.high)}; "
        f"{rate.found:,} of {rate.of:,})"
    )


def _consequences(found: Suggestion) -> Iterable[str]:
    effect = found.effect
    share = percent(effect.moved / effect.requests) if effect.requests else "none"
    yield (
        f"{share} of {plural(effect.requests, 'request')} in this time were served there, and "
        "would have gone to other hosts"
    )
    if effect.without_endpoint is None:
        yield (
            "Whether other endpoints are left is not known, as there is no listing of this model: "
            "add --catalog live"
        )
    else:
        left = f"; the others had at least {effect.left} left" if effect.left else ""
        yield (
            f"{plural(effect.without_endpoint, 'request')} would have been left without an "
            f"endpoint{left}"
        )
    for provider in found.untold:
        yield (
            f"{provider} is ignored as a whole, with all its endpoints for this model: the tag of "
            "the one that served can't be told"
        )


def suggestion_as_json(found: Suggestion) -> dict[str, Any]:
    """The same for machines."""
    effect = found.effect
    return {
        "rule": dict(found.rule),
        "untold": list(found.untold),
        "evidence": [
            {
                "provider": each.host.names[0],
                "quantization": each.host.names[1],
                "fault": each.column.name,
                **rate_as_json(each.rate),
                "others": rate_as_json(each.others),
            }
            for each in found.evidence
        ],
        "requests": effect.requests,
        "moved": effect.moved,
        "without_endpoint": effect.without_endpoint,
        "endpoints_left": effect.left,
    }
