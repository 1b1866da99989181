"""Whatever is imported, the policy file loads and says what the other tool said."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.errors import ForeignFileError
from app.importing.policy_file import import_file
from tests.importing.reading import CANARY, book_of, imported, sent, told
from tests.importing.sources import FILES, WANTED, Wanted, Wish
from tests.importing.test_nothing_lost import config_of

TOOLS = sorted(FILES)


@pytest.mark.parametrize("tool", TOOLS)
@given(wanted=WANTED)
@settings(max_examples=25, deadline=None)
def test_each_model_is_sent_with_the_provider_object_it_had(tool: str, wanted: Wanted) -> None:
    text = FILES[tool](wanted)
    policy = import_file("theirs", text)
    for model, wish in wanted.items():
        assert sent(policy, model) == (model, wish.meant), text
    meant = [json.dumps(wish.meant, sort_keys=True) for wish in wanted.values() if wish.meant]
    assert policy.rules == len(set(meant))  # equal objects share a rule


@pytest.mark.parametrize("tool", TOOLS)
@given(wanted=WANTED)
@settings(max_examples=20, deadline=None)
def test_no_key_is_ever_copied_or_quoted(tool: str, wanted: Wanted) -> None:
    text = FILES[tool](wanted)
    policy = import_file("theirs", text)
    assert CANARY in text or not wanted
    assert CANARY not in policy.text
    assert CANARY not in told(policy)


def test_the_canary_is_really_in_every_file() -> None:
    assert all(CANARY in FILES[tool]({"a/b": Wish({}, {})}) for tool in TOOLS)


# --- many names for few models ----------------------------------------------------------------

Entry = tuple[str, str, Mapping[str, Any]]  # what callers ask for, the model, the provider object

ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["a/b", "a/b:free", "fast", "Fast", "a/*", "b/c", "two words", "a/b:x:y"]),
        st.sampled_from(["a/b", "a/b:free", "b/c", "*", "a/*", "a/b:x:y", "b/c:online"]),
        st.sampled_from(
            [
                {},
                {"zdr": True},
                {"only": ["novita"]},
                {"ignore": ["novita"]},
                {"order": ["azure"], "allow_fallbacks": False},
                {"max_price": {"prompt": 1}},
                {"max_price": {"completion": 1}},
            ]
        ),
    ),
    max_size=6,
)


def file_of(entries: Sequence[Entry]) -> str:
    """One entry a line, from line 2 on."""
    lines = [
        json.dumps(
            {
                "model_name": name,
                "litellm_params": {
                    "model": f"openrouter/{model}",
                    "extra_body": {"provider": provider},
                },
            }
        )
        for name, model, provider in entries
    ]
    return "\n".join(["model_list:", *(f"- {line}" for line in lines)]) + ("" if lines else " []\n")


@pytest.mark.slow
@given(ENTRIES)
@example([("a/b", "a/b", {"zdr": True}), ("a/b:x:y", "a/b:x:y", {})])
@settings(max_examples=120, deadline=None)
def test_names_in_each_others_way_still_make_a_policy_and_every_loss_is_said(
    entries: list[Entry],
) -> None:
    policy = import_file("theirs", file_of(entries))
    book_of(policy)
    told_of = {left.place.line for left in policy.left} | {left.what for left in policy.left}
    first: dict[str, int] = {}  # a line that says what an earlier one says is told of there
    for line, (name, model, provider) in enumerate(entries, 2):
        said_at = first.setdefault(f"{name.lower()} {model} {provider}", line)
        if told_of.isdisjoint({said_at, name}) and "*" not in name:
            assert sent(policy, name) == (model, dict(provider))


def test_what_contradicts_a_more_general_rule_is_left_out() -> None:
    shared = {"only": ["novita"]}
    policy = imported(
        file_of(
            [("a/b", "a/b", {"ignore": ["novita"]}), ("*", "*", shared), ("b/c", "b/c", shared)]
        )
    )
    assert sent(policy, "b/c")[1] == shared
    assert told(policy) == (
        "theirs:2: model_list[0].litellm_params.extra_body.provider: a/b: "
        "together with the other rules for this model, it leaves no provider"
    )


def test_a_rule_that_is_shared_loses_only_the_model_that_it_contradicts() -> None:
    shared = {"only": ["novita"]}
    entries = [("b/c", "b/c", shared), ("a/b:free", "a/b:free", shared)]
    policy = imported(file_of([*entries, ("a/b", "a/b", {"ignore": ["novita"]})]))
    assert sent(policy, "b/c")[1] == shared
    assert sent(policy, "a/b")[1] == {"ignore": ["novita"]}
    assert [left.what for left in policy.left] == ["a/b:free"]


def test_an_alias_that_contradicts_its_models_rule_is_left_out() -> None:
    policy = imported(
        file_of([("a/b", "a/b", {"only": ["novita"]}), ("mine", "a/b", {"ignore": ["novita"]})])
    )
    assert policy.aliases == 0
    assert [left.what for left in policy.left] == ["the alias mine"]


def test_what_is_right_once_another_is_gone_stays() -> None:
    entries: list[Entry] = [
        ("*", "*", {"only": ["novita"]}),
        ("a/b", "a/b", {"ignore": ["novita"]}),
        ("a/b:free", "a/b:free", {"zdr": True}),
        ("mine", "a/b", {"sort": "price"}),
    ]
    policy = imported(file_of(entries))
    assert sent(policy, "a/b:free")[1] == {"only": ["novita"], "zdr": True}
    assert sent(policy, "mine")[1] == {"only": ["novita"], "sort": "price"}
    assert [left.what for left in policy.left if "no provider" in left.why] == ["a/b"]


def test_of_two_patterns_that_contradict_each_other_the_wider_stays() -> None:
    entries: list[Entry] = [
        ("*", "*", {"only": ["novita"]}),
        ("a/*", "a/*", {"ignore": ["novita"]}),
        ("b/*", "b/*", {"zdr": True}),
    ]
    policy = imported(file_of(entries))
    assert sent(policy, "a/b")[1] == {"only": ["novita"]}
    assert [(left.place.line, left.what, "no provider" in left.why) for left in policy.left] == [
        (3, "a/*", True),
        (4, "b/*", False),  # which is told of the wider rule's `only`
    ]


def test_a_model_that_patterns_which_cross_leave_nobody_for_is_told_of() -> None:
    entries = [
        ("a/*", "a/*", {"only": ["x"]}),
        ("*/b", "*/b", {"ignore": ["x"]}),
        ("a/b", "a/b", {}),
    ]
    policy = imported(file_of(entries))
    assert "theirs:4: model_list[2].litellm_params.extra_body.provider: a/b: together" in told(
        policy
    )


def test_two_halves_that_contradict_each_other_are_left_out_together() -> None:
    routing = {"compat": {"openRouterRouting": {"only": ["novita"]}}}
    everywhere = {"compat": {"openRouterRouting": {"ignore": ["novita"]}}}
    provider = {**everywhere, "models": [{"id": "openrouter/a/b", **routing}]}
    policy = imported(json.dumps({"providers": {"openrouter": provider}}))
    assert sent(policy, "openrouter/a/b") == ("a/b", {"ignore": ["novita"]})
    assert "it leaves no provider" in told(policy)


@pytest.mark.slow
def test_a_file_that_comes_to_more_than_a_policy_may_hold_is_refused() -> None:
    hosts = {"compat": {"openRouterRouting": {"ignore": [f"host-{n}" for n in range(1000)]}}}
    models = [
        {"id": f"a/{n}", "compat": {"openRouterRouting": {"max_price": {"prompt": n}}}}
        for n in range(101)
    ]
    provider = {**hosts, "models": models}
    with pytest.raises(
        ForeignFileError, match=r"theirs: it does not result in a valid policy: .*more than 100000"
    ):
        imported(json.dumps({"providers": {"openrouter": provider}}))


# --- any text ---------------------------------------------------------------------------------


def import_or_refuse(text: str) -> None:
    with suppress(ForeignFileError):
        book_of(import_file("theirs", text))


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_imported_or_refused(text: str) -> None:
    import_or_refuse(text)


@pytest.mark.parametrize("tool", TOOLS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_file_that_was_damaged_is_imported_or_refused(tool: str, data: st.DataObject) -> None:
    text = FILES[tool]({"a/b": Wish({}, {"only": ["novita"], "zdr": True})})
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 9, len(text))))
    damage = data.draw(st.text(alphabet="{}[]\",:-# \n\t0*&!|>'x\u2028é", max_size=3))
    import_or_refuse(text[:start] + damage + text[end:])


WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, 1, 0.5, True, "x", "", [], {}, [None], {"": None}, [[]], {"x": {}}]
)


@pytest.mark.parametrize("tool", [*TOOLS, "cline"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_value_of_a_wrong_kind_is_no_obstacle(tool: str, data: st.DataObject) -> None:
    config = config_of(tool)
    inside = config
    while True:
        steps = [*inside] if isinstance(inside, dict) else [*range(len(inside))]
        step = data.draw(st.sampled_from(steps))
        deeper = inside[step]
        if not isinstance(deeper, dict | list) or not deeper or data.draw(st.booleans()):
            break
        inside = deeper
    inside[step] = data.draw(WRONG)
    with suppress(ForeignFileError):  # where the tool can't be known by it any more
        book_of(import_file("theirs", json.dumps(config), tool))
