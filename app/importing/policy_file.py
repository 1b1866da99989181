"""One file of another tool to one policy file of ours.

What is written is read back before anybody sees it, and each model's route is compared with what
the other tool would have sent. So the text is always one that loads, and says where it differs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalog.catalog import EMPTY
from app.errors import ForeignFileError, PolicyFileError
from app.importing.found import Found, Left
from app.importing.plan import Plan, Planned, PlannedAlias, PlannedRule, has_wildcard, plan_of
from app.importing.recognise import WHAT_CAN_BE_READ, recognise
from app.importing.source import misread, read_source
from app.importing.unread import unread
from app.importing.write import write
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.file.schema import PROVIDER_KEYS
from app.policy.request import request_for
from app.policy.route import Route
from app.policy.tags import without_tiers

_NAME = "imported.yaml"  # what the text is called while it is read back
_HOPELESS = "together with the other rules for this model, it leaves no provider"


@dataclass(frozen=True, slots=True)
class Imported:
    """A policy file, and what has to be said about it."""

    text: str
    tool: str
    rules: int
    aliases: int
    left: tuple[Left, ...]


def import_file(file: str, text: str, name: str | None = None) -> Imported:
    """The policy file for what `text` says; `name` is the format, where it can't be guessed.

    Raises `ForeignFileError` for a text that can't be read, isn't of any known kind, or comes to
    more than one policy file may hold.
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
    """The plan less what its other parts leave no provider to serve for."""
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
                continue  # it may be right once the others are gone
            if isinstance(part, PlannedRule) and len(part.models) > 1:
                plan = plan.split(part)
            else:
                plan = plan.without(part)
                left += [Left(place, what, _HOPELESS) for place in part.places]


def _hopeless_patterns(plan: Plan, book: Book) -> Iterator[PlannedRule]:
    """Rules for patterns that contradict a wider one's; no book can know the models they cover."""
    for rule in plan.rules:
        if any(has_wildcard(model) and _route(book, model).conflict for model in rule.models):
            yield rule


def _route(book: Book, name: str) -> Route:
    """The route of a name; for a pattern, that of some model which it covers."""
    request = request_for(re.sub(r"[*?]", "x", name))
    return book.route_for(request, caller=None, user_agent="", catalog=EMPTY)


def _rank(part: Planned) -> int:
    """What to look at first: what is shared, then what others build on."""
    if isinstance(part, PlannedAlias):
        return 3
    if len(part.models) == 1:
        return 2 if ":" in part.models[0] else 1
    return 0


def _what(part: Planned) -> str:
    return f"the alias {part.name}" if isinstance(part, PlannedAlias) else " ".join(part.models)


def _as_written(preferences: Mapping[str, Any]) -> Mapping[str, Any]:
    """Preferences as people write them: whoever is ignored is sent with its service tiers."""
    if "ignore" not in preferences:
        return preferences
    return {**preferences, "ignore": without_tiers(preferences["ignore"])}


def _differences(plan: Plan, book: Book) -> Iterator[Left]:
    """Where a more general rule has its say too: rules cascade, where most tools replace."""
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
