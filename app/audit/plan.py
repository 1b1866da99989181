"""What an audit will ask, of which endpoints, and what that can cost; or why there is none.

Nothing is asked yet: the plan is what is shown before the user agrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from ..catalog.endpoint import Endpoint
from ..catalog.providers import is_own
from .answers import TOKENS
from .eligible import has_no_price, refusal, selects_too
from .results import Chosen, Refused

PROMPTS = 50
DEEP_PROMPTS = 200
ANSWERS = 2
DEEP_ANSWERS = 3
TRIES = 2  # of a request, at most
PROMPT_TOKENS = 30  # an average prompt with its template
MOST_PROMPT_TOKENS = 100  # a long one, with a system prompt of the host's
_FULL = ("bf16", "fp16")  # the labels of a reference that the user didn't name
_MILLION = 1_000_000

NoPlan = Literal["no_endpoint", "single_endpoint", "no_reference", "reference_refused"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asks for. `outside_policy` and `include`: tags, as the listing has them.

    `include` audits endpoints that are free or degraded; `outside_policy` those that the user's own
    policy shuts out. `since`: each endpoint is compared with its own stored answers.
    """

    reference: str | None = None
    outside_policy: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    deep: bool = False
    since: bool = False

    @property
    def prompts(self) -> int:
        """How many different prompts are asked."""
        return DEEP_PROMPTS if self.deep else PROMPTS

    @property
    def answers(self) -> int:
        """How many answers to each."""
        return DEEP_ANSWERS if self.deep else ANSWERS


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the model. `closed`: without published weights.

    `shut_out`: the tags of endpoints that the user's policy does not allow.
    """

    model: str
    endpoints: Sequence[Endpoint]
    closed: bool = False
    reasoning_mandatory: bool = False
    shut_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """One endpoint that is asked. Prices in USD per million tokens; `request_price` in USD each.

    `reasoning_off`: its requests say that it should not reason, since it lists that parameter.
    """

    tag: str
    provider: str  # its display name, as answers have it
    label: str | None
    prompt_price: Decimal
    completion_price: Decimal
    request_price: Decimal
    price_varies: bool
    reasoning_off: bool

    def cost(self, requests: int, prompt_tokens: int) -> Decimal:
        """What some requests cost in USD by the listing, if each answer takes all its tokens."""
        tokens = prompt_tokens * self.prompt_price + TOKENS * self.completion_price
        return requests * (tokens / _MILLION + self.request_price)


@dataclass(frozen=True, slots=True)
class Plan:
    """An audit that can be run. `reference` is one of `endpoints`, or None with `--since`.

    `expected_usd` is by the listing. `most_usd` also has every request tried twice and long
    prompts; an endpoint that ignores `max_tokens` can cost more, so a run also has to count.
    """

    model: str
    closed: bool
    reference: Planned | None
    chosen: Chosen | None
    endpoints: tuple[Planned, ...]
    refused: tuple[Refused, ...]
    prompts: int
    answers: int

    @property
    def compared(self) -> tuple[Planned, ...]:
        """The endpoints that get a verdict."""
        return tuple(each for each in self.endpoints if each != self.reference)

    @property
    def requests_each(self) -> int:
        """How many requests an endpoint gets, without repetitions of failed ones."""
        return self.prompts * self.answers

    @property
    def requests(self) -> int:
        """How many requests there are, without repetitions of failed ones."""
        return self.requests_each * len(self.endpoints)

    @property
    def tokens(self) -> int:
        """About how many tokens these take, prompts and answers."""
        return self.requests * (PROMPT_TOKENS + TOKENS)

    @property
    def expected_usd(self) -> Decimal:
        """About what it costs."""
        return self._cost(self.requests_each, PROMPT_TOKENS)

    @property
    def most_usd(self) -> Decimal:
        """What it costs at most, by the listing."""
        return self._cost(TRIES * self.requests_each, MOST_PROMPT_TOKENS)

    def _cost(self, requests: int, prompt_tokens: int) -> Decimal:
        return sum((each.cost(requests, prompt_tokens) for each in self.endpoints), Decimal(0))


@dataclass(frozen=True, slots=True)
class Unplanned:
    """No audit is possible: why, and the endpoints that were refused."""

    model: str
    reason: NoPlan
    refused: tuple[Refused, ...]
    reference: str | None = None


def plan(subject: Subject, asked: Asked) -> Plan | Unplanned:
    """Decide which endpoints are asked, which of them is the reference, and what it costs."""
    refused = _refused(subject, asked)
    fit = [e for e in subject.endpoints if e.tag not in {each.tag for each in refused}]
    if not fit:
        return Unplanned(subject.model, "no_endpoint", refused, asked.reference)
    reference, chosen = (None, None) if asked.since else _reference(subject.model, fit, asked)
    if not asked.since:
        if asked.reference is not None and reference is None:
            return Unplanned(subject.model, "reference_refused", refused, asked.reference)
        if len(fit) == 1:
            return Unplanned(subject.model, "single_endpoint", refused, asked.reference)
        if reference is None:
            return Unplanned(subject.model, "no_reference", refused)
    return Plan(
        model=subject.model,
        closed=subject.closed,
        reference=None if reference is None else _planned(reference),
        chosen=chosen,
        endpoints=tuple(map(_planned, fit)),
        refused=refused,
        prompts=asked.prompts,
        answers=asked.answers,
    )


def repriced(known: Plan, listed: Sequence[Endpoint]) -> Plan:
    """A plan of earlier, at the prices of today; an endpoint that has none now keeps its own."""
    today = {each.tag: _planned(each) for each in listed if not has_no_price(each)}

    def priced(each: Planned) -> Planned:
        now = today.get(each.tag, each)
        return replace(
            each,
            prompt_price=now.prompt_price,
            completion_price=now.completion_price,
            request_price=now.request_price,
            price_varies=now.price_varies,
        )

    return replace(
        known,
        endpoints=tuple(map(priced, known.endpoints)),
        reference=None if known.reference is None else priced(known.reference),
    )


def _refused(subject: Subject, asked: Asked) -> tuple[Refused, ...]:
    found = []
    for endpoint in subject.endpoints:
        others = selects_too(endpoint, subject.endpoints)
        reason = refusal(
            endpoint,
            others,
            free_model=subject.model.endswith(":free"),
            reasoning_mandatory=subject.reasoning_mandatory,
            shut_out=subject.shut_out - asked.outside_policy,
            include=asked.include,
        )
        if reason is not None:
            found.append(
                Refused(
                    tag=endpoint.tag,
                    provider=endpoint.provider_name,
                    label=endpoint.quantization,
                    reason=reason,
                    others=others if reason == "tag_not_unique" else (),
                )
            )
    named = asked.reference
    if named is not None and named not in {each.tag for each in subject.endpoints}:
        found.append(Refused(tag=named, provider="", label=None, reason="not_listed"))
    return tuple(found)


def _reference(
    model: str, fit: Sequence[Endpoint], asked: Asked
) -> tuple[Endpoint, Chosen] | tuple[None, None]:
    """The endpoint that is named, else the author's own, else the best that is listed in full."""
    if asked.reference is not None:
        return next(((e, "named") for e in fit if e.tag == asked.reference), (None, None))
    author = model.partition("/")[0].removeprefix("~")
    own = [endpoint for endpoint in fit if is_own(author, endpoint.provider)]
    if own:
        return min(own, key=_worse), "author"
    full = [endpoint for endpoint in fit if endpoint.quantization in _FULL]
    return (min(full, key=_worse), "listed") if full else (None, None)


def _worse(endpoint: Endpoint) -> tuple[bool, float, str]:
    """Sorts the best reference first: listed in full, with the best uptime, by its tag."""
    return endpoint.quantization not in _FULL, -(endpoint.uptime or 0), endpoint.tag


def _planned(endpoint: Endpoint) -> Planned:
    return Planned(
        tag=endpoint.tag,
        provider=endpoint.provider_name,
        label=endpoint.quantization,
        prompt_price=(endpoint.prompt_price or Decimal(0)) * _MILLION,
        completion_price=(endpoint.completion_price or Decimal(0)) * _MILLION,
        request_price=endpoint.request_price or Decimal(0),
        price_varies=endpoint.price_varies,
        reasoning_off="reasoning" in endpoint.supported_parameters,
    )
