"""Was the policy kept? Judged from what an answer told, and what endpoints are listed as.

Rule 1  `kept` only where every endpoint that could have served is inside the preferences.
Rule 2  `broken` only where none of them is, or where a failed attempt gave the prompt to a
        provider that is outside.
Rule 3  Everything else is `unproven`, with the reason. We say "listed as fp8", never "is fp8":
        no answer tells the endpoint's tag or quantization (contract §3.2, §4).
"""

from collections.abc import Sequence
from itertools import compress, product
from typing import Literal

import msgspec

from app.catalog.catalog import NO_OFFERS, Catalog, Listing, Offers
from app.catalog.endpoint import Endpoint
from app.catalog.providers import is_known, slug_of
from app.policy.compliance import Terms
from app.policy.cost import Bill, those_that_charge, within

# Who named the provider: the router's metadata, the body, the generation's record.
_SOURCES = {
    told: tuple(compress(("router_metadata", "body.provider", "generation"), told))
    for told in product((False, True), repeat=3)
}
_BY_CATALOG: tuple[str, ...] = ("catalog",)
_BY_COST = ("catalog", "cost")

STALE_SECONDS = 24 * 3600
_FIRST_ERROR_STATUS = 400


class Served(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The facts of one answer; providers by the display names that upstream used."""

    status: int
    model: str
    named_by_body: tuple[str, ...] = ()
    named_by_router: str | None = None
    named_by_record: str | None = None  # in the generation record, asked for afterwards
    attempted: tuple[str, ...] = ()  # every provider that got the prompt and failed
    bill: Bill | None = None
    server_tools: bool = False
    cache_hit: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What can be said, why, and from which sources."""

    verdict: Literal["kept", "broken", "unproven"] | None
    reason: str
    evidence: tuple[str, ...] = ()
    provider: str | None = None  # a slug
    quantizations_listed: tuple[str, ...] = ()


def judge(served: Served, terms: Terms, catalog: Catalog, *, now: float) -> Verdict:
    """The verdict on one answer; `now` in seconds since the epoch, for the listing's age."""
    listing = catalog.listing(served.model)
    who = _Who.of(served, listing)
    if not terms.asked:
        return who.says(None, "there was neither a policy nor a wish of the caller's to judge")
    outside = _outside(served, terms, listing, now) if served.attempted else None
    if outside is not None:
        return who.says(
            "broken", f"a failed attempt gave the prompt to {outside}, which is outside"
        )
    if served.status >= _FIRST_ERROR_STATUS:
        return who.says(None, "upstream answered with an error")
    doubt = who.doubt(served)
    if doubt is not None:
        return who.says("unproven", doubt)
    return _of_who_served(who, served, terms, listing, now)


def _of_who_served(
    who: "_Who", served: Served, terms: Terms, listing: Listing | None, now: float
) -> Verdict:
    if not terms.judged:
        return who.says("kept", f"served by {who.name}{_but(terms)}")
    if not (who.offers.endpoints and _is_fresh(listing, now)):
        return _by_name_alone(who, terms, listing, now)
    return _by_endpoints(who, terms, served.bill)


class _Who(msgspec.Struct, frozen=True, gc=False):
    """Who served, as far as the answer names anybody."""

    name: str | None
    slug: str | None
    offers: Offers
    evidence: tuple[str, ...]

    @classmethod
    def of(cls, served: Served, listing: Listing | None) -> "_Who":
        by_body = served.named_by_body[-1] if served.named_by_body else None
        name = served.named_by_router or by_body or served.named_by_record
        if name is None:
            return cls(None, None, NO_OFFERS, ())
        told = (bool(served.named_by_router), bool(by_body), bool(served.named_by_record))
        offers = _of_provider(listing, name)
        slug = offers.endpoints[0].provider if offers.endpoints else slug_of(name)
        return cls(name, slug, offers, _SOURCES[told])

    def doubt(self, served: Served) -> str | None:
        """Why the answer does not prove who served, if it does not."""
        if served.cache_hit:
            return "the answer came from OpenRouter's response cache: nothing was routed"
        if self.name is None:
            return "nothing in the answer names the provider"
        if served.server_tools:
            return "OpenRouter ran tools of its own, and then the provider it names can be wrong"
        if served.named_by_body == (self.name,) and served.named_by_record is None:
            return None  # nearly always
        names = [*served.named_by_body, self.name, served.named_by_record or self.name]
        if len({name.lower() for name in names}) > 1:
            return f"the evidence names more than one provider: {', '.join(dict.fromkeys(names))}"
        return None

    def says(
        self,
        verdict: Literal["kept", "broken", "unproven"] | None,
        reason: str,
        offers: Offers | None = None,
        also: tuple[str, ...] = (),
    ) -> Verdict:
        return Verdict(
            verdict=verdict,
            reason=reason,
            evidence=(*self.evidence, *also),
            provider=self.slug,
            quantizations_listed=(self.offers if offers is None else offers).labels,
        )


def _by_name_alone(who: _Who, terms: Terms, listing: Listing | None, now: float) -> Verdict:
    """Rule 1 to 3 where the provider's endpoints are not known well enough."""
    assert who.name is not None  # noqa: S101 - doubt() has seen to it
    slug = _sure_slug(listing, who.name)
    if slug is None:
        return who.says("unproven", f"served by {who.name}, whose slug is not known for sure")
    answer = terms.allows_provider(slug)
    if answer is False:
        return who.says("broken", f"served by {who.name}, which the preferences exclude")
    if answer and not terms.caps:
        return who.says("kept", f"served by {who.name}, which may serve{_but(terms)}")
    if listing is None:
        why = "the model's endpoints have not been listed yet"
    elif not who.offers.endpoints:
        why = f"{who.name} is not in the listing of the model's endpoints"
    else:
        why = f"the listing of its endpoints is {(now - listing.fetched_at) / 3600:.0f} hours old"
    return who.says("unproven", f"served by {who.name}, but {why}")


def _by_endpoints(who: _Who, terms: Terms, bill: Bill | None) -> Verdict:
    """Rule 1 to 3 over the listed endpoints of the provider that served."""
    possible, also = who.offers, _BY_CATALOG
    if bill is not None:
        charging = those_that_charge(bill, possible.endpoints)
        if len(charging) < len(possible.endpoints):
            possible, also = Offers(charging), _BY_COST
    answers = _answers(terms, bill, possible.endpoints)
    described = f"served by {who.name} ({possible.tags}), listed as {' or '.join(possible.labels)}"
    if all(answers):
        return who.says("kept", described + _but(terms), possible, also)
    if all(answer is False for answer in answers):
        return who.says("broken", f"{described}, outside of what was asked", possible, also)
    return who.says(
        "unproven", f"{described}, of which not all are inside, or not surely", possible, also
    )


def _answers(terms: Terms, bill: Bill | None, endpoints: Sequence[Endpoint]) -> list[bool | None]:
    if not terms.caps:
        return [terms.allows(endpoint) for endpoint in endpoints]
    return [
        within(terms.caps, bill, endpoint) if terms.allows(endpoint) else False
        for endpoint in endpoints
    ]


def _outside(served: Served, terms: Terms, listing: Listing | None, now: float) -> str | None:
    """A provider that got the prompt in a failed attempt although none of its endpoints may."""
    for name in served.attempted:
        endpoints = _of_provider(listing, name).endpoints if _is_fresh(listing, now) else ()
        if endpoints:
            if not any(map(terms.allows, endpoints)):
                return name
        elif (slug := _sure_slug(listing, name)) and terms.allows_provider(slug) is False:
            return name
    return None


def _is_fresh(listing: Listing | None, now: float) -> bool:
    """Whether labels and prices may be taken from it: both drift (contract §1.5)."""
    return listing is not None and now - listing.fetched_at <= STALE_SECONDS


def _sure_slug(listing: Listing | None, name: str) -> str | None:
    """A provider's slug where a listing or the shipped list tells it; a guess judges nobody."""
    endpoints = _of_provider(listing, name).endpoints
    if endpoints:
        return endpoints[0].provider
    return slug_of(name) if is_known(name) else None


def _of_provider(listing: Listing | None, name: str) -> Offers:
    return listing.of_provider(name) if listing else NO_OFFERS


def _but(terms: Terms) -> str:
    return f"; no answer can show {', '.join(terms.unchecked)}" if terms.unchecked else ""
