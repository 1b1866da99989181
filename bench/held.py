"""Compare the verdict of one request with the truth.

Faults, none of which may occur:

    untold           a verdict that could not be compared with the truth
    kept an error    `kept` on an answer that is an error
    false kept       `kept` though an endpoint that was sent the prompt is outside or undecided
    false broken     `broken` though no endpoint is certainly outside
    withheld         an upstream error that did not reach the client unchanged
    unnoticed        an answer from outside without any verdict
    let through      an answer that reached the client whole despite a `block` rule, by its receipt
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.ledger.receipt import Receipt
from app.simulator.completion import tokens
from app.simulator.routing import has_own_key
from bench.mixed import Ask
from bench.truth import Answer, Tried, complies, every, promised

FAULTS = (
    *("untold", "kept an error", "false kept", "false broken"),
    *("withheld", "unnoticed", "let through"),
)
OK = 200
_PRICED = ("prompt", "completion")


@dataclass(frozen=True)
class Reply:
    """The reply that the client received."""

    receipt: str
    status: int
    whole: bool


@dataclass(frozen=True)
class Truth:
    """The router's knowledge: the request it received, and the endpoints it tried, in order."""

    sent: Mapping[str, Any]
    tried: tuple[Tried, ...]
    status: int
    shows_attempts: bool  # whether the answer reported them
    an_error: bool  # whether an answer with status 200 is still an error
    known: bool = True


def unsent(status: int) -> Truth:
    """For a request that never reached the router: any status from the proxy is correct."""
    return Truth({}, (), status, shows_attempts=True, an_error=False, known=False)


@dataclass(frozen=True)
class Case:
    """One request: sent, routed, answered and recorded."""

    ask: Ask
    reply: Reply
    receipt: Receipt
    truth: Truth

    @property
    def outside(self) -> dict[str, Answer]:
        """The clauses of the sent object and of each rule that an endpoint violates or may violate.

        Failed attempts count if the answer reported them; others can't be known.
        """
        truth = self.truth
        return self._missed(truth.tried if truth.shows_attempts else truth.tried[-1:])

    def _missed(self, tried: Iterable[Tried]) -> dict[str, Answer]:
        answers: dict[str, list[Answer]] = defaultdict(list)
        for each in tried:
            for clause, answer in complies(each, self.truth.sent).items():
                answers[clause].append(answer)
            for rule in self.ask.rules:
                closed = rule["name"] in self.ask.closed
                for clause, answer in promised(each, rule, closed=closed).items():
                    answers[f"rule's {clause}"].append(answer)
        told = {clause: every(each) for clause, each in answers.items()}
        return {clause: answer for clause, answer in told.items() if answer is not True}

    @property
    def fault(self) -> str | None:
        """The first fault that applies."""
        verdict, truth, reply = self.receipt.verdict, self.truth, self.reply
        failed = truth.an_error or truth.status != OK
        surely_outside = False in self._missed(truth.tried).values()
        found = {
            "untold": not truth.known and (verdict is not None or reply.status == OK),
            "kept an error": verdict == "kept" and failed,
            "false kept": verdict == "kept" and bool(self.outside),
            "false broken": verdict == "broken" and not surely_outside,
            "withheld": failed and reply.status != truth.status and verdict != "broken",
            "unnoticed": verdict is None and not failed and False in self.outside.values(),
            "let through": not (failed or self._came_late)
            and reply.whole
            and verdict in self._turned_away,
        }
        return next((fault for fault in FAULTS if found[fault]), None)

    @property
    def _came_late(self) -> bool:
        """Whether a stream reported more than one host: only its end does, once it is all read."""
        told = self.truth.tried if self.truth.shows_attempts else self.truth.tried[-1:]
        named_twice = "more than one provider" in (self.receipt.reason or "")
        return bool(self.ask.body.get("stream")) and (len(told) > 1 or named_twice)

    @property
    def _turned_away(self) -> tuple[str, ...]:
        """The verdicts for which the rules withhold the answer."""
        says = {rule.get("on_violation") for rule in self.ask.rules}
        if "block_unproven" in says:
            return ("broken", "unproven")
        return ("broken",) if "block" in says else ()

    @property
    def weight(self) -> tuple[int, int]:
        """Sort key: a smaller case is easier to understand."""
        shown = json.dumps([self.ask.body, self.ask.switches, self.ask.rules])
        return len(self.ask.features), len(shown)

    def shown(self) -> str:
        truth = self.truth
        tried = [
            f"{each.row['tag']} ({each.label}"
            f"{', tier ' + each.tier if each.tier else ''}{', own key' if each.own_key else ''}"
            f"{', failed' if each.paid is None else ''})"
            for each in truth.tried
        ]
        words = ("messages", "input", "prompt", "user", "max_tokens")
        body = {name: value for name, value in self.ask.body.items() if name not in words}
        lines = [
            f"case {self.ask.number}: /{self.ask.path} {json.dumps(body)}",
            *(f"rule {json.dumps(rule)}" for rule in self.ask.rules),
            f"router {json.dumps(self.ask.switches)}",
            f"sent {json.dumps(truth.sent) if truth.known else 'nothing'}",
            f"tried {' -> '.join(tried) or 'none'}",
            f"receipt: {self.receipt.verdict}, {self.receipt.reason} (status {self.reply.status})",
        ]
        return "\n".join(f"      {line}" for line in lines)


# --- what the router knows ----------------------------------------------------------------------


def truths_of(router: Any, *, drift: dict[str, str]) -> dict[int, Truth]:
    """The router's knowledge of each request, by its number."""
    known = {}
    for ask, routed, _ in router.served.values():
        known[ask.body.get("user")] = truth_of(ask, OK, routed.attempts, drift, routed)
    for ask, refusal in router.refused:
        known[ask.body.get("user")] = truth_of(ask, refusal.status, refusal.attempts, drift)
    return {int(user.partition("-")[2]): each for user, each in known.items() if user}


def truth_of(
    ask: Any, status: int, attempts: Iterable[Any], drift: dict[str, str], routed: Any = None
) -> Truth:
    switches = ask.switches
    an_error = bool(switches.error_in_200)
    cut_short = an_error or (switches.stream_error and ask.body.get("stream"))
    now = routed.completion.created if routed else 0
    return Truth(
        sent=dict(ask.body.get("provider") or {}),
        tried=tuple(
            tried_of(ask, row, drift, now if code == OK else None) for row, code in attempts
        ),
        status=status,
        shows_attempts=status != OK or (ask.wants_metadata and not cut_short),
        an_error=an_error,
    )


def tried_of(ask: Any, row: Any, drift: dict[str, str], served_at: float | None) -> Tried:
    listed = row.listed
    if row.tag in drift:
        listed = {**listed, "quantization": drift[row.tag]}
    paid = None if served_at is None else dict(prices_of(ask, row, served_at))
    return Tried(listed, has_own_key(ask, row), paid)


def prices_of(ask: Any, row: Any, served_at: float) -> Iterator[tuple[str, Decimal]]:
    """The price per token of the request, for each listed price."""
    now = datetime.fromtimestamp(served_at, UTC)
    for key in _PRICED:
        if (row.listed.get("pricing") or {}).get(key) is not None:
            yield key, row.price_at(key, prompt_tokens=tokens(ask.prompt), now=now)
