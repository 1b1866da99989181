"""Judges whether the policy was kept, from the facts in an answer and from endpoints' listings.

Rule 1  `kept` only if every endpoint that could have received the prompt is inside the
        preferences: the one that served, and those of failed attempts.
Rule 2  `broken` only if none of those that could have served is, or if a failed attempt sent the
        prompt to a provider that is outside.
Rule 3  Everything else is `unproven`, with the reason. Reasons say "listed as fp8", never "is fp8":
        no answer has the endpoint's tag or quantization (openrouter.md §3.2, §4).
Rule 4  An account's own key goes before any order (openrouter.md §1.6), so an endpoint outside of a
        strict order breaks it only if the answer says that no such key was used.
"""

from collections.abc import Mapping, Sequence
from itertools import compress, product
from typing import Literal

import msgspec
from msgspec.structs import replace

from ...catalog.catalog import NO_OFFERS, Catalog, Listing, Offers, is_fresh
from ...catalog.endpoint import Endpoint
from ...catalog.providers import slug_of
from ..terms import Terms
from .attempts import NONE_TRIED, Attempts, Tried, all_inside
from .cost import Bill, those_that_charge, within
from .evidence import Inside, Rests, of_provider, sure_slug

# The source of the provider's name: the router's metadata, the body, the generation's record.
_SOURCES = {
    told: tuple(compress(("router_metadata", "body.provider", "generation"), told))
    for told in product((False, True), repeat=3)
}
_BY_CATALOG: tuple[str, ...] = ("catalog",)
_BY_COST = ("catalog", "cost")

_FIRST_ERROR_STATUS = 400
_UNNAMED = "the answer does not name the provider"


