"""Preferences that are not sent as they were set: the request's, or the policy's `sort`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .fields import FIELDS
from .route import Route
from .sides import held


@dataclass(frozen=True, slots=True)
class Overruled:
    """One field: the caller's value, the value sent instead, by which rules, and why."""

    field: str
    asked: Any
    sent: Any  # None: nothing is sent
    rule: str
    why: str

    @property
    def place(self) -> str:
        """Where the field is in a request: in its `provider` object, if it is one of its fields."""
        return f"provider.{self.field}" if self.field in FIELDS else self.field


_SILENCED = "the request's own `order` is sent, and OpenRouter ignores a `sort` beside an `order`"
_REPLACED = "`merge: replace` sends only the policy's own preferences"
_FILLED = (
    "no `sort` is sent beside an `order`, and no `order` entry that `only` or `ignore` exclude"
)


def overruled(
    asked: Mapping[str, Any], sent: Mapping[str, Any] | None, route: Route
) -> tuple[Overruled, ...]:
    """The caller's preferences that `sent` does not satisfy in full, then the policy's `sort`.

    The latter only if the caller's `order` is sent in its place.
    """
    sent = sent or {}
    lost = tuple(
        Overruled(
            field,
            wish,
            sent.get(field),
            _rules(field, sent.get(field), route),
            _why(field, route.merge),
        )
        for field, wish in asked.items()
        if not _honoured(field, wish, sent.get(field))
    )
    return (*lost, *_of_the_policy(asked, sent, route))


def _of_the_policy(
    asked: Mapping[str, Any], sent: Mapping[str, Any], route: Route
) -> Iterator[Overruled]:
    """The policy's `sort`, if the caller's `order` is sent instead of it."""
    sort = route.preferences.get("sort")
    if sort is not None and "sort" not in sent and "order" in sent and "sort" not in asked:
        yield Overruled("sort", sort, None, _rules("sort", sort, route), _SILENCED)


def _rules(field: str, sent: Any, route: Route) -> str:
    """The rules whose value is sent instead, or all of them if none sets one."""
    named = dict.fromkeys(clause.rule for clause in held(field, sent, route.parts).clauses)
    return ", ".join(named or route.rules)


def _why(field: str, merge: str) -> str:
    return {"replace": _REPLACED, "fill": _FILLED}.get(merge) or FIELDS[field].why


def _honoured(field: str, wish: Any, sent: Any) -> bool:
    if wish is None or wish == []:
        return True  # null and an empty list ask for nothing
    if field in {"only", "ignore"} and isinstance(sent, list) and isinstance(wish, list):
        more = field == "only" and any(entry not in wish for entry in sent)
        return all(entry in sent for entry in wish) and not more
    if isinstance(wish, dict) and isinstance(sent, dict):
        return all(key in sent and sent[key] == value for key, value in wish.items())
    return bool(wish == sent)
