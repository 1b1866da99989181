"""The plan of an audit: from what is listed, what the user's own policy allows, and the options."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..audit import words
from ..audit.decide import FEWEST
from ..audit.plan import Asked, Plan, Planned, Subject, Unplanned, plan
from ..audit.pool import POOL
from ..audit.results import Refused
from ..catalog.catalog import Catalog, listing_key
from ..errors import SettingsError, UnknownModel
from ..ledger.moments import span
from ..policy.book import Book
from ..policy.forecast.explain import explain
from ..policy.forecast.forecast import forecasts
from ..policy.known_names import must_be_known
from ..policy.precision import weights_of
from ..policy.request import request_for
from ..policy.routed import Routed, routed
from ..policy.slug import read_slug
from ..settings import Settings
from ..suggest import did_you_mean
from ..wording import listed
from .catalogs import LIVE, open_catalog
from .policies import book_of
from .scores import kept_scores

MAX_USD = Decimal("0.25")
HOUR = timedelta(hours=1)
LONGEST_SPREAD = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `pointsman audit`, as they were given."""

    model: str | None = None
    reference: str | None = None
    endpoints: frozenset[str] = frozenset()
    outside_policy: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    prompts: int | None = None
    max_usd: Decimal = MAX_USD
    deep: bool = False
    spread: timedelta = timedelta(0)
    since: str | None = None
    yes: bool = False
    as_json: bool = False
    save: Path | None = None
    resume: bool = False


def tags_of(text: str | None) -> frozenset[str]:
    """The tags in a list with commas, as listings have them."""
    return frozenset(tag.strip().lower() for tag in (text or "").split(",") if tag.strip())


def dollars_of(text: str) -> Decimal:
    """A ceiling in US dollars. Raises `SettingsError`."""
    try:
        dollars = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not (dollars.is_finite() and dollars > 0):
        raise SettingsError(f"--max-usd {text}: not an amount of US dollars; use e.g. 0.25")
    return dollars


def span_of(text: str | None) -> timedelta:
    """A time to spread an audit over. Raises `SettingsError`."""
    found = timedelta(0) if text is None else span(text)
    if found is None or found > LONGEST_SPREAD:
        raise SettingsError(f"--spread {text}: not a duration up to 7d; use e.g. 30m, 1h or 1d")
    return found


def checked(options: Options) -> Options:
    """The options, with the hour between the passes of `--deep`. Raises `SettingsError`."""
    if options.prompts is not None and not FEWEST <= options.prompts <= len(POOL):
        raise SettingsError(
            f"--prompts {options.prompts}: an audit takes {FEWEST} to {len(POOL)} prompts; with "
            "fewer, no verdict is possible"
        )
    if options.deep and not options.spread:
        return replace(options, spread=HOUR)
    return options


def planned(settings: Settings, options: Options) -> Plan:
    """What is to be asked of which endpoints. Raises `SettingsError` if no audit is possible."""
    if options.model is None:
        raise SettingsError("name a model, such as qwen/qwen3-coder; or use --resume or --list")
    subject = subject_of(settings, options.model)
    asked = Asked(
        reference=options.reference,
        outside_policy=options.outside_policy,
        include=options.include,
        deep=options.deep,
        since=options.since is not None,
    )
    known = {each.tag for each in subject.endpoints}
    for tag in sorted(options.endpoints | options.outside_policy | options.include):
        if tag not in known:
            raise SettingsError(
                f"{tag}: {subject.model} has no such endpoint{did_you_mean(tag, known)}; it has "
                f"{listed(known, len(known))}"
            )
    found = plan(subject, asked)
    if isinstance(found, Unplanned):
        raise SettingsError("\n".join((words.unplanned(found), *words.refusals(found.refused))))
    return narrowed(found, options.endpoints, options.prompts)


def narrowed(found: Plan, tags: frozenset[str], prompts: int | None) -> Plan:
    """The plan with only these endpoints and the reference, and with this many prompts.

    Raises `SettingsError` if an endpoint that is named was refused, or none is left to compare.
    """
    if prompts is not None:
        found = replace(found, prompts=prompts)
    if not tags:
        return found
    refused = [each for each in found.refused if each.tag in tags]
    if refused:
        raise SettingsError("\n".join(words.refusals(refused)))
    kept = tuple(e for e in found.endpoints if e.tag in tags or e == found.reference)
    found = replace(found, endpoints=kept, refused=())
    if not found.compared:
        raise SettingsError("--endpoints names only the reference; name others to compare with it")
    return found


def subject_of(settings: Settings, model: str) -> Subject:
    """What is listed of a model, by its slug or an alias, and what the policy shuts out of it.

    Raises `SettingsError` if the model is not listed.
    """
    book, scores = book_of(settings), kept_scores(settings)

    def route(known: Catalog) -> Routed:
        return routed(
            book,
            request_for(model, None),
            caller=None,
            user_agent="",
            headers=[],
            catalog=known,
        )

    def to_fetch(known: Catalog) -> Sequence[str]:
        return [route(known).route.model_sent]

    source = open_catalog(LIVE, settings, to_fetch)
    # `audited` shuts out what was not audited, so an audit must not go by it.
    catalog = source.catalog.with_scores(scores).with_audits(None)
    try:
        must_be_known([model], book, catalog)
    except UnknownModel as error:
        raise SettingsError(str(error)) from None
    by = route(catalog)
    name = listing_key(by.route.model_sent)
    listing = catalog.listing(name)
    if listing is None or not listing.endpoints:
        hint = did_you_mean(name, catalog.models)
        raise SettingsError(f"OpenRouter lists no endpoints of {name or model}{hint}")
    row = catalog.model(name)
    return Subject(
        model=name,
        endpoints=listing.endpoints,
        closed=weights_of(read_slug(name), catalog) == "closed",
        reasoning_mandatory=row is not None and row.reasoning_mandatory,
        shut_out=_shut_out(book, by, catalog, name),
    )


def shut_out_now(each: Planned) -> Refused:
    """Refuse an endpoint that a policy of today shuts out."""
    return Refused(tag=each.tag, provider=each.provider, label=each.label, reason="outside_policy")


def _shut_out(book: Book, by: Routed, catalog: Catalog, name: str) -> frozenset[str]:
    """The tags of the endpoints that the policy removes; all of them if it refuses the request."""
    listing = catalog.listing(name)
    tags = frozenset(each.tag for each in listing.endpoints) if listing else frozenset()
    if not by.route.matched:
        return frozenset()
    explanation = explain(by, None)
    if explanation.refusal:
        return tags
    found = forecasts(by.sent, by.route, explanation.provider, catalog, ladder=book.ladder)
    drops = (drop for one in found for drop in one.funnel.dropped)
    return frozenset(drop.endpoint.tag for drop in drops if drop.clauses)
