"""The promises of `merge: tighten`, held against a plain model of OpenRouter's filters."""

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from app.errors import PolicyConflict, PolicyFileError
from app.policy.merge import Conflict, fill, takes_one, tighten
from app.policy.precision import LADDER, at_least
from app.policy.tags import with_tiers
from tests.policy.algebra import CATALOGS, OURS, THEIRS, Offer, admitted, every_offer
from tests.policy.json_texts import BOUNDED
from tests.policy.sending import book_of, send

Said = dict[str, Any]
CHOICES = ("only", "order", "ignore", "quantizations")


def both(ours: Said, theirs: Said, catalog: list[Offer]) -> set[Offer]:
    return admitted(ours, catalog) & admitted(theirs, catalog)


@BOUNDED
@given(OURS, THEIRS, CATALOGS)
def test_a_caller_may_narrow_but_never_widen(
    ours: Said, theirs: Said, catalog: list[Offer]
) -> None:
    """Whoever either side refuses is refused; a conflict is said only where nobody is left."""
    met = tighten(ours, theirs)
    if isinstance(met, Conflict):
        assert not both(ours, theirs, [*catalog, *every_offer()])
    else:
        assert admitted(met, catalog) <= both(ours, theirs, catalog)


@BOUNDED
@given(
    OURS.map(lambda said: {key: said[key] for key in said if key in {*CHOICES, "allow_fallbacks"}}),
    THEIRS.map(
        lambda said: {key: said[key] for key in said if key in {*CHOICES, "allow_fallbacks"}}
    ),
)
def test_lists_of_providers_never_widen(ours: Said, theirs: Said) -> None:
    met = tighten(ours, theirs)
    catalog = every_offer((*LADDER, "unknown", None))
    if isinstance(met, Conflict):
        assert not both(ours, theirs, catalog)
    else:
        assert admitted(met, catalog) <= both(ours, theirs, catalog)


@BOUNDED
@given(OURS, THEIRS, CATALOGS)
def test_nobody_is_lost_whom_both_sides_admit(
    ours: Said, theirs: Said, catalog: list[Offer]
) -> None:
    """Where fallbacks are forbidden one side's order may bind the other; else nothing is lost."""
    assume(ours.get("allow_fallbacks") is not False and theirs.get("allow_fallbacks") is not False)
    met = tighten(ours, theirs)
    if not isinstance(met, Conflict):
        assert admitted(met, catalog) == both(ours, theirs, catalog)


@BOUNDED
@given(OURS, THEIRS)
def test_joining_twice_is_joining_once(ours: Said, theirs: Said) -> None:
    met = tighten(ours, theirs)
    assume(not isinstance(met, Conflict))
    assert isinstance(met, dict)
    assert tighten(ours, met) == met


@BOUNDED
@given(OURS)
def test_a_policy_joined_with_itself_or_with_nothing_is_itself(ours: Said) -> None:
    alone = tighten(ours, {})
    assume(not isinstance(alone, Conflict))
    assert isinstance(alone, dict)
    assert tighten(alone, {}) == tighten({}, alone) == tighten(alone, alone) == alone


@BOUNDED
@given(OURS, OURS, CATALOGS)
def test_it_does_not_matter_to_the_filters_which_side_is_ours(
    one: Said, other: Said, catalog: list[Offer]
) -> None:
    assume(one.get("allow_fallbacks") is not False and other.get("allow_fallbacks") is not False)
    there, back = tighten(one, other), tighten(other, one)
    if isinstance(there, Conflict) or isinstance(back, Conflict):
        assert isinstance(there, Conflict)
        assert isinstance(back, Conflict)
    else:
        assert admitted(there, catalog) == admitted(back, catalog)


@BOUNDED
@given(OURS, THEIRS)
def test_neither_side_is_changed(ours: Said, theirs: Said) -> None:
    before = json.dumps([ours, theirs])
    tighten(ours, theirs)
    fill(ours, theirs)
    assert json.dumps([ours, theirs]) == before


