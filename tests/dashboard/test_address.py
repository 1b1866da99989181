"""What an address asks for, and where its links lead."""

import pytest

from app.dashboard.address import Address, address_of
from app.ledger.wanted import EVERYTHING, NAMES, FilterError, Wanted

WHO = "/dashboard/who"


def at(usual: str | None = None, reads: str | None = None, **given: str) -> Address:
    return address_of(WHO, given, reads=reads, usual=usual)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, EVERYTHING),
        ({"model": "", "provider": "  ", "verdict": ""}, EVERYTHING),
        ({"model": " qwen/* "}, Wanted(model="qwen/*")),
        ({"verdict": "none", "caller": "ci"}, Wanted(verdict="none", caller="ci")),
        ({"failed": "true", "status": "429"}, Wanted(failed=True, status=429)),
        ({"after": "7", "other": "x"}, EVERYTHING),
    ],
)
def test_filters_are_read_from_an_address(parameters: dict[str, str], found: Wanted) -> None:
    assert at(**parameters).wanted == found


def test_a_visitor_with_one_callers_key_sees_that_callers_receipts_whatever_is_asked() -> None:
    address = at(reads="aider", caller="ci", model="m")
    assert address.wanted == Wanted(model="m", caller="aider")
    assert "caller" not in address.receipts()


def test_a_value_that_can_not_be_read_is_named() -> None:
    with pytest.raises(FilterError, match="verdict: 'nonsense' is not one of kept"):
        at(verdict="nonsense")


def test_every_filter_goes_along_to_other_pages_and_to_the_receipts() -> None:
    given = dict.fromkeys(NAMES, "x") | {"verdict": "kept", "status": "200", "since": "7d"}
    given |= {"failed": "true", "refused": "false", "until": "1h"}
    given |= {"ending": "empty", "defect": "any"}
    address = at(**given, sort="cost")
    for link in (address.page("/dashboard/money"), address.receipts()):
        assert all(f"{name}=" in link for name in NAMES)
        assert "sort=" not in link


def test_each_filter_can_be_removed_alone() -> None:
    chips = {chip.label: chip for chip in at(model="a/*", user_agent="x", sort="cost").chips}
    assert chips["model"].without == f"{WHO}?user_agent=x&sort=cost"
    assert chips["tool"].value == "x"
    assert at(model="a").without_all == WHO


def test_the_usual_period_holds_where_no_time_is_given_and_goes_to_the_receipts() -> None:
    assert at("24h").receipts(provider="p") == "/dashboard/receipts?since=24h&provider=p"
    assert at("24h").wanted.since is not None
    assert at("24h", until="2026-11-27").wanted.since is None
    assert at("24h", since="7d").since == "7d"


def test_filters_without_a_field_stay_when_the_form_is_sent() -> None:
    assert at(session="s", model="m", after="7", show="share").beside == {
        "session": "s",
        "show": "share",
    }
