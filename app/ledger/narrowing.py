"""Narrowing: the filters of `Wanted` as conditions on the ledger's tables, for either engine.

Rule 1  A condition matches exactly the receipts that `Wanted.fits` accepts.
Rule 2  Every question about receipts asks through `of_receipt`, which leaves out those of audits
        unless they are asked for; tallies don't count them in the first place.
Rule 3  A tally has a model by the name that was sent, or by the name requested if nothing was
        sent. Matches by another name are found in the receipts, by indexes of few rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from .receipt import FAILED
from .stored_values import milliseconds, storable
from .tables import ASKED_BY_ANOTHER_NAME, KEYS, RECEIPTS, SERVED_BY_ANOTHER_NAME
from .wanted import ANY, MAY_BE_NONE, NONE, Wanted, defects_in, is_glob

Condition = sa.ColumnElement[bool]
Order = tuple[sa.ColumnElement[Any], ...]
NEWEST_FIRST: Order = (RECEIPTS.c.started_at.desc(), RECEIPTS.c.id.desc())
OLDEST_FIRST: Order = (RECEIPTS.c.started_at, RECEIPTS.c.id)


def of_receipt(wanted: Wanted) -> Iterator[Condition]:
    """The conditions on a receipt."""
    yield from _conditions(wanted, _OF_RECEIPT, RECEIPTS)


def of_key(wanted: Wanted) -> Iterator[Condition]:
    """The conditions on the key of a tally; for filters that tallies support."""
    yield from _conditions(wanted, _OF_KEY, KEYS)


def newest(
    wanted: Wanted, older: Sequence[Condition], limit: int, order: Order = NEWEST_FIRST
) -> Iterator[Condition]:
    """The conditions for a bounded number of the newest that fit; or the first in another order.

    A model that is given in full is looked up by each of its names; each has its own index.
    """
    if wanted.model is None or is_glob(wanted.model):
        yield from (*of_receipt(wanted), *older)
        return
    conditions = (*_conditions(wanted, _OF_RECEIPT, RECEIPTS, without="model"), *older)
    names = (sa.and_(_is(RECEIPTS.c.model_sent, wanted.model)), *_other_names(wanted.model))
    found = (
        sa.select(RECEIPTS.c.seq).where(name, *conditions).order_by(*order).limit(limit).subquery()
        for name in names
    )
    yield RECEIPTS.c.seq.in_(sa.union_all(*(sa.select(each.c.seq) for each in found)))


def by_another_name(wanted: Wanted, model: str) -> Iterator[Condition]:
    """The conditions on receipts that fit only by a model name that tallies don't have."""
    # The sum keeps engines from using the index of times: the indexes of names contain the time
    # as well as the name, so that only the rows that fit are looked up.
    time = sa.type_coerce(RECEIPTS.c.started_at, sa.BigInteger) + 0
    bounds: list[Condition] = []
    if wanted.since is not None:
        bounds.append(time >= milliseconds(wanted.since))
    if wanted.until is not None:
        bounds.append(time < milliseconds(wanted.until))
    found = (sa.select(RECEIPTS.c.seq).where(name, *bounds) for name in _other_names(model))
    counted = _like(sa.func.coalesce(RECEIPTS.c.model_sent, RECEIPTS.c.model_asked), model)
    yield RECEIPTS.c.seq.in_(sa.union_all(*found))
    yield from _conditions(wanted, _OF_RECEIPT, RECEIPTS, without="model")
    yield sa.not_(sa.func.coalesce(counted, sa.false()))


def _other_names(model: str) -> tuple[Condition, Condition]:
    """Receipts of a model that was sent under another name."""
    return (
        sa.and_(_like(RECEIPTS.c.model_asked, model), ASKED_BY_ANOTHER_NAME),
        sa.and_(_like(RECEIPTS.c.model_served, model), SERVED_BY_ANOTHER_NAME),
    )


def _conditions(
    wanted: Wanted,
    named: Mapping[str, Callable[[Any], Condition]],
    table: sa.Table,
    *,
    without: str = "",
) -> Iterable[Condition]:
    for name, condition in named.items():
        value = getattr(wanted, name)
        if value is None or name == without:
            continue
        if value == NONE and name in MAY_BE_NONE:
            yield sa.or_(_absent(table, name), condition(value))
        else:
            yield condition(value)


def _absent(table: sa.Table, name: str) -> Condition:
    """Whether the value is absent: a null, or an empty list."""
    column = table.c[name if name in table.c else MAY_BE_NONE[name]]
    return column.is_(None) if column.nullable else sa.cast(column, sa.Text) == "[]"


def _is(column: sa.ColumnElement[Any], value: Any) -> Condition:
    same: Condition = column == storable(value)
    return same


def _like(column: sa.ColumnElement[Any], pattern: str) -> Condition:
    return (
        _Like(column, sa.literal(pattern, _Pattern)) if is_glob(pattern) else _is(column, pattern)
    )


def _of_model(model: str) -> Condition:
    names = (RECEIPTS.c.model_sent, RECEIPTS.c.model_asked, RECEIPTS.c.model_served)
    return sa.or_(*(_like(name, model) for name in names))


