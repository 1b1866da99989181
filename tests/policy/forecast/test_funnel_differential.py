"""The funnel and the simulated router, written apart, must leave the same endpoints of anything.

`POINTSMAN_DIFFERENTIAL=100000 pytest tests/policy/forecast/test_funnel_differential.py`
tries more cases.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.catalog.endpoint import Endpoint
from app.errors import PolicyFileError, RequestError
from app.policy.apply import apply
from app.policy.book import EMPTY_BOOK
from app.policy.filters import Passes, Tells, nobody_tells
from app.policy.forecast.forecast import Forecast, forecasts
from app.policy.forecast.ways import Change
from app.policy.request import Request, read_request
from app.policy.route import Route
from app.simulator.ask import read_ask
from app.simulator.catalog import Catalog
from app.simulator.completion import tokens
from app.simulator.refusals import Refusal
from app.simulator.router import Router
from app.simulator.switches import Switches
from tests.policy.random_routing import Case, case
from tests.policy.sending import book_of
from tests.simulator.simulated import HELLO, NOW

CASES = int(os.environ.get("POINTSMAN_DIFFERENTIAL", "4800"))
CHUNKS = 6

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Meeting:
    """One case as it goes upstream, and what the funnel says of it."""

    sent: dict[str, Any]
    forecast: Forecast
    request: Request
    route: Route

    @property
    def survivors(self) -> set[int]:
        """Their places: rows may look alike."""
        left = {id(endpoint) for endpoint in self.forecast.funnel.survivors}
        endpoints = enumerate(self.forecast.funnel.endpoints)
        return {place for place, endpoint in endpoints if id(endpoint) in left}


def meet(one: Case, *, told: bool, families: Passes = False) -> Meeting | None:
    """None where the policy itself refuses; `told`: with what no listing shows."""
    public = [
        {key: value for key, value in row.items() if key != "_simulator"}
        for row in one.model["endpoints"]
    ]
    catalog = EMPTY.with_models([one.model]).with_listing(one.model["id"], public, NOW)
    listing = catalog.listing(one.model["id"])
    assert listing is not None
    assert len(listing.endpoints) == len(public)
    try:
        book = book_of(one.rule) if one.rule else EMPTY_BOOK
        request = read_request(json.dumps(one.body).encode())
        route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
        outgoing = apply(request, route)
    except (PolicyFileError, RequestError):
        return None
    (forecast,) = forecasts(
        request,
        route,
        outgoing.preferences,
        catalog,
        tells=hidden_facts(one, listing.endpoints, families) if told else nobody_tells,
        prompt_tokens=tokens(ask(one, json.loads(outgoing.body)).prompt),
    )
    return Meeting(json.loads(outgoing.body), forecast, request, route)


def hidden_facts(one: Case, endpoints: tuple[Endpoint, ...], families: Passes) -> Tells:
    rows = {
        id(e): row["_simulator"] for e, row in zip(endpoints, one.model["endpoints"], strict=True)
    }
    distillable = one.model["_simulator"]["distillable"]

    def tells(name: str, endpoint: Endpoint) -> Passes:
        hidden = rows[id(endpoint)]
        answers: dict[str, Passes] = {
            "data_collection": not hidden["trains"],
            "zdr": hidden["zdr"],
            "enforce_distillable_text": distillable,
            "regional_surcharge": not hidden["regional_surcharge"],
            "label_family": families,
        }
        return answers[name]

    return tells


def ask(one: Case, body: dict[str, Any], switches: Switches | None = None) -> Any:
    return read_ask(body, "chat", {}, Catalog([one.model]), switches or Switches())


def accepted(one: Case, body: dict[str, Any], switches: Switches | None = None) -> set[int]:
    """The places of the rows that the simulated router would try; none: it answers 404."""
    asked = ask(one, body, switches)
    try:
        routed = Router(Catalog([one.model]), seed=0, clock=lambda: NOW).route(asked)
    except Refusal:
        return set()
    return {row.listed["place"] for row in routed.available}


def is_one_of_them(sent: dict[str, Any]) -> bool:
    """Without fallbacks and without an order, the router tries one of those that are left."""
    provider = sent.get("provider") or {}
    return provider.get("allow_fallbacks") is False and not provider.get("order")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_funnel_leaves_whom_the_router_would_try(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for number in range(chunk, CASES, CHUNKS):
        one = case(number)
        meeting = meet(one, told=True)
        if meeting is None:
            seen["refused"] += 1
            continue
        tried, survivors = accepted(one, meeting.sent), meeting.survivors
        about = f"case {number}: {meeting.forecast.funnel} but tried {sorted(tried)}"
        if is_one_of_them(meeting.sent) and survivors:
            assert len(tried) == 1, about
            assert tried <= survivors, about
        else:
            assert tried == survivors, about
        seen["served" if tried else "empty"] += 1
    assert min(seen["served"], seen["empty"]) > 0.15 * seen.total(), seen


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_no_listing_tells_is_never_guessed(chunk: int) -> None:
    """With the public rows alone, nobody whom the router would try is said to fall."""
    for number in range(chunk, CASES // 3, CHUNKS):
        one = case(number)
        meeting = meet(one, told=False)
        if meeting is None:
            continue
        if any(row["_simulator"]["regional_surcharge"] for row in one.model["endpoints"]):
            continue  # nobody asks for that filter, so the funnel has no word on it
        tried = accepted(one, meeting.sent)
        assert tried <= meeting.survivors, f"case {number}: {meeting.forecast.funnel}"
        if not (meeting.forecast.funnel.unsure or is_one_of_them(meeting.sent)):
            assert tried == meeting.survivors, f"case {number}: {meeting.forecast.funnel}"


OPEN = [
    pytest.param({"display_names": True}, "display_names_match", id="display names"),
    pytest.param({}, "families_expand", id="families"),
]


@pytest.mark.parametrize(("drawn", "switch"), OPEN)
def test_what_the_docs_leave_open_is_never_guessed(drawn: dict[str, bool], switch: str) -> None:
    """Whichever way the router takes it, nothing that it would try is said to fall.

    Where the funnel is sure of everything, both ways leave the same endpoints.
    """
    switched = [Switches().overridden({switch: on}) for on in (False, True)]
    apart = 0
    for number in range(CASES // 2):
        one = case(number, **drawn)
        meeting = meet(one, told=True, families=None)
        if meeting is None:
            continue
        ways = [accepted(one, meeting.sent, switches) for switches in switched]
        about = f"case {number}: {meeting.forecast.funnel} but tried {ways}"
        apart += ways[0] != ways[1]
        for tried in ways:
            assert tried <= meeting.survivors, about
            if not (meeting.forecast.funnel.unsure or is_one_of_them(meeting.sent)):
                assert tried == meeting.survivors, about
    assert apart >= 10, "the cases must be such that it matters"


def test_the_cases_hold_what_routing_stumbles_over() -> None:
    """Tiers that only a listing tells of, rows without a label, families, display names."""
    seen: Counter[str] = Counter()
    for number in range(300):
        one = case(number, display_names=True)
        for row in one.model["endpoints"]:
            tail = row["tag"].partition("/")[2]
            seen["a tier told by the listing alone"] += row["service_tier"] not in {None, tail}
            seen["a tier told by the tag alone"] += (
                tail in {"priority", "flex"} and row["service_tier"] is None
            )
            seen["no label"] += row["quantization"] is None
            seen["a family's member"] += row["quantization"] in {"mxfp8", "mxfp4", "nvfp4"}
        lists = (one.body["provider"].get(key) or () for key in ("only", "ignore", "order"))
        names = {row["provider_name"] for row in one.model["endpoints"]}
        seen["a display name"] += not names.isdisjoint(entry for each in lists for entry in each)
    assert min(seen.values()) >= 10, seen
    assert len(seen) == 5


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_after_the_smallest_relaxation_somebody_serves(chunk: int) -> None:
    """Done as told, on the side that is told, the request is served."""
    for number in range(chunk, CASES, CHUNKS):
        one = case(number)
        meeting = meet(one, told=True)
        if meeting is None or not meeting.forecast.is_empty:
            continue
        way_out = meeting.forecast.relaxation
        assert way_out is not None, f"case {number}"
        body = done_as_told(meeting, way_out.changes)
        assert accepted(one, body), f"case {number}: {way_out}"


def done_as_told(meeting: Meeting, changes: tuple[Change, ...]) -> dict[str, Any]:
    """What is sent once policy and request say what the way out has them say."""
    body, policy = json.loads(meeting.request.body), dict(meeting.route.preferences)
    for change in changes:
        if change.side is None:
            fields = ["messages", "max_tokens"] if change.key == "context_length" else [change.key]
            for field in ["messages"] if change.key == "images" else fields:
                body.pop(field, None)
        elif change.side.is_request:
            body["provider"] = changed(body.get("provider") or {}, change)
        else:
            policy = changed(policy, change)
    body.setdefault("messages", HELLO)
    route = replace(meeting.route, preferences=policy, encoded=json.dumps(policy).encode())
    arrived: dict[str, Any] = json.loads(apply(read_request(json.dumps(body).encode()), route).body)
    return arrived


def changed(preferences: dict[str, Any], change: Change) -> dict[str, Any]:
    name, _, part = change.key.partition(".")
    value = {**preferences.get(name, {}), part: change.value} if part else change.value
    return {**preferences, name: value}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_t52_who_is_behind_a_fall_makes_it_fall_alone(chunk: int) -> None:
    """The router would not try the row for the policy alone, or for the request alone, either."""
    seen: Counter[str] = Counter()
    for number in range(chunk, CASES // 3, CHUNKS):
        one = case(number)
        meeting = meet(one, told=True)
        if meeting is None or not one.rule:
            continue
        without = {key: value for key, value in one.body.items() if key != "provider"}
        sides = {
            "policy": meet(Case(one.model, without, one.rule), told=True),
            "request": meet(Case(one.model, one.body, {}), told=True),
        }
        tried = {name: accepted(one, side.sent) for name, side in sides.items() if side}
        places = {id(e): n for n, e in enumerate(meeting.forecast.funnel.endpoints)}
        for drop in meeting.forecast.funnel.dropped:
            behind = [*["policy"] * bool(drop.clauses), *["request"] * drop.behind.request]
            seen[" and ".join(behind)] += 1
            place = places[id(drop.endpoint)]
            about = f"case {number}: {drop.endpoint.tag} at {drop.filter} by {behind}"
            alone = {place not in tried[side] for side in behind}
            together = len(behind) > 1 and drop.filter in {"only", "order"}
            assert alone <= {True} or together, about
            for_those_who_name_it = drop.filter in {"service_tier", "regional_surcharge"}
            assert drop.behind or for_those_who_name_it, about
    assert min(seen[side] for side in ("policy", "request", "policy and request")) > 0, seen
