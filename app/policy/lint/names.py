"""Names that don't exist: providers, tags, models."""

from collections.abc import Iterator

from ...catalog.catalog import Catalog, listing_key
from ...catalog.providers import SLUGS
from ...suggest import did_you_mean
from ...wording import listed
from .. import tags
from ..pattern import ModelPattern
from ..rule import Clause
from ..slug import read_slug
from .finding import Finding, Subject, at

_LISTS = ("only", "order", "pin", "ignore", "options")


def _entries(subject: Subject) -> Iterator[tuple[Clause, str]]:
    for clause in subject.clauses:
        if clause.key in _LISTS:
            for entry in clause.value:
                yield clause, entry


def _known_providers(catalog: Catalog) -> frozenset[str]:
    listed = (e.provider for each in catalog.listings.values() for e in each.endpoints)
    return (catalog.providers or frozenset(SLUGS.values())) | frozenset(listed)


def unknown_provider(subject: Subject) -> Iterator[Finding]:
    """Slugs that no provider has; certain only with a list of providers."""
    known = _known_providers(subject.catalog)
    sure = bool(subject.catalog.providers)
    source = "OpenRouter lists" if sure else "this version of Pointsman knows"
    for clause, entry in _entries(subject):
        provider = entry.partition("/")[0]
        if provider not in known:
            meant = SLUGS.get(entry)
            hint = f"; did you mean {meant}?" if meant in known else did_you_mean(provider, known)
            way_out = hint or "; `GET /api/v1/providers` lists the slugs"
            message = (
                f"{source} no provider `{provider}`, and OpenRouter ignores unknown names "
                f"silently{way_out}"
            )
            yield at(clause, "error" if sure else "warning", message)


def unmatched_entry(subject: Subject) -> Iterator[Finding]:
    """Entries that name no endpoint of any model that their rule applies to."""
    known = _known_providers(subject.catalog)
    for clause, entry in _entries(subject):
        forecasts = [c.forecast for c in subject.cases_under(clause) if c.forecast is not None]
        endpoints = [e for each in forecasts for e in each.funnel.endpoints]
        provider, _, suffix = entry.partition("/")
        harmless = clause.key in {"ignore", "options"} and not suffix
        if harmless or not endpoints or provider not in known:
            continue
        if not any(tags.means(entry, endpoint) for endpoint in endpoints):
            own = {e.tag for e in endpoints if e.provider == provider}
            offers = f"; {provider} offers {listed(own)}" if own else ""
            models = listed(each.model for each in forecasts)
            yield at(clause, "warning", f"{entry} is not an endpoint of {models}{offers}")


def unknown_model(subject: Subject) -> Iterator[Finding]:
    """Patterns that no listed model matches."""
    for rule in subject.book.rules:
        for pattern in rule.models if subject.catalog.models else ():
            if not pattern.text.startswith("@") and not _matches_any(pattern, subject.catalog):
                hint = did_you_mean(pattern.text, subject.catalog.models) if pattern.exact else ""
                message = f"{pattern.text} matches none of the models that OpenRouter lists{hint}"
                yield at(rule, "warning", message)


# Variants that every model accepts, so that listings don't have them (openrouter.md §2.2).
_ANY_MODELS = ("", ":nitro", ":floor", ":exacto", ":online")


def _matches_any(pattern: ModelPattern, catalog: Catalog) -> bool:
    return any(
        pattern.covers(read_slug(name + variant))
        for model in catalog.models.values()
        for name in filter(None, (model.slug, model.canonical_slug))
        for variant in _ANY_MODELS
    )


def unknown_caller(subject: Subject) -> Iterator[Finding]:
    """Callers without a key, so that a rule for them applies to no request."""
    if subject.callers is None:
        return
    for rule in subject.book.rules:
        for name in sorted(rule.callers - subject.callers):
            if subject.callers:
                hint = did_you_mean(name, subject.callers) or f"; it has {listed(subject.callers)}"
                message = f'POINTSMAN_CALLER_KEYS has no caller named "{name}"{hint}'
            else:
                message = (
                    f'no request can come from the caller "{name}", because POINTSMAN_CALLER_KEYS '
                    "is not set: set it, or match the tool by user_agents"
                )
            yield at(rule, "warning", message)


def unknown_alias_model(subject: Subject) -> Iterator[Finding]:
    """Aliases for models that are not listed."""
    catalog = subject.catalog
    dashed = {slug.replace(".", "-") for slug in catalog.models}  # upstream accepts both spellings
    canonical = {model.canonical_slug for model in catalog.models.values()}
    for alias in subject.book.aliases.values() if catalog.models else ():
        known = catalog.model(alias.model) or listing_key(alias.model) in {*dashed, *canonical}
        if not known:
            hint = did_you_mean(alias.model, catalog.models) or "; `GET /v1/models` lists them"
            message = f"OpenRouter lists no model {alias.model}, and will answer 400{hint}"
            yield at(alias.clauses["model"], "error", message)
