"""Catalog: a dated, immutable snapshot of what OpenRouter offers.

The list of models has the names and abilities of each; the endpoints of a model are known only
once its own listing was fetched, each with its own date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from .audits import NO_AUDITS, Audited, Audits
from .endpoint import Endpoint, read_endpoint, tier_in, with_tiers_by_price
from .kept import KeptListing, kept_of
from .model import Model, read_model
from .providers import SLUGS
from .scores import NONE_KEPT, Scored, Scores
from .server_tools import NO_LIST, ServerTools, read_server_tools
from .token_prices import token_prices
from .trimming import BLANKS, trimmed

# These variants arrange a model's own endpoints; any other variant, such as `:free`, has separate
# endpoints, at other prices and perhaps of another quantization (openrouter.md §2.2).
_ARRANGING = frozenset({"nitro", "floor", "exacto", "online"})

STALE_SECONDS = 24 * 3600  # an older listing is not evidence against a provider
_MOST_TOLD = 20  # tags and labels of one provider; the busiest has some five


@dataclass(frozen=True, slots=True)
class Listing:
    """The endpoints of one model; `fetched_at` in seconds since the epoch.

    `kept` is what is kept of its rows, for receipts that are judged by it; None if it is too large.
    """

    endpoints: tuple[Endpoint, ...]
    fetched_at: float
    kept: KeptListing | None = field(default=None, repr=False, compare=False)
    spelling: "Spelling" = field(init=False, repr=False, compare=False)
    _by_provider: Mapping[str, "Offers"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Group the endpoints by provider, because every answer is checked for its provider."""
        found: dict[str, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            found.setdefault(endpoint.provider_name.lower(), []).append(endpoint)
        by_provider = {name: Offers(tuple(endpoints)) for name, endpoints in found.items()}
        object.__setattr__(self, "_by_provider", by_provider)
        object.__setattr__(self, "spelling", _spelling_of(self.endpoints))

    def of_provider(self, name: str) -> "Offers":
        """Return a provider's offers, by the name used in answers; empty if it is not listed."""
        return self._by_provider.get(name.lower(), NO_OFFERS)


def is_fresh(listing: Listing | None, now: float) -> bool:
    """Whether its labels and prices are recent enough to use: both drift (openrouter.md §1.5)."""
    return listing is not None and now - listing.fetched_at <= STALE_SECONDS


@dataclass(frozen=True, slots=True)
class Offers:
    """Endpoints of one model and one provider, and the words that messages use for them."""

    endpoints: tuple[Endpoint, ...]
    labels: tuple[str, ...] = field(init=False, repr=False, compare=False)  # of quantization
    tags: str = field(init=False, repr=False, compare=False)
    token_prices: Mapping[str, str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the words together, and the prices that all of them have."""
        labels = dict.fromkeys(each.quantization or "unlabelled" for each in self.endpoints)
        tags = tuple(dict.fromkeys(each.tag for each in self.endpoints))
        more = f" and {len(tags) - _MOST_TOLD} more" if len(tags) > _MOST_TOLD else ""
        object.__setattr__(self, "labels", tuple(labels)[:_MOST_TOLD])
        object.__setattr__(self, "tags", ", ".join(tags[:_MOST_TOLD]) + more)
        object.__setattr__(self, "token_prices", token_prices(self.endpoints))


NO_OFFERS = Offers(())


@dataclass(frozen=True, slots=True)
class Spelling:
    """Facts about the entries of `only`, `order` and `ignore` that only a listing has."""

    tiers: frozenset[str] = frozenset()  # tags of a service tier that the tag itself doesn't name
    slugs: frozenset[tuple[str, str]] = frozenset()  # by display name, where the shipped list errs

    def __or__(self, other: "Spelling") -> "Spelling":
        """Combine the facts of both."""
        return Spelling(self.tiers | other.tiers, self.slugs | other.slugs)


PLAIN = Spelling()


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything known at one moment; lookups of anything unknown return None."""

    listings: Mapping[str, Listing] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)  # by slug
    providers: frozenset[str] = frozenset()  # slugs; empty: not known
    ids: Mapping[str, str] = field(default_factory=dict)  # a model's slug, by its other names
    server_tools: ServerTools = NO_LIST
    scores: Scores | None = NONE_KEPT  # None: not looked for, so that no floor applies
    audits: Audits | None = NO_AUDITS  # None: not looked for, so that no `audited` applies

    def published(self, name: str) -> bool | None:
        """Whether the list of models says where the model's weights are; None: not in the list.

        The row of a variant such as `:free` may lack this field, so the model's own row is used.
        """
        model = self.models.get(model_key(name)) or self.models.get(listing_key(name))
        return None if model is None else model.published

    def hosts(self, name: str) -> frozenset[str] | None:
        """The slugs of all providers of a model and its variants; None until it is listed."""
        key = model_key(name)
        if key not in self.listings:
            return None
        return frozenset(
            endpoint.provider
            for listed, listing in self.listings.items()
            if listed == key or listed.startswith(f"{key}:")
            for endpoint in listing.endpoints
        )

    def spelling(self, name: str) -> Spelling:
        """Return what the model's listing says about tags and names; empty until it is listed."""
        listing = self.listing(name)
        return PLAIN if listing is None else listing.spelling

    def scored(self, name: str) -> Scored | None:
        """The benchmark scores of a model; None if they are not to be looked for.

        A variant with endpoints of its own, such as `:free`, has only scores of its own.
        """
        if self.scores is None:
            return None
        model, dated = self._names(name)
        return self.scores.of(model, dated, dict(self.spelling(name).slugs))

    def audited(self, name: str) -> Audited | None:
        """The last audits of a model's endpoints; None if they are not to be looked for."""
        if self.audits is None:
            return None
        model, dated = self._names(name)
        listing = self.listing(model)
        tags = (each.tag for each in listing.endpoints) if listing else ()
        return self.audits.of(model, dated, tags)

    def _names(self, name: str) -> tuple[str, str | None]:
        """A model's slug and its dated one, both with variants that have endpoints of their own.

        The dated slug is None where it is the same, or not known.
        """
        base, *variants = listing_key(name).split(":")
        own = self.id_of(name) or base
        model = self.models.get(own)
        version = model.canonical_slug if model else None
        dated = ":".join((version, *variants)) if version and version != own else None
        return ":".join((own, *variants)), dated

    def listing(self, model: str) -> Listing | None:
        """The endpoints that may serve a model under this name.

        A `~author/family-latest` name has the endpoints of the model it stands for, unless it lists
        its own.
        """
        own = self.listings.get(listing_key(model))
        if own is not None and own.endpoints:
            return own
        target = self.id_of(model) if model.lstrip().startswith("~") else None
        return own if target is None else self.listings.get(target, own)

    def model(self, name: str) -> Model | None:
        """Return a model's row in the list; for an unlisted variant, the row of its model."""
        return self.models.get(listing_key(name)) or self.models.get(model_key(name))

    def id_of(self, name: str) -> str | None:
        """The slug of a model under one of its other names; None for its slug, or if unknown.

        The other names are its dated slug (`qwen/qwen3-coder-480b-a35b-07-25`), dashes for dots
        (`claude-sonnet-4-6`), and the newest of a family (`~anthropic/claude-sonnet-latest`).
        """
        key = model_key(name)
        known = self.models.get(key)
        if known is not None and known.stands_for is None:
            return None
        return self.ids.get(key.replace(".", "-"))

    def meant(self, named: str | None, among: tuple[str, ...]) -> tuple[str, ...]:
        """Return the requested models that `named` in an answer may refer to: nearly always one.

        Answers use plain slugs and dated ones (openrouter.md §3.2). Returns all of them if the
        answer names no model, and none if the name matches none of them.
        """
        if named is None or named in among:
            return among if named is None else (named,)
        own = self.own_name(named)
        same = tuple(name for name in among if self.own_name(name) == own)
        if same or len(among) != 1:
            return same
        two_models = own in self.models and self.own_name(among[0]) in self.models
        return () if two_models else among  # one model has more names than a catalog knows

    def own_name(self, name: str) -> str:
        """A model's slug without variants, whichever of its names is given."""
        return self.id_of(name) or model_key(name)

    def with_models(self, rows: object) -> "Catalog":
        """A catalog that knows the models in a `GET /models` list."""
        models, ids = dict(self.models), dict(self.ids)
        for row in rows if isinstance(rows, list) else ():
            model = read_model(row)
            if model is not None:
                models[model.slug] = model
                ids |= _other_names(model)
        return replace(self, models=models, ids=ids)

    def with_providers(self, rows: object) -> "Catalog":
        """A catalog that knows the providers in a `GET /providers` list."""
        items = rows if isinstance(rows, list) else []
        slugs = (row.get("slug") for row in items if isinstance(row, dict))
        named = frozenset(slug.lower() for slug in slugs if isinstance(slug, str))
        return replace(self, providers=self.providers | named)

    def with_server_tools(self, rows: object) -> "Catalog":
        """A catalog that knows the tools in a `GET /tools` list."""
        return replace(self, server_tools=read_server_tools(rows))

    def with_scores(self, scores: Scores | None) -> "Catalog":
        """A catalog with other benchmark scores; None: they are not to be looked for."""
        return replace(self, scores=scores)

    def with_audits(self, audits: Audits | None) -> "Catalog":
        """A catalog with other audits; None: they are not to be looked for."""
        return replace(self, audits=audits)

    def with_facts_of(self, other: "Catalog") -> "Catalog":
        """A catalog with the scores and audits of another one."""
        return replace(self, scores=other.scores, audits=other.audits)

    def with_listing(self, model: str, rows: object, fetched_at: float) -> "Catalog":
        """A catalog that knows a model's endpoints, from the rows of its own listing.

        Rows that can't be read are left out.
        """
        items = rows if isinstance(rows, list) else []
        read = [(row, endpoint) for row in items if (endpoint := read_endpoint(row))]
        endpoints = with_tiers_by_price([endpoint for _, endpoint in read])
        key = listing_key(model)
        listing = Listing(endpoints, fetched_at, kept_of(key, [row for row, _ in read]))
        return replace(self, listings={**self.listings, key: listing})

    def joined(self, newer: "Catalog") -> "Catalog":
        """A catalog updated from a newer one: its listings, and its whole list of models.

        The list of models is replaced, not merged, so that retired names don't accumulate.
        """
        known = replace(self, listings={**self.listings, **newer.listings})
        if newer.server_tools is not NO_LIST:
            known = replace(known, server_tools=newer.server_tools)
        return replace(known, models=newer.models, ids=newer.ids) if newer.models else known

    def without_listings(self, models: Iterable[str]) -> "Catalog":
        """A catalog without the endpoints of some models."""
        gone = {listing_key(model) for model in models}
        kept = {model: listing for model, listing in self.listings.items() if model not in gone}
        return replace(self, listings=kept)


EMPTY = Catalog()


def model_key(model: str) -> str:
    """The catalog's key for a model: lower case, without its variant or preset."""
    return listing_key(model).partition(":")[0]


@lru_cache(1024)  # asked for several times by every request, and slugs are few
def listing_key(model: str) -> str:
    """The catalog's key for a model's endpoints: as `model_key`, but `:free` has its own key."""
    slug, *variants = trimmed(model).lower().partition("@preset/")[0].split(":")
    return ":".join((slug.rstrip(BLANKS), *(each for each in variants if each not in _ARRANGING)))


def _other_names(model: Model) -> dict[str, str]:
    """A model's slug by its other names, which all have dashes for dots here."""
    if ":" in model.slug:
        return {}  # a variant shares its model's other names
    if model.stands_for is not None:
        return {model.slug.replace(".", "-"): model.stands_for}
    names = (model.slug, model.canonical_slug or model.slug)
    return {name.replace(".", "-"): model.slug for name in names}


def _spelling_of(endpoints: Iterable[Endpoint]) -> Spelling:
    tiers = (e.tag for e in endpoints if e.tier and not tier_in(e.tag))
    slugs = ((e.provider_name.lower(), e.provider) for e in endpoints)
    return Spelling(
        frozenset(tiers), frozenset(pair for pair in slugs if SLUGS.get(pair[0]) != pair[1])
    )
