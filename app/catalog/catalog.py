"""Catalog: what OpenRouter offers, as a dated and immutable snapshot.

The list of models tells whose weights are published; the endpoints of a model are known only once
its own listing was fetched, each with its own date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from app.catalog.endpoint import Endpoint, read_endpoint
from app.catalog.model import Model, read_model

Weights = Literal["open", "closed"]

# These arrange the endpoints that a model has; any other variant, such as `:free`, has endpoints
# of its own, at other prices and perhaps of another quantization (contract §2.2).
_ARRANGING = frozenset({"nitro", "floor", "exacto", "online"})


@dataclass(frozen=True, slots=True)
class Listing:
    """The endpoints of one model; `fetched_at` in seconds since the epoch."""

    endpoints: tuple[Endpoint, ...]
    fetched_at: float
    _by_provider: Mapping[str, "Offers"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the endpoints by provider: every answer is asked who served it."""
        found: dict[str, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            found.setdefault(endpoint.provider_name.lower(), []).append(endpoint)
        by_provider = {name: Offers(tuple(endpoints)) for name, endpoints in found.items()}
        object.__setattr__(self, "_by_provider", by_provider)

    def of_provider(self, name: str) -> "Offers":
        """What a provider offers, by the name that answers give it; nothing where not listed."""
        return self._by_provider.get(name.lower(), NO_OFFERS)


@dataclass(frozen=True, slots=True)
class Offers:
    """Endpoints of one model and one provider, and in which words they are told of."""

    endpoints: tuple[Endpoint, ...]
    labels: tuple[str, ...] = field(init=False, repr=False, compare=False)  # of quantization
    tags: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the words together."""
        labels = dict.fromkeys(each.quantization or "unlabelled" for each in self.endpoints)
        tags = ", ".join(dict.fromkeys(each.tag for each in self.endpoints))
        object.__setattr__(self, "labels", tuple(labels))
        object.__setattr__(self, "tags", tags)


NO_OFFERS = Offers(())


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything known at one moment; asking for what isn't known gives None."""

    weights_by_model: Mapping[str, Weights] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)  # by slug
    providers: frozenset[str] = frozenset()  # slugs; empty: not known
    ids: Mapping[str, str] = field(default_factory=dict)  # a model's slug, by its other names

    def weights(self, model: str) -> Weights | None:
        """Whether the model's weights are published; None where the catalog does not say."""
        return self.weights_by_model.get(model_key(model))

    def listing(self, model: str) -> Listing | None:
        """The endpoints that may serve a model under this name."""
        return self.listings.get(listing_key(model))

    def model(self, name: str) -> Model | None:
        """What the list of models says of one; a variant that it doesn't list is its model."""
        return self.models.get(listing_key(name)) or self.models.get(model_key(name))

    def id_of(self, name: str) -> str | None:
        """The slug of a model under one of its other names; None for its slug, or if unknown.

        Those are its dated slug (`qwen/qwen3-coder-480b-a35b-07-25`), dashes for dots
        (`claude-sonnet-4-6`), and the newest of a family (`~anthropic/claude-sonnet-latest`).
        """
        key = model_key(name)
        known = self.models.get(key)
        if known is not None and known.stands_for is None:
            return None
        return self.ids.get(key.replace(".", "-"))

    def with_models(self, rows: object) -> "Catalog":
        """A catalog that knows the models in a `GET /models` list."""
        weights, models, ids = dict(self.weights_by_model), dict(self.models), dict(self.ids)
        for row in rows if isinstance(rows, list) else ():
            weights |= _weights_in(row)
            model = read_model(row)
            if model is not None:
                models[model.slug] = model
                ids |= _other_names(model)
        return replace(self, weights_by_model=weights, models=models, ids=ids)

    def with_providers(self, rows: object) -> "Catalog":
        """A catalog that knows the providers in a `GET /providers` list."""
        items = rows if isinstance(rows, list) else []
        slugs = (row.get("slug") for row in items if isinstance(row, dict))
        named = frozenset(slug.lower() for slug in slugs if isinstance(slug, str))
        return replace(self, providers=self.providers | named)

    def with_listing(self, model: str, rows: object, fetched_at: float) -> "Catalog":
        """A catalog that knows a model's endpoints, from the rows of its own listing.

        Rows that can't be read are left out: they can't be reasoned about.
        """
        items = rows if isinstance(rows, list) else []
        endpoints = tuple(endpoint for row in items if (endpoint := read_endpoint(row)))
        listing = Listing(endpoints, fetched_at)
        return replace(self, listings={**self.listings, listing_key(model): listing})

    def without_listings(self, models: Iterable[str]) -> "Catalog":
        """A catalog that has forgotten some models' endpoints."""
        gone = {listing_key(model) for model in models}
        kept = {model: listing for model, listing in self.listings.items() if model not in gone}
        return replace(self, listings=kept)


EMPTY = Catalog()


def model_key(model: str) -> str:
    """What a catalog files a model under: lower case, without its variant or preset."""
    return listing_key(model).partition(":")[0]


@lru_cache(1024)  # asked for several times by every request, and slugs are few
def listing_key(model: str) -> str:
    """What a catalog files a model's endpoints under: like the model, but `:free` is its own."""
    slug, *variants = model.strip().lower().partition("@preset/")[0].split(":")
    return ":".join((slug.rstrip(), *(each for each in variants if each not in _ARRANGING)))


def _other_names(model: Model) -> dict[str, str]:
    """A model's slug by its other names, which all have dashes for dots here."""
    if ":" in model.slug:
        return {}  # a variant shares its model's other names
    if model.stands_for is not None:
        return {model.slug.replace(".", "-"): model.stands_for}
    names = (model.slug, model.canonical_slug or model.slug)
    return {name.replace(".", "-"): model.slug for name in names}


def _weights_in(row: Any) -> dict[str, Weights]:
    if not isinstance(row, dict):
        return {}
    weights: Weights = "open" if row.get("hugging_face_id") else "closed"
    slugs = [slug for slug in (row.get("id"), row.get("canonical_slug")) if isinstance(slug, str)]
    # A variant such as `:free` may lack what its model's row says, and it shares the canonical
    # slug: the model's own row decides.
    return {} if any(":" in slug for slug in slugs) else {slug.lower(): weights for slug in slugs}
