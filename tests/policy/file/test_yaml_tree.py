"""YAML as a tree that knows its lines, and survives what people and YAML do to each other."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.errors import PolicyProblem
from app.policy.file.shapes import Json
from app.policy.file.yaml_tree import Spot, read_tree
from tests.policy.json_texts import BOUNDED


def read(text: str) -> tuple[Spot | None, list[str]]:
    root = read_tree("p.yaml", text, problems := list[PolicyProblem]())
    return root, [str(problem) for problem in problems]


def tree(text: str) -> Spot:
    root, problems = read(text)
    assert root is not None, problems
    return root


def broken(text: str) -> str:
    root, (problem,) = read(text)
    assert root is None
    return problem


def plain(text: str) -> tuple[Any, list[str]]:
    """The whole tree as a JSON value, and what was complained about."""
    root = tree(text)
    return Json().read(root), [str(problem) for problem in root.problems]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.yaml:1: the file is empty; begin with `version: 1`, or delete it"),
        ("# nothing\n", "p.yaml:1: the file is empty; begin with `version: 1`, or delete it"),
        ("a: 1\nb:\n\t- 1\n", "p.yaml:3: a tab in the line; indent YAML with spaces"),
        ("a: 1\n---\nb: 2\n",
         "p.yaml:2: a second document (`---`); put each policy into its own file"),
        ("a: [1\nb: 2", "p.yaml:2: not valid YAML: while parsing a flow sequence, did not find ex"),
        ("a: b: c", "p.yaml:1: not valid YAML: mapping values are not allowed in this context"),
        ("a: *nobody", "p.yaml:1: not valid YAML: found undefined alias"),
        ("a: \x00", "p.yaml:1: "),
        ("a: &me [*me]", "p.yaml:1: an anchor contains itself, or expands to more than 100000 val"),
        ("a: " + "[" * 60 + "]" * 60, "p.yaml:1: nested more than 50 levels deep"),
        ("a:\n" + "".join("  " * depth + "b:\n" for depth in range(1, 60)),
         "p.yaml:51: nested more than 50 levels deep"),
    ],
)  # fmt: skip
def test_what_is_no_tree_says_where_and_why(text: str, said: str) -> None:
    assert broken(text).startswith(said)


def test_anchors_cannot_blow_a_file_up() -> None:
    """Nine of nine of nine ...: a few lines that would be a billion values."""
    wide = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    deep = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [[[*a{n - 1}]]]\n" for n in range(1, 40))
    for text in (wide, deep):
        assert "an anchor contains itself, or expands to more than 100000 values or" in broken(text)


def test_nesting_is_allowed_up_to_the_limit() -> None:
    text = "a: " + "[" * 49 + "]" * 49
    assert plain(text)[1] == []


def test_anchors_and_merge_keys_work() -> None:
    text = """\
base: &base {a: 1, b: [2]}
more: &more {b: 3, c: 4}
one: *base
two: {<<: *base, a: 9}
all: {<<: [*base, *more], d: 5}
"""
    value, problems = plain(text)
    assert problems == []
    assert value["one"] == {"a": 1, "b": [2]}
    assert value["two"] == {"a": 9, "b": [2]}
    assert value["all"] == {"a": 1, "b": [2], "c": 4, "d": 5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "p.yaml:3: a: a is given twice; remove one of them"),
        ("x:\n  a: 1\n  a: 1\n", "p.yaml:3: x.a: a is given twice; remove one of them"),
        ("x:\n  <<: 5\n", "p.yaml:2: x.<<: `<<` requires a mapping, or a list of mappings"),
        ("x:\n  <<: [[a]]\n", "p.yaml:2: x.<<: `<<` requires a mapping, or a list of mappings"),
        ("a: .nan\n", "p.yaml:1: a: .nan is not a number that JSON can carry"),
        ("b: [1, 1:30]\n", "p.yaml:1: b[1]: 1:30 is not a number that JSON can carry"),
    ],
)
def test_what_is_wrong_in_a_tree_is_said_at_its_line(text: str, said: str) -> None:
    assert said in plain(text)[1]


def test_a_key_must_be_a_word() -> None:
    _, problems = plain("? [a, b]\n: 1\n")
    (problem,) = problems
    assert problem.startswith("p.yaml:1: ")
    assert problem.endswith("a key must be plain text")


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert plain("'<<': {a: 1}")[0] == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("{a: 1}", "mapping", "a mapping"),
        ("[1]", "list", "a list"),
        ("null", "null", "an empty value"),
        ("~", "null", "an empty value"),
        ("no", "flag", "no (which YAML reads as false)"),
        ("ON", "flag", "ON (which YAML reads as true)"),
        ("12", "number", "12"),
        ("1.5", "number", "1.5"),
        ("fp8", "text", '"fp8"'),
        ("'12'", "text", '"12"'),
        ("2026-11-21", "text", '"2026-11-21"'),
        ("!!python/object:os.system x", "text", '"x"'),
    ],
)
def test_a_value_is_of_a_kind_and_can_be_quoted(text: str, kind: str, shown: str) -> None:
    spot = tree(text)
    assert (spot.kind, str(spot)) == (kind, shown)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1", 1), ("-2", -2), ("+3", 3), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0)),
        *(("1_000", 1000), ("1_", 1), ("1_0.5_0", 10.5), ("1e-7", 1e-7), ("1E3", 1000.0)),
        *(("1e2", 100.0), ("2.5e+3", 2500.0)),
        *(("'1'", None), ('"1e3"', None), ("1:30", None), ("017", None), ("0x1f", None)),
        *(("0b1", None), (".inf", None), ("-.inf", None), (".nan", None), ("1e999", None)),
        *(("9" * 5000, None), ("fp8", None), ("", None), ("1.2.3", None), ("\u0661", None)),
    ],
)
def test_a_number_is_what_json_calls_one(text: str, number: float | None) -> None:
    found = tree(f"a: {text}").entries()["a"].number()
    assert (found, type(found)) == (number, type(number))


# Without line ends of other alphabets: YAML's own readers disagree on them.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=5)
SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), TEXTS),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@BOUNDED
@given(VALUES)
def test_what_was_written_as_yaml_is_read_back(value: Any) -> None:
    back, problems = plain(yaml.safe_dump({"value": value}, allow_unicode=True))
    assert problems == []
    assert _same(back["value"], value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, float) and isinstance(one, float):
        return math.isclose(one, other)
    if isinstance(other, list | dict) and isinstance(one, list | dict) and len(one) == len(other):
        keys = other if isinstance(other, dict) else range(len(other))
        return all(_same(one[key], other[key]) for key in keys)
    return type(one) is type(other) and bool(one == other)


@BOUNDED
@given(st.text(alphabet="ab:-[]{}&*!|>#'\"%@`,? \n\t1.<", max_size=30))
def test_any_text_is_a_tree_or_one_problem(text: str) -> None:
    root, problems = read(text)
    assert (root is None) is (len(problems) == 1)
    if root is not None:
        Json().read(root)