def _of_verdict(column: sa.ColumnElement[Any], verdict: str) -> Condition:
    return column.is_(None) if verdict == "none" else _is(column, verdict)


def _of_session(session: str) -> Condition:
    """Two conditions, since the index of sessions contains served requests only."""
    same = RECEIPTS.c.session == storable(session)
    served = RECEIPTS.c.provider.is_not(None)
    return sa.or_(sa.and_(same, served), sa.and_(same, sa.not_(served)))


def _of_quantization(label: str) -> Condition:
    """Whether the list has exactly the labels of the text."""
    labels = label.split(" or ")
    if labels != sorted(labels):  # a receipt's text is always sorted
        return sa.false()
    listed = RECEIPTS.c.quantizations_listed
    has_all = (_has(listed, each) for each in labels)
    return sa.and_(sa.func.json_array_length(listed) == len(labels), *has_all)


def _of_refused(refused: bool) -> Condition:  # noqa: FBT001 - a filter's value
    same: Condition = RECEIPTS.c.ending == "refused"
    return same if refused else sa.not_(same)


def _of_failed(failed: bool) -> Condition:  # noqa: FBT001 - a filter's value
    among = RECEIPTS.c.ending.in_(sorted(FAILED))
    return among if failed else sa.not_(among)


def _of_audit(audit: str) -> Condition:
    if audit in {ANY, NONE}:
        of_none = RECEIPTS.c.audit.is_(None)
        return of_none if audit == NONE else sa.not_(of_none)
    return _is(RECEIPTS.c.audit, audit)


def _of_defect(defect: str) -> Condition:
    """Whether any of the defects is named. Most receipts have none: that is seen first."""
    some = sa.cast(RECEIPTS.c.defects, sa.Text) != "[]"
    if defect in {ANY, NONE}:
        return some if defect == ANY else sa.not_(some)
    among = (_has(RECEIPTS.c.defects, each) for each in defects_in(defect))
    return sa.and_(some, sa.or_(*among))


# --- the engines' own words -------------------------------------------------------------------


class _Pattern(TypeDecorator[str]):
    """A glob in the engine's syntax: SQLite supports `*` and `?`, PostgreSQL `%` and `_`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Convert the pattern to the engine's syntax."""
        if value is None:
            return None
        text: str = storable(value)
        if dialect.name == "sqlite":
            return text.replace("[", "[[]")
        return text.translate(_LIKE)


_LIKE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_", "*": "%", "?": "_"})


class _Like(FunctionElement[bool]):
    """Whether a text matches a pattern; case-sensitive, also in SQLite."""

    name = "like_pattern"
    type = sa.Boolean()
    inherit_cache = True


@compiles(_Like, "sqlite")
def _glob(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} GLOB {pattern})"


@compiles(_Like, "postgresql")
def _sql_like(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} LIKE {pattern})"  # a backslash escapes by default


class _Has(FunctionElement[bool]):
    """Whether a JSON list of texts contains a text."""

    name = "json_list_has"
    type = sa.Boolean()
    inherit_cache = True


@compiles(_Has, "sqlite")
def _has_in_json_each(element: _Has, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(each, **options) for each in element.clauses)
    return f"({text} IN (SELECT value FROM json_each({column})))"  # noqa: S608 - two expressions


@compiles(_Has, "postgresql")
def _has_in_jsonb(element: _Has, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST({column} AS jsonb) @> jsonb_build_array(CAST({text} AS text)))"


def _has(column: sa.ColumnElement[Any], text: str) -> Condition:
    return _Has(column, sa.literal(storable(text), sa.Text))


_IN_BOTH: Mapping[str, Callable[[Any, Any], Condition]] = {
    "provider": lambda table, provider: _is(table.provider, provider),
    "caller": lambda table, caller: _is(table.caller, caller),
    "rule": lambda table, rule: _has(table.rules, rule),
    "verdict": lambda table, verdict: _of_verdict(table.verdict, verdict),
}
_OF_KEY: Mapping[str, Callable[[Any], Condition]] = {
    "model": partial(_like, KEYS.c.model),
    "quantization": partial(_is, KEYS.c.quantization),
    **{name: partial(condition, KEYS.c) for name, condition in _IN_BOTH.items()},
}
_OF_RECEIPT: Mapping[str, Callable[[Any], Condition]] = {
    "model": _of_model,
    **{name: partial(condition, RECEIPTS.c) for name, condition in _IN_BOTH.items()},
    "alias": partial(_like, RECEIPTS.c.alias),
    "user_agent": partial(_like, RECEIPTS.c.user_agent),
    "status": partial(_is, RECEIPTS.c.status),
    "quantization": _of_quantization,
    "failed": _of_failed,
    "refused": _of_refused,
    "ending": partial(_is, RECEIPTS.c.ending),
    "defect": _of_defect,
    "session": _of_session,
    "path": partial(_like, RECEIPTS.c.path),
    "dialect": partial(_is, RECEIPTS.c.dialect),
    "audit": _of_audit,
    "since": lambda since: RECEIPTS.c.started_at >= since,
    "until": lambda until: RECEIPTS.c.started_at < until,
}
