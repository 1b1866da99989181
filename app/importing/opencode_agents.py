"""opencode's agents, whose options are sent with their requests for any model they use.

`agent.NAME` (formerly `mode.NAME`) treats any key that opencode doesn't know as an option for the
model, merged recursively over the model's own. A request doesn't name its agent: if an agent's
settings for a model differ from those of other agents, it gets an alias.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..policy.file.yaml_tree import Spot
from .entry import deep, in_force, left_at, told_apart
from .found import Found, Left, Provider, found_as, place_of, read_at
from .names import slug_in
from .provider import provider_of
from .source import at, entries, mapping_at, text_at


@dataclass(frozen=True, slots=True)
class Known:
    """A model of the configuration, and its own provider object if it has one."""

    found: Found
    own: Provider | None


@dataclass(frozen=True, slots=True)
class Client:
    """An opencode provider that is OpenRouter: the object it always sends, and its models."""

    everywhere: Provider
    models: Mapping[str, Known]  # by their names in opencode


def agents(root: Spot, clients: Mapping[str, Client]) -> Iterator[Found | Left]:
    """The settings that agents send, if they differ from their models' own settings."""
    default = text_at(root, "model")
    usual = [default, text_at(root, "small_model")]
    special: list[tuple[str, Found]] = []
    for label, agent in _agents(root):
        model = text_at(agent, "model") or default
        spot, left = in_force(mapping_at(agent, "provider"), at(agent, "options", "provider"))
        yield from left
        known = _called(model, agent, clients)
        if spot is None:
            usual.append(model)
        elif known is None:
            yield left_at(
                spot, agent, label, f"{model or 'its model'} may not be asked of OpenRouter"
            )
        else:
            said, left = provider_of(spot)
            yield from left
            provider = deep(known.own or {}, said)
            found = replace(known.found, provider=provider, place=read_at(spot, agent))
            special.append((label, found))
    others = [known for client in clients.values() for known in client.models.values()]
    others += [known for model in usual if (known := _called(model, root, clients))]
    wanted = {found.asked.lower() for _, found in special}
    first = [("", known.found) for known in others if known.found.asked.lower() in wanted]
    yield from told_apart([*first, *special], "opencode")


def _agents(root: Spot) -> Iterator[tuple[str, Spot]]:
    for section in ("agent", "mode"):
        for name, agent in entries(at(root, section)).items():
            yield f"{section} {name}", agent


def _called(model: str, entry: Spot, clients: Mapping[str, Client]) -> Known | None:
    """The model that opencode means by `provider/model`, if it is requested from OpenRouter."""
    provider, _, name = model.partition("/")
    client = clients.get(provider)
    if client is None:
        return None
    slug = slug_in(name)
    if name in client.models or slug is None:
        return client.models.get(name)
    return Known(found_as(slug, slug, client.everywhere, place_of(entry)), None)