@BOUNDED
@given(OURS, THEIRS)
def test_nothing_empty_and_no_sort_beside_an_order_is_sent(ours: Said, theirs: Said) -> None:
    for met in (tighten(ours, theirs), fill(ours, theirs)):
        if isinstance(met, dict):
            known = {key: value for key, value in met.items() if key != "unheard_of"}
            assert None not in known.values()
            assert [] not in known.values()
            assert not ("sort" in met and "order" in met)
            assert met.get("unheard_of") == theirs.get("unheard_of")


@BOUNDED
@given(OURS, THEIRS)
def test_whoever_fills_in_has_the_last_word(ours: Said, theirs: Said) -> None:
    met = fill(ours, theirs)
    if isinstance(met, dict):
        stated = {key: value for key, value in theirs.items() if value not in (None, [])}
        for key in stated.keys() - {"only", "order", "sort", "max_price", "options"}:
            assert met[key] == stated[key]
        if "only" in stated:
            assert set(met["only"]) <= set(stated["only"])
        for key in {"max_price", "options"} & stated.keys():
            assert met[key] == {**ours.get(key, {}), **stated[key]}


FLOORS = st.sampled_from(sorted(LADDER))


@BOUNDED
@given(FLOORS, FLOORS, st.booleans(), CATALOGS)
def test_a_higher_floor_never_admits_more(
    one: str,
    other: str,
    unknown_ok: bool,  # noqa: FBT001
    catalog: list[Offer],
) -> None:
    low, high = sorted((one, other), key=LADDER.__getitem__)
    below = {"quantizations": list(at_least(low, unknown_ok=unknown_ok))}
    above = {"quantizations": list(at_least(high, unknown_ok=unknown_ok))}
    assert admitted(above, catalog) <= admitted(below, catalog)


@BOUNDED
@given(OURS, THEIRS, CATALOGS)
def test_what_arrives_upstream_is_within_the_policy_and_the_callers_wish(
    ours: Said, theirs: Said, catalog: list[Offer]
) -> None:
    """The same promise once more, from the policy's text to the request's bytes."""
    assume("options" not in ours)
    assume(not isinstance(tighten(ours, {}), Conflict))
    if "ignore" in ours:
        ours = {**ours, "ignore": with_tiers(ours["ignore"])}  # what a policy means by it
    assume(not isinstance(tighten(ours, {}), Conflict))
    book = book_of(ours)
    try:
        outgoing = send(book, {"model": "qwen/qwen3", "provider": theirs})
    except PolicyConflict:
        assert not both(ours, theirs, catalog)
        return
    arrived = json.loads(outgoing.body).get("provider") or {}
    assert admitted(arrived, catalog) <= both(ours, theirs, catalog)
    assert send(book, outgoing.body).body == outgoing.body


# A policy that lets one endpoint answer, and whichever that is.
ONE = OURS.map(
    lambda said: {**{k: said[k] for k in said if k != "order"}, "allow_fallbacks": False}
)
PLAIN = OURS.map(lambda said: {key: said[key] for key in said if key != "options"})


@BOUNDED
@given(ONE, THEIRS)
def test_one_endpoint_without_fallbacks_stays_one(ours: Said, theirs: Said) -> None:
    """A caller's order would make a list of it, whose entries are tried one after another."""
    met = tighten(ours, theirs)
    assert isinstance(met, Conflict) or takes_one(met)


@BOUNDED
@given(ONE, PLAIN, st.booleans())
def test_of_two_models_the_one_with_one_endpoint_decides(
    one: Said,
    other: Said,
    swapped: bool,  # noqa: FBT001
) -> None:
    one.pop("options", None)
    models = ["a/two", "a/one"] if swapped else ["a/one", "a/two"]
    try:
        book = book_of({"models": ["a/one"], **one}, {"models": ["a/two"], **other})
        outgoing = send(book, {"models": models})
    except (PolicyConflict, PolicyFileError):
        return
    assert takes_one(outgoing.preferences or {})
