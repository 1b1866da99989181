"""Plan the rules and aliases for the models and provider objects that were found.

Rule 1  A name means one model. If two entries have the same client name, the first one counts.
Rule 2  If all names of a model have the same provider object, it becomes a rule for the model,
        under any name. Otherwise each alias has its own preferences.
Rule 3  Models whose provider objects are equal share a rule.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..policy.file.schema import ALIAS, PATTERN
from .found import EVERY_MODEL, Found, Left, Place, Provider

_LONGEST_NAME = 90
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """One provider object, and the models it applies to."""

    name: str
    models: tuple[str, ...]
    provider: Provider
    places: tuple[Place, ...]

    def is_for(self, found: Found) -> bool:
        """Whether the rule is for this found model and provider object."""
        return found.model in self.models and found.provider == self.provider


@dataclass(frozen=True, slots=True)
class PlannedAlias:
    """One name for a model, with preferences if it has its own."""

    name: str
    model: str
    provider: Provider
    places: tuple[Place, ...]


Planned = PlannedRule | PlannedAlias


@dataclass(frozen=True, slots=True)
class Plan:
    """The complete content of a policy file."""

    rules: tuple[PlannedRule, ...]
    aliases: tuple[PlannedAlias, ...]
    wanted: tuple[Found, ...]  # the intended result: each name and its provider object

    def without(self, refused: Planned) -> "Plan":
        """The same plan without one of its parts."""
        gone = {*refused.models} if isinstance(refused, PlannedRule) else {refused.name}
        return Plan(
            tuple(rule for rule in self.rules if rule != refused),
            tuple(alias for alias in self.aliases if alias != refused),
            tuple(each for each in self.wanted if each.asked not in gone),
        )

    def split(self, shared: PlannedRule) -> "Plan":
        """The same plan with one rule split into a rule per model."""
        names: list[str] = [rule.name for rule in self.rules]
        parts: list[PlannedRule] = []
        for model in shared.models:
            names.append(_free(f"{shared.name}, {len(parts) + 1}", names))
            part = replace(shared, name=names[-1], models=(model,))
            places = dict.fromkeys(each.place for each in self.wanted if part.is_for(each))
            parts.append(replace(part, places=tuple(places)))
        rules = (part for rule in self.rules for part in (parts if rule == shared else [rule]))
        return replace(self, rules=tuple(rules))


def plan_of(found: Iterable[Found], tool: str) -> tuple[Plan, list[Left]]:
    """The rules and aliases for what a `tool`'s file contains, and the settings left out."""
    left: list[Left] = []
    named = [_named(each, left) for each in found]
    kept = _apart(_once([each for each in named if _is_sayable(each, left)], left), left)
    by_model: dict[str, list[Found]] = defaultdict(list)
    for each in kept:
        by_model[each.model].append(each)
    alike = {model for model, names in by_model.items() if _are_alike(names)}
    rules = [each for each in kept if each.provider and (each.alias is None or each.model in alike)]
    aliases = tuple(
        PlannedAlias(each.alias, each.model, own, (each.place,))
        for each in kept
        if each.alias is not None
        for own in [{} if each.model in alike else each.provider]
    )
    return Plan(_rules(rules, tool), aliases, tuple(kept)), left


def has_wildcard(model: str) -> bool:
    """Whether a model's name is a pattern for several models."""
    return _WILD.search(model) is not None


def _named(found: Found, left: list[Left]) -> Found:
    """The same model under a valid alias name, or under its own name."""
    if found.alias is None or (ALIAS.fits(found.alias) and not has_wildcard(found.model)):
        return found
    own = "the models' own names" if has_wildcard(found.model) else found.model
    why = f"an alias cannot have that name; clients ask for {own}"
    left.append(Left(found.place, f"the name {found.alias}", why))
    return replace(found, alias=None)


def _is_sayable(found: Found, left: list[Left]) -> bool:
    """Whether a policy file can express it."""
    if found.alias is not None or PATTERN.fits(found.model) or not found.provider:
        return True
    why = "a rule's pattern has one variant, and 256 characters, at the most"
    left.append(Left(found.place, found.model, why))
    return False


def _once(found: Iterable[Found], left: list[Left]) -> list[Found]:
    """Each name once (rule 1)."""
    first: dict[str, Found] = {}
    for each in found:
        other = first.setdefault(each.asked.lower(), each)
        if (other.model, other.provider) != (each.model, each.provider):
            why = f"that name is taken by line {other.place.line}, and stands for one model here"
            left.append(Left(each.place, f"{each.asked} as {each.model}", why))
    return list(first.values())


def _apart(found: Sequence[Found], left: list[Left]) -> list[Found]:
    """Leave out aliases whose name is a model that another alias refers to."""
    models = {each.model for each in found if each.alias is not None}
    clashing = [each for each in found if each.alias is not None and each.alias.lower() in models]
    for each in clashing:
        why = "another alias stands for the model of that name, so no alias can have it"
        left.append(Left(each.place, f"{each.alias} for {each.model}", why))
    return [each for each in found if each not in clashing]


def _are_alike(names: Sequence[Found]) -> bool:
    """Whether one rule for the model can cover all of its names."""
    return PATTERN.fits(names[0].model) and all(
        each.provider == names[0].provider for each in names
    )


def _rules(found: Iterable[Found], tool: str) -> tuple[PlannedRule, ...]:
    """A rule for each provider object, in the order of their first appearance (rule 3)."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        groups[json.dumps(each.provider, sort_keys=True)].append(each)
    rules: dict[str, PlannedRule] = {}
    for group in groups.values():
        models = tuple(dict.fromkeys(each.model for each in group))
        places = tuple(dict.fromkeys(each.place for each in group))
        name = _free(_rule_name(models, tool), rules)
        rules[name] = PlannedRule(name, models, group[0].provider, places)
    return tuple(rules.values())


def _rule_name(models: Sequence[str], tool: str) -> str:
    """The rule's name in errors and receipts: its first model and the tool it came from."""
    first = "every model" if models[0] == EVERY_MODEL else models[0]
    more = f" and {len(models) - 1} more" if len(models) > 1 else ""
    end = f"{more} from {tool}"
    return f"{first[: _LONGEST_NAME - len(end)]}{end}"


def _free(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken by a rule: long slugs may have the same beginning."""
    number, free, used = 1, name, set(taken)
    while free in used:
        number += 1
        free = f"{name} ({number})"
    return free
