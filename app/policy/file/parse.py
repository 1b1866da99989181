"""Reads YAML texts into a book, or reports every mistake of every file at once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...errors import PolicyFileError, PolicyProblem
from ..book import Book, make_book
from ..budgets import KEY as BUDGET
from ..pattern import model_pattern
from ..precision import LADDER, UNKNOWN
from ..rule import ALIAS as ALIAS_RULE
from ..rule import Alias, Clause, HeaderMatch, Rule
from .cross_checks import contradictions, names_amiss, purposeless
from .rule_checks import CHECKS, Ladder, Spots, Values
from .schema import (
    ALIAS,
    ALIAS_KEYS,
    FILE_KEYS,
    IN_ALIAS,
    IN_PREFERENCES,
    IN_RULE,
    RULE_KEYS,
    WISH_KEYS,
)
from .shapes import Key, Record
from .yaml_tree import BAD, Spot, read_tree

_FILE = Record(FILE_KEYS)
_RULE = Record(RULE_KEYS, IN_RULE)
_ALIAS = Record(ALIAS_KEYS, IN_ALIAS)
_WISHES = Record(WISH_KEYS, IN_PREFERENCES)
_SELECTORS = frozenset({"name", "models", "callers", "user_agents", "headers"})


def read_book(texts: Mapping[str, str]) -> Book:
    """Read a book from YAML texts by file name.

    Files are ordered by name. Raises `PolicyFileError` with every mistake.
    """
    problems: list[PolicyProblem] = []
    trees = [tree for file in sorted(texts) if (tree := read_tree(file, texts[file], problems))]
    files = [spots for tree in trees if (spots := _FILE.spots(tree)) is not None]
    for spots in files:
        _value(spots, "version")
    ladder = _ladder(files)
    rules = [rule for spots in files for rule in _rules(spots, ladder)]
    aliases = [alias for spots in files for alias in _aliases(spots, ladder)]
    problems.extend(names_amiss(rules, aliases))
    _raise_any(problems)
    book = make_book([texts[file] for file in sorted(texts)], rules, aliases, ladder)
    _raise_any([*purposeless(book), *contradictions(book)])
    return book


def _raise_any(problems: Iterable[PolicyProblem]) -> None:
    """Report each problem once: an anchor's mistake appears wherever the anchor is used."""
    found = tuple(sorted(dict.fromkeys(problems), key=_place))
    if found:
        raise PolicyFileError(found)


def _place(problem: PolicyProblem) -> tuple[str, int, str]:
    return (problem.file, problem.line, problem.where)


def _value(spots: Spots, key: str, default: Any = None) -> Any:
    """Read the value of one of a file's keys; if it can't be read, a problem is noted."""
    return FILE_KEYS[key].shape.read(spots[key]) if key in spots else default


def _ladder(files: Iterable[Spots]) -> dict[str, float]:
    """The built-in ladder, extended by the ladders of all files."""
    ladder = dict(LADDER)
    said: dict[str, float] = {}
    for spots in files:
        ranks = _value(spots, "ladder", {})
        for label, rank in ranks.items() if ranks is not BAD else ():
            if label == UNKNOWN:
                spots["ladder"].complain(
                    "`unknown` has no rank; use `unknown_quantization: allow` or `deny`"
                )
            elif said.setdefault(label, rank) != rank:
                spots["ladder"].complain(
                    f"{label} has a different rank in another file; give it one rank"
                )
            else:
                ladder[label] = rank
    return ladder


def _rules(spots: Spots, ladder: Ladder) -> Iterator[Rule]:
    if "rules" not in spots:
        return
    if spots["rules"].kind != "list":
        spots["rules"].complain(
            f"{spots['rules']} is not a list of rules; write each as `- name: NAME`"
        )
        return
    for spot in spots["rules"].items():
        fields = _RULE.spots(spot)
        if fields is None:
            continue
        values = _read(fields, RULE_KEYS)
        _check(values, fields, ladder)
        name = values.get("name")
        if isinstance(name, str):
            yield Rule(
                name=name,
                file=spot.file,
                line=spot.line,
                models=tuple(map(model_pattern, values.get("models", ()))),
                callers=frozenset(values.get("callers", ())),
                user_agents=tuple(values.get("user_agents", ())),
                headers=_matches(values.get("headers", {})),
                clauses=_clauses(values, fields, name),
            )


def _matches(headers: Mapping[str, str]) -> frozenset[HeaderMatch]:
    return frozenset((name.lower(), pattern) for name, pattern in headers.items())


def _aliases(spots: Spots, ladder: Ladder) -> Iterator[Alias]:
    if "aliases" not in spots:
        return
    if spots["aliases"].kind != "mapping":
        spots["aliases"].complain(
            f"{spots['aliases']} is not a mapping; write each as `NAME: {{model: author/model}}`"
        )
        return
    for name, spot in spots["aliases"].entries().items():
        if not ALIAS.fits(name):
            spot.complain(f'"{name}" is not {ALIAS.noun}{ALIAS.remedy(name)}')
        fields = _ALIAS.spots(spot)
        if fields is None:
            continue
        values = _read(fields, ALIAS_KEYS)
        wishes = (_WISHES.spots(fields["preferences"]) or {}) if "preferences" in fields else {}
        wanted = _read(wishes, WISH_KEYS)
        _check(wanted, wishes, ladder)
        yield Alias(
            name=name,
            file=spot.file,
            line=spot.line,
            model=values.get("model", ""),
            rule=values.get("rule"),
            clauses=_clauses(wanted, wishes, ALIAS_RULE + name) | _model_of(name, values, fields),
        )


def _model_of(name: str, values: Values, fields: Spots) -> dict[str, Clause]:
    """An alias's model, as a clause."""
    if "model" not in values:
        return {}
    spot = fields["model"]
    return {"model": Clause("model", values["model"], ALIAS_RULE + name, spot.file, spot.line)}


def _read(spots: Spots, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The values that can be read; a problem is noted for each of the others."""
    values = {name: keys[name].shape.read(spot) for name, spot in spots.items()}
    return {name: value for name, value in values.items() if value is not BAD}


def _check(values: Values, spots: Spots, ladder: Ladder) -> None:
    for check in CHECKS:
        check(values, spots, ladder)


def _clauses(values: Values, spots: Spots, rule: str) -> dict[str, Clause]:
    """One clause for each thing that can be replaced by itself."""
    return {
        key: Clause(key, value, rule, spots[name].file, line)
        for name in values
        if name not in _SELECTORS
        for key, value, line in _flat(name, values[name], spots[name])
    }


def _flat(name: str, value: Any, spot: Spot) -> Iterator[tuple[str, Any, int]]:
    if name in {"max_price", "set"}:
        entries = spot.entries()
        for part, each in value.items():
            yield f"{name}.{part}", each, entries[part].line
    elif name in {"strip", "refuse"}:
        for each in spot.items():
            yield f"{name}.{each.text()}", True, each.line
    elif name == BUDGET:
        entries_of = spot.items() if spot.kind == "list" else [spot]
        for number, each in enumerate(value if isinstance(value, list) else [value]):
            yield f"{name}.{number}", each, entries_of[number].line
    elif name == "strip_headers":
        for each in spot.items():
            yield f"{name}.{each.text().lower()}", True, each.line
    else:
        yield name, value, spot.line
