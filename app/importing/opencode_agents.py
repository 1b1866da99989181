"""opencode's agents, whose options go with their requests for whichever model they use.

`agent.NAME` (formerly `mode.NAME`) takes any key that opencode doesn't know as an option for the
model, on top of the model's own, mapping by mapping. A request doesn't say which agent it is
from: where an agent wants something else of a model than others do, it gets an alias.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from app.importing.entry import deep, in_force, left_at, told_apart
from app.importing.found import Found, Left, Provider, found_as, place_of, read_at
from app.importing.names import slug_in
from app.importing.provider import provider_of
from app.importing.source import at, entries, mapping_at, text_at
from app.policy.file.yaml_tree import Spot


@dataclass(frozen=True, slots=True)
class Known:
    """A model of the configuration, and its own provider object if it has one."""

    found: Found
    own: Provider | None


@dataclass(frozen=True, slots=True)
class Client:
    """A provider of opencode's that is OpenRouter: what it always sends, and its models."""

    everywhere: Provider
    models: Mapping[str, Known]  # by what opencode calls them


def agents(root: Spot, clients: Mapping[str, Client]) -> Iterator[Found | Left]:
    """What agents ask for, where that isn't what goes with their models anyway."""
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
    """What `provider/model` stands for in opencode, if that is asked of OpenRouter."""
    provider, _, name = model.partition("/")
    client = clients.get(provider)
    if client is None:
        return None
    slug = slug_in(name)
    if name in client.models or slug is None:
        return client.models.get(name)
    return Known(found_as(slug, slug, client.everywhere, place_of(entry)), None)
