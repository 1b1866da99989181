"""Convert one file of another tool into one Pointsman policy file.

The written file is read back before it is returned, and each model's route is compared with the
provider object that the other tool would have sent. So the file always loads, and it notes each
difference.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalog.catalog import EMPTY
from ..errors import ForeignFileError, PolicyFileError
from ..policy.book import Book
from ..policy.file.parse import read_book
from ..policy.file.schema import PROVIDER_KEYS
from ..policy.request import request_for
from ..policy.route import Route
from ..policy.tags import without_tiers
from .found import Found, Left
from .plan import Plan, Planned, PlannedAlias, PlannedRule, has_wildcard, plan_of
from .recognise import WHAT_CAN_BE_READ, recognise
from .source import misread, read_source
from .unread import unread
from .write import write

_NAME = "imported.yaml"  # the name of the text while it is read back
_HOPELESS = "together with the other rules for this model, it leaves no provider"


@dataclass(frozen=True, slots=True)
class Imported:
    """A policy file, and the notes about it."""

    text: str
    tool: str
    rules: int
    aliases: int
    left: tuple[Left, ...]


def import_file(file: str, text: str, name: str | None = None) -> Imported:
    """The policy file for the settings in `text`; `name` is the format, if it can't be guessed.

    Raises `ForeignFileError` for a text that can't be read, isn't of any known format, or needs
    more than one policy file may contain.
    """
    try:
        root, problems = read_source(file, text)
    except ForeignFileError as error:
        raise ForeignFileError(f"{error}; what can be imported: {WHAT_CAN_BE_READ}") from None
    format_ = recognise(root, name)
    everything = [*format_.read(root)]
    found, left = _sorted([*everything, *unread(root, everything, format_.title)])
    plan, unplanned = plan_of(found, format_.name)
    plan, book, refused = _agreed(plan, file)
    left = [*misread(problems), *left, *unplanned, *refused, *_differences(plan, book)]
    said = tuple(sorted(dict.fromkeys(left), key=lambda each: each.place.line))
    written = write(plan, f"{file} ({format_.title})", said).text
    read_book({_NAME: written})
    return Imported(written, format_.title, len(plan.rules), len(plan.aliases), said)


def _sorted(everything: Sequence[Found | Left]) -> tuple[list[Found], list[Left]]:
    return (
        [each for each in everything if isinstance(each, Found)],
        [each for each in everything if isinstance(each, Left)],
    )


def _agreed(plan: Plan, file: str) -> tuple[Plan, Book, list[Left]]:
    """The plan without parts for which its other parts leave no provider."""
    left: list[Left] = []
    while True:
        written = write(plan, "", ())
        try:
            book = read_book({_NAME: written.text})
            blamed: list[Planned | None] = [*_hopeless_patterns(plan, book)]
            if not blamed:
                return plan, book, left
        except PolicyFileError as error:
            blamed = [written.at(problem.line) for problem in error.problems]
            if not any(blamed):
                raise ForeignFileError(
                    f"{file}: it does not result in a valid policy: {error}"
                ) from None
        parts = {_what(part): part for part in blamed if part is not None}
        first = min(map(_rank, parts.values()))
        for what, part in parts.items():
            if _rank(part) != first:
                continue  # it may become valid once the others are removed
            if isinstance(part, PlannedRule) and len(part.models) > 1:
                plan = plan.split(part)
            else:
                plan = plan.without(part)
                left += [Left(place, what, _HOPELESS) for place in part.places]


def _hopeless_patterns(plan: Plan, book: Book) -> Iterator[PlannedRule]:
    """Rules for patterns that contradict a wider pattern's rule; their models can't be listed."""
    for rule in plan.rules:
        if any(has_wildcard(model) and _route(book, model).conflict for model in rule.models):
            yield rule


def _route(book: Book, name: str) -> Route:
    """The route of a name; for a pattern, the route of an example model that it covers."""
    request = request_for(re.sub(r"[*?]", "x", name))
    return book.route_for(request, caller=None, user_agent="", catalog=EMPTY)


def _rank(part: Planned) -> int:
    """Sort key: shared parts first, then the parts that others depend on."""
    if isinstance(part, PlannedAlias):
        return 3
    if len(part.models) == 1:
        return 2 if ":" in part.models[0] else 1
    return 0


def _what(part: Planned) -> str:
    return f"the alias {part.name}" if isinstance(part, PlannedAlias) else " ".join(part.models)


def _as_written(preferences: Mapping[str, Any]) -> Mapping[str, Any]:
    """Preferences as written in a file; an ignored provider is sent with its service tiers."""
    if "ignore" not in preferences:
        return preferences
    return {**preferences, "ignore": without_tiers(preferences["ignore"])}


def _differences(plan: Plan, book: Book) -> Iterator[Left]:
    """Differences caused by a more general rule: rules cascade, but most tools replace."""
    for each in plan.wanted:
        route = _route(book, each.asked)
        meant, sent = _as_written(each.preferences), _as_written(route.preferences)
        fields = [field for field in PROVIDER_KEYS if meant.get(field) != sent.get(field)]
        if route.conflict:
            yield Left(each.place, each.asked, _HOPELESS)
        elif fields:
            own = {rule.name for rule in plan.rules if rule.is_for(each)}
            others = " and ".join(f'"{rule}"' for rule in route.rules if rule not in own)
            why = f"{', '.join(fields)} will be otherwise, since {others} is for it too"
            yield Left(each.place, each.asked, why)
