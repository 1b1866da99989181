"""Write a plan as a policy file, with the source position of each part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .found import Left, Place
from .plan import Plan, Planned, PlannedAlias, PlannedRule
from .yaml_text import as_comment, as_yaml, indented

_MOST_PLACES = 5


@dataclass(frozen=True, slots=True)
class Written:
    """A policy file's text, and the position of each part."""

    text: str
    starts: tuple[tuple[int, Planned], ...]  # the first line of each part, in order

    def at(self, line: int) -> Planned | None:
        """The part that contains a line."""
        found = None
        for start, part in self.starts:
            if start <= line:
                found = part
        return found


def write(plan: Plan, source: str, left: Sequence[Left]) -> Written:
    """The policy file of a plan. `source` describes the file that it was read from."""
    lines = [*_head(source, left), "version: 1"]
    starts: list[tuple[int, Planned]] = []
    sections: dict[str, Sequence[Planned]] = {"rules": plan.rules, "aliases": plan.aliases}
    for key, parts in sections.items():
        if parts:
            lines += ["", f"{key}:"]
        for position, part in enumerate(parts):
            lines += [""] if position else []
            starts.append((len(lines) + 1, part))
            lines += _alias(part) if isinstance(part, PlannedAlias) else _rule(part)
    return Written("\n".join(lines) + "\n", tuple(starts))


def _head(source: str, left: Sequence[Left]) -> list[str]:
    lines = [
        *as_comment(f"Imported by Pointsman from {source}."),
        "# Save it among your policies, then try `pointsman check` and `pointsman explain MODEL`.",
    ]
    if left:
        lines += ["#", "# Not carried over, or not as it was written:"]
        for each in left:
            lines += as_comment(f"- {each}", hanging="  ")
    return lines


def _rule(rule: PlannedRule) -> list[str]:
    said: dict[str, Any] = {"name": rule.name, "models": [*rule.models], "merge": "tighten"}
    first, *rest = indented(as_yaml({**said, **rule.provider}), "    ")
    return [*_origin(rule.places), f"  - {first.lstrip()}", *rest]


def _alias(alias: PlannedAlias) -> list[str]:
    said: dict[str, Any] = {"model": alias.model}
    if alias.provider:
        said["preferences"] = dict(alias.provider)
    return [*_origin(alias.places), *indented(as_yaml({alias.name: said}), "  ")]


def _origin(places: Sequence[Place]) -> list[str]:
    """The source position of a part."""
    shown = [str(place) for place in places[:_MOST_PLACES]]
    if len(places) > _MOST_PLACES:
        shown.append(f"and {len(places) - _MOST_PLACES} more")
    return [line for place in shown for line in as_comment(place, indent="  ", hanging="  ")]