class Served(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The facts of one answer; providers by the display names that upstream used."""

    status: int
    model: str
    named_by_body: tuple[str, ...] = ()
    named_by_router: str | None = None
    named_by_record: str | None = None  # in the generation record, asked for afterwards
    attempted: tuple[Tried, ...] = ()  # every provider that got the prompt and failed
    bill: Bill | None = None
    is_byok: bool | None = None  # whether by a key of the account's own; None: not reported (yet)
    billed: bool = False  # whether the usage has arrived, which ends an answer
    failed: bool = False  # an error came in place of an answer, whatever the status
    server_tools: bool = False
    cache_hit: bool = False
    unreadable: str | None = None  # why something could not be read: "the answer is empty"
    unprovable: str | None = None  # why the policy can't be verified for a part of the request
    inner: tuple[str, ...] = ()  # models called inside, perhaps without the preferences
    partly_read: bool = False  # the part that could not be read may name another provider


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result for one answer, its reason and its sources."""

    verdict: Literal["kept", "broken", "unproven"] | None
    reason: str
    evidence: tuple[str, ...] = ()
    provider: str | None = None  # a slug
    quantizations_listed: tuple[str, ...] = ()
    token_prices: Mapping[str, str] | None = None  # listed for it, in USD per million
    awaits_bill: bool = False  # the end of the answer, which has the bill, may decide it
    rests_on: Rests | None = None  # if a listing, and not only a name, shows that it is broken
    listing: Listing | None = None  # of the model that answered, as it was judged by

    def as_of(self, moment: float) -> "Verdict":
        """The verdict, adjusted if the listing that it depends on is older than `moment`.

        Labels and prices change, so an older listing is not evidence against a provider.
        """
        if self.rests_on is None or self.rests_on.fetched_at >= moment:
            return self
        why = f"{self.reason}; but the listing is older than the request and could not be refreshed"
        return replace(self, verdict="unproven", reason=why, rests_on=None)


def judge(served: Served, terms: Terms, catalog: Catalog, *, now: float) -> Verdict:
    """The verdict on one answer; `now` in seconds since the epoch, for the listing's age."""
    listing = catalog.listing(served.model)
    who = _Who.of(served, listing)
    if not terms.asked:
        return who.says(
            None, "neither a policy nor the request set preferences, so there is nothing to judge"
        )
    tried = NONE_TRIED
    if served.attempted:
        tried = Attempts.of(served.attempted, served.model, terms, catalog, now)
    if tried.outside is not None:
        why = f"a failed attempt gave the prompt to {tried.outside}, which is outside the policy"
        return replace(who.says("broken", why), rests_on=tried.rests_on)
    if served.status >= _FIRST_ERROR_STATUS or served.failed:
        return who.says(None, "OpenRouter answered with an error")
    doubt = who.doubt(served)
    if doubt is not None:
        return who.says("unproven", doubt)
    verdict = _of_who_served(who, served, terms, listing, now)
    if verdict.verdict == "kept":
        doubt = tried.doubt or served.unprovable or _inner_doubt(served, terms, catalog, now)
        if doubt is not None:
            why = f"{verdict.reason}; but {doubt}"
            return replace(verdict, verdict="unproven", reason=why)
    return verdict


_WORST_FIRST = ("broken", "unproven", "kept", None)


def stricter(verdict: Verdict, by_its_own_rules: Verdict, model: str, unasked: str) -> Verdict:
    """Return the worse of two verdicts on one answer.

    If a router, a family's newest or a preset stood for the model that answered, the answer is
    judged by the rules for the requested name and by those for that model. `unasked` names the
    clauses of the latter that no answer can show and that were not sent: they have no evidence.
    """
    own = by_its_own_rules
    if own.verdict == "kept" and unasked:
        own = replace(
            own,
            verdict="unproven",
            reason=f"{own.reason}, and the request did not require {unasked}",
        )
    ranks = [_WORST_FIRST.index(each.verdict) for each in (verdict, own)]
    if ranks[1] >= ranks[0]:
        return verdict
    return replace(own, reason=f"{own.reason} (the rules for {model})")


def _inner_doubt(served: Served, terms: Terms, catalog: Catalog, now: float) -> str | None:
    """Why a model that is called inside may have been served outside; None if it can't have been.

    OpenRouter doesn't say that the preferences apply to it (openrouter.md §A2.3), so every endpoint
    listed for it has to be inside, and anything that no listing shows is unknown.
    """
    if served.inner and terms.unchecked:
        return (
            f"a tool or plugin calls {served.inner[0]}, perhaps without "
            f"{', '.join(terms.unchecked)}"
        )
    for model in served.inner:
        listing = catalog.listing(model)
        rows = listing.endpoints if listing is not None and is_fresh(listing, now) else ()
        if not rows or all_inside(rows, terms) is not True:
            return (
                f"a tool or plugin calls {model}, and not all endpoints of that model are "
                "within the policy"
            )
    return None


def _of_who_served(
    who: "_Who", served: Served, terms: Terms, listing: Listing | None, now: float
) -> Verdict:
    if not terms.judged:
        return who.says("kept", f"served by {who.name}{_but(terms)}")
    if listing is None or not (who.offers.endpoints and is_fresh(listing, now)):
        return _by_name_alone(who, served, terms, listing, now)
    return _by_endpoints(who, served, terms, listing)


class _Who(msgspec.Struct, frozen=True, gc=False):
    """The provider that served, as far as the answer names one."""

    name: str | None
    slug: str | None
    offers: Offers
    evidence: tuple[str, ...]
    listing: Listing | None

    @classmethod
    def of(cls, served: Served, listing: Listing | None) -> "_Who":
        by_body = served.named_by_body[-1] if served.named_by_body else None
        name = served.named_by_router or by_body or served.named_by_record
        if name is None:
            return cls(None, None, NO_OFFERS, (), listing)
        told = (bool(served.named_by_router), bool(by_body), bool(served.named_by_record))
        offers = of_provider(listing, name)
        slug = offers.endpoints[0].provider if offers.endpoints else slug_of(name)
        return cls(name, slug, offers, _SOURCES[told], listing)

    def doubt(self, served: Served) -> str | None:
        """Why the answer does not prove which provider served, or None if it does."""
        if served.cache_hit:
            return "the answer came from OpenRouter's response cache, so nothing was routed"
        if self.name is None:
            why = served.unreadable
            return f"the provider is not known, because {why}" if why else _UNNAMED
        if served.server_tools:
            return "OpenRouter ran server tools, so the provider that it names may be wrong"
        if served.partly_read:
            return (
                f"part of the answer could not be read, because {served.unreadable}; "
                "another provider may be named there"
            )
        if served.named_by_body == (self.name,) and served.named_by_record is None:
            return None  # nearly always
        names = [*served.named_by_body, self.name, served.named_by_record or self.name]
        told = f"the sources name different providers: {', '.join(dict.fromkeys(names))}"
        return told if len({name.lower() for name in names}) > 1 else None

    def says(
        self,
        verdict: Literal["kept", "broken", "unproven"] | None,
        reason: str,
        offers: Offers | None = None,
        also: tuple[str, ...] = (),
    ) -> Verdict:
        possible = self.offers if offers is None else offers
        return Verdict(
            verdict=verdict,
            reason=reason,
            evidence=(*self.evidence, *also),
            provider=self.slug,
            quantizations_listed=possible.labels,
            token_prices=possible.token_prices,
            listing=self.listing,
        )

    def not_in_order(
        self,
        described: str,
        served: Served,
        offers: Offers | None = None,
        also: tuple[str, ...] = (),
    ) -> Verdict:
        """The verdict outside of a strict order, if an account's own key may have been used."""
        why = "through the account's own provider key (BYOK), which takes precedence over any order"
        if not served.is_byok:
            why = (
                "and OpenRouter does not report whether the account's own provider key (BYOK) "
                "was used"
            )
        verdict = self.says(
            "unproven", f"{described}, outside the strict order, {why}", offers, also
        )
        return replace(verdict, awaits_bill=served.is_byok is None and not served.billed)


def _by_name_alone(
    who: _Who, served: Served, terms: Terms, listing: Listing | None, now: float
) -> Verdict:
    """Apply rules 1 to 4 if the provider's endpoints are not known well enough."""
    assert who.name is not None  # noqa: S101 - doubt() has seen to it
    slug = sure_slug(listing, who.name)
    if slug is None:
        return who.says("unproven", f"served by {who.name}, whose slug is not certain")
    answer, in_order = terms.allows_provider(slug), terms.provider_in_order(slug)
    if answer is False or (in_order is False and served.is_byok is False):
        return who.says("broken", f"served by {who.name}, which the policy or the request excludes")
    if in_order is False:
        return who.not_in_order(f"served by {who.name}", served)
    if answer and in_order and not terms.caps:
        return who.says("kept", f"served by {who.name}, which is allowed{_but(terms)}")
    if listing is None:
        why = "the model's endpoints have not been fetched yet"
    elif not who.offers.endpoints:
        why = f"{who.name} is not in the listing of the model's endpoints"
    else:
        why = f"the listing of the endpoints is {(now - listing.fetched_at) / 3600:.0f} hours old"
    return who.says("unproven", f"served by {who.name}, but {why}")


def _by_endpoints(who: _Who, served: Served, terms: Terms, listing: Listing) -> Verdict:
    """Apply rules 1 to 4 to the listed endpoints of the provider that served."""
    possible, also, bill = who.offers, _BY_CATALOG, served.bill
    if bill is not None:
        charging = those_that_charge(bill, possible.endpoints)
        if len(charging) < len(possible.endpoints):
            possible, also = Offers(charging), _BY_COST
    answers = [_inside(each, served, terms) for each in possible.endpoints]
    described = f"served by {who.name} ({possible.tags}), listed as {' or '.join(possible.labels)}"
    if all(answers):
        return who.says("kept", described + _but(terms), possible, also)
    if all(answer is False for answer in answers):
        verdict = who.says("broken", f"{described}, outside the policy", possible, also)
        by_name = who.slug is not None and terms.allows_provider(who.slug) is False
        rests = None if by_name else Rests(served.model, listing.fetched_at)
        return replace(verdict, rests_on=rests)
    if not any(map(terms.in_order, possible.endpoints)):
        return who.not_in_order(described, served, possible, also)
    why = f"{described}; some of these may be outside the policy"
    verdict = who.says("unproven", why, possible, also)
    waits = not served.billed and _bill_may_tell(possible.endpoints, answers)
    return replace(verdict, awaits_bill=waits)


def _inside(endpoint: Endpoint, served: Served, terms: Terms) -> Inside:
    """Whether one endpoint is inside all of the preferences."""
    answer = terms.allows(endpoint)
    if answer and not terms.in_order(endpoint):
        return False if served.is_byok is False else None
    if answer and terms.caps:
        return within(terms.caps, served.bill, endpoint)
    return answer


def _bill_may_tell(endpoints: Sequence[Endpoint], answers: Sequence[Inside]) -> bool:
    """Whether endpoints inside and outside differ in price, or only the price is undecided."""
    by_price: dict[object, set[Inside]] = {}
    for endpoint, answer in zip(endpoints, answers, strict=True):
        prices = (endpoint.prompt_price, endpoint.completion_price, endpoint.cache_read_price)
        by_price.setdefault(prices, set()).add(answer)
    return None in answers or len(by_price) > 1


def _but(terms: Terms) -> str:
    return f"; answers do not show {', '.join(terms.unchecked)}" if terms.unchecked else ""
