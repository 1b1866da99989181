"""Texts to a book, or every mistake of every file at once."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import PolicyFileError, PolicyProblem
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.file.schema import RULE_KEYS
from tests.policy.good_values import GOOD
from tests.policy.json_texts import BOUNDED
from tests.policy.mistakes import mistakes

FULL = """\
version: 1
rules:
  - name: precise-open-weights
    models: ["qwen/*", "deepseek/*"]
    quantization_floor: fp8
    data_collection: deny
  - name: cheap-helpers
    models: ["*"]
    callers: [background]
    sort: price
    max_price:
      prompt: 0.5
      completion: 2
    set: {session_id: abc}
    refuse:
      - preset
      - models
aliases:
  qwen-precise: {model: qwen/qwen3-coder, rule: precise-open-weights}
  kimi-fast:
    model: moonshotai/kimi-k2
    preferences: {sort: throughput}
"""


def test_a_file_becomes_rules_and_aliases_whose_clauses_know_their_lines() -> None:
    book = read_book({"policies/p.yaml": FULL})
    precise, cheap = book.rules
    assert (precise.name, precise.file, precise.line) == (
        *("precise-open-weights", "policies/p.yaml", 3),
    )
    assert [pattern.text for pattern in precise.models] == ["qwen/*", "deepseek/*"]
    assert cheap.callers == {"background"}
    assert {key: (clause.value, clause.line) for key, clause in cheap.clauses.items()} == {
        "sort": ("price", 10),
        "max_price.prompt": (0.5, 12),
        "max_price.completion": (2, 13),
        "set.session_id": ("abc", 14),
        "refuse.preset": (True, 16),
        "refuse.models": (True, 17),
    }
    fast = book.aliases["kimi-fast"]
    assert (fast.model, fast.rule, fast.line) == ("moonshotai/kimi-k2", None, 20)
    assert {key: (clause.value, clause.line) for key, clause in fast.clauses.items()} == {
        "model": ("moonshotai/kimi-k2", 21),
        "sort": ("throughput", 22),
    }
    assert str(fast.clauses["sort"]) == "alias kimi-fast (policies/p.yaml:22)"
    assert str(cheap.clauses["sort"]) == 'rule "cheap-helpers" (policies/p.yaml:10)'


@pytest.mark.parametrize("text", ["version: 1", "version: 1\nrules: []", "version: 1\naliases: {}"])
def test_a_file_may_have_nothing_to_say(text: str) -> None:
    assert read_book({"p.yaml": text}).rules == ()


def test_no_files_make_a_book_too() -> None:
    assert read_book({}).rules == ()


def test_every_mistake_of_every_file_comes_at_once_in_the_order_of_files_and_lines() -> None:
    found = mistakes(
        """\
        version: 1
        rules:
          - name: one
            models: [a/b]
            zdr: maybe
            quantization_floor: fp9
            zzz: 1
          - models: [qwen]
            pin: [a]
            only: [a]
          - 5
        aliases:
          x y: {model: a/b}
          z: {preferences: {sort: speed}}
        rulez: []
        """,
        other="rules: 5\n",
        another="a: b: c",
    )
    places = [mistake.split(": ")[0] + " " + mistake.split(": ")[1] for mistake in found]
    assert places == [
        "another.yaml:1 not valid YAML",
        "other.yaml:1 `version` is missing; write `version",
        "other.yaml:1 rules",
        "p.yaml:5 rules[0].zdr",
        "p.yaml:6 rules[0].quantization_floor",
        "p.yaml:7 rules[0].zzz",
        "p.yaml:8 rules[1]",
        "p.yaml:8 rules[1].models[0]",
        "p.yaml:10 rules[1].only",
        "p.yaml:11 rules[2]",
        "p.yaml:13 aliases.x y",
        "p.yaml:14 aliases.z",
        "p.yaml:14 aliases.z.preferences.sort",
        "p.yaml:15 rulez",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: []", "p.yaml:1: `version` is missing; write `version: 1`"),
        ("version: 2", "p.yaml:1: version: 2 is not a supported version; write 1"),
        ("version: '1'", 'p.yaml:1: version: "1" is not a supported version; write 1'),
        ("version: 1.0.0",
         'p.yaml:1: version: "1.0.0" is not a supported version; write 1'),
        ("- a", "p.yaml:1: a list is not a mapping; its keys are version, ladder, rules, aliases"),
        ("hello", ('p.yaml:1: "hello" is not a mapping; its keys are version, ladder, rules, '
            'aliases')),
        ("version: 1\nrules:", ("p.yaml:2: rules: an empty value is not a list of rules; write "
            "each as `- name: NAME`")),
        ("version: 1\nrules: {a: 1}", "p.yaml:2: rules: a mapping is not a list of rules"),
        ("version: 1\naliases: [a]",
         "p.yaml:2: aliases: a list is not a mapping; write each as `NAME: {model: author/model}`"),
        ("version: 1\nrules: [{models: [a/b]}]",
         "p.yaml:2: rules[0]: `name` is missing; write `name: NAME`"),
        ("version: 1\naliases: {x: a/b}",
         'p.yaml:2: aliases.x: "a/b" is not a mapping; its keys are model, rule, preferences'),
        ("version: 1\naliases: {x: {}}",
         "p.yaml:2: aliases.x: `model` is missing; write `model: author/model`"),
        ("version: 1\naliases: {x: {model: Kimi}}",
         'p.yaml:2: aliases.x.model: "Kimi" is not a model slug; did you mean kimi?'),
        ("version: 1\naliases: {x: {model: kimi}}",
         ('p.yaml:2: aliases.x.model: "kimi" is not a model slug; a model slug has the form '
             'author/model')),
        ("version: 1\naliases: {'a b': {model: a/b}}",
         'p.yaml:2: aliases.a b: "a b" is not an alias name; use letters, digits and . _ / : + -'),
        ("version: 1\naliases: {x: {model: a/b, preferences: 5}}",
         ("p.yaml:2: aliases.x.preferences: 5 is not a mapping; its keys are only, order, "
             "quantizations, ignore, max_price, zdr, require_parameters,")),
        ("version: 1\naliases: {x: {model: a/b, preferences: {merge: fill}}}",
         ("p.yaml:2: aliases.x.preferences.merge: unknown key `merge`; only rules can have "
             "it: write it into a rule, and set `rule` to its name")),
        ("version: 1\naliases: {x: {model: a/b, set: {user: me}}}",
         ("p.yaml:2: aliases.x.set: unknown key `set`; only rules can have it: write it into "
             "a rule, and set `rule` to its name")),
        ("version: 1\naliases: {x: {model: a/b, sort: price}}",
         "p.yaml:2: aliases.x.sort: unknown key `sort`; write it under preferences"),
        ("version: 1\naliases: {x: {model: a/b, provider: {sort: price}}}",
         ("p.yaml:2: aliases.x.provider: unknown key `provider`; write its fields under "
             "preferences")),
        ("version: 1\naliases: {x: {model: a/b, extra_body: {provider: {sort: price}}}}",
         ("p.yaml:2: aliases.x.extra_body: unknown key `extra_body`; it is an argument of "
             "the OpenAI SDK; write the fields of its provider object under preferences")),
        ("version: 1\naliases: {x: {model: a/b, preferences: {provider: {sort: price}}}}",
         ("p.yaml:2: aliases.x.preferences.provider: unknown key `provider`; write its "
             "fields into preferences itself")),
        ("version: 1\naliases: {x: {model: a/b, preferences: {extra_body: {}}}}",
         ("p.yaml:2: aliases.x.preferences.extra_body: unknown key `extra_body`; it is an "
             "argument of the OpenAI SDK; write the fields of its provider object into "
                 "preferences itself")),
        ("version: 1\nladder: {fp5: five}",
         'p.yaml:2: ladder.fp5: "five" is not a number; write it in bits, without quotes'),
        ("version: 1\nladder: {unknown: 1}",
         "p.yaml:2: ladder: `unknown` has no rank; use `unknown_quantization: allow` or `deny`"),
    ],
)  # fmt: skip
def test_a_files_frame_is_held_to_its_shape(text: str, said: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(said)


# --- several files ----------------------------------------------------------------------------


def test_ladders_of_several_files_add_up_and_may_not_disagree() -> None:
    one, other = "version: 1\nladder: {fp5: 5, int8: 9}", "version: 1\nladder: {q4: 4.5, fp5: 5}"
    ladder = read_book({"a.yaml": one, "b.yaml": other}).ladder
    assert (ladder["fp5"], ladder["int8"], ladder["q4"], ladder["fp8"]) == (5, 9, 4.5, 8)
    (mistake,) = mistakes(one, q="version: 1\nladder: {fp5: 6}")
    assert mistake == "q.yaml:2: ladder: fp5 has a different rank in another file; give it one rank"


def test_a_label_of_ones_own_can_be_used_in_any_file() -> None:
    rules = 'version: 1\nrules: [{name: a, models: ["*"], quantization_floor: fp5}]'
    assert read_book({"a.yaml": rules, "z.yaml": "version: 1\nladder: {fp5: 5}"}).ladder["fp5"] == 5


def test_a_mistake_under_an_anchor_is_told_once() -> None:
    found = mistakes(
        """\
        version: 1
        rules:
          - &base
            name: one
            models: [a/b]
            max_price: {prompt: free}
          - <<: *base
            name: two
            models: [c/d]
        """
    )
    assert [mistake.partition(": rules")[0] for mistake in found] == ["p.yaml:6", "p.yaml:6"]
    assert [mistake.partition("].")[0][-1] for mistake in found] == ["0", "1"]


# --- whatever is written ----------------------------------------------------------------------

ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.sampled_from(
        ["fp8", "a/b", "*", "price", "a", "unknown", "deny"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["prompt", "p50", "by", "user", "a", "x y"]), inner),
    max_leaves=5,
)  # fmt: skip
VALUES = st.one_of(ODD, st.sampled_from([value for values in GOOD.values() for value in values]))
RULES = st.dictionaries(st.sampled_from([*RULE_KEYS, "zzz"]), VALUES, max_size=6)
ALIASES = st.dictionaries(
    st.text(max_size=3),
    st.dictionaries(st.sampled_from(["model", "rule", "preferences"]), VALUES | RULES) | ODD,
    max_size=2,
)


@BOUNDED
@given(st.lists(RULES | ODD, max_size=3), ALIASES)
def test_any_file_is_a_book_or_a_list_of_mistakes(
    rules: list[Any], aliases: dict[str, Any]
) -> None:
    text = json.dumps({"version": 1, "rules": rules, "aliases": aliases})
    book, problems = _read(text)
    if book is None:
        assert problems
        assert {problem.file for problem in problems} == {"p.yaml"}
        assert all(problem.message for problem in problems)
    else:
        assert len(book.rules) == len(rules)
        assert book.aliases.keys() == aliases.keys()


def _read(text: str) -> tuple[Book | None, tuple[PolicyProblem, ...]]:
    try:
        return read_book({"p.yaml": text}), ()
    except PolicyFileError as error:
        return None, error.problems


def test_a_list_of_thousands_takes_time_for_its_length_alone() -> None:
    """Each compared with each took 3 seconds."""
    listed = ", ".join(f"p{number}" for number in range(20_000))
    text = f"version: 1\nrules:\n  - {{name: a, models: ['*'], only: [{listed}]}}\n"
    began = time.process_time()
    assert [rule.name for rule in read_book({"p.yaml": text}).rules] == ["a"]
    assert time.process_time() - began < 1.5
