"""Several workers' metrics as if one had counted them."""

from dataclasses import replace

import pytest

from app.telemetry.metrics import exposition, exposition_of, telling
from app.telemetry.sums import (
    ACROSS,
    Telling,
    across,
    carried_on,
    counted_in,
    from_bytes,
    to_bytes,
)
from tests.telemetry.exposed import STANDING, Labels, busy, families, values

NOTHING: Labels = frozenset()


def told(**standing: object) -> Telling:
    return telling(busy(), replace(STANDING, **standing))  # type: ignore[arg-type]


def shown(told: Telling) -> dict[tuple[str, Labels], float]:
    return values(exposition_of(told, "")[1].decode())


def ours(text: str) -> dict[tuple[str, Labels], float]:
    """Without those of the process, which change by themselves."""
    return {key: value for key, value in values(text).items() if key[0].startswith("pointsman_")}


def test_alone_a_worker_shows_what_one_process_would() -> None:
    content_type, alone = exposition(busy(), STANDING, "")
    same_type, same = exposition_of(from_bytes(to_bytes(told())), "")
    assert same_type == content_type
    assert ours(same.decode()) == ours(alone.decode())
    assert [line for line in same.splitlines() if line.startswith(b"#")] == [
        line for line in alone.splitlines() if line.startswith(b"#")
    ]


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0"])
def test_counts_of_several_are_added_up(accept: str) -> None:
    one = ours(exposition(busy(), STANDING, "")[1].decode())
    text = exposition_of(across([told(), told(), told()]), accept)[1].decode()
    for (name, labels), value in ours(text.removesuffix("# EOF\n")).items():
        if name.startswith(("pointsman_requests", "pointsman_tokens", "pointsman_time_to")):
            assert value == 3 * one[name, labels], name


def test_each_gauge_becomes_one_in_its_own_way() -> None:
    both = across(
        [
            told(open_requests=2, catalog_models=7, book="old", workers=3),
            told(
                open_requests=5, ledger_error="disk full", catalog_models=6, book="new", workers=3
            ),
        ]
    )
    found = shown(both)
    expected = {
        "open_requests": 7,
        "ledger_up": 0,
        "catalog_models": 7,
        "catalog_drifts_total": 9,  # each has noticed the same ones
        "ledger_dropped_total": 10,
        "workers": 3,
        "workers_answering": 2,
    }
    assert {name: found[f"pointsman_{name}", NOTHING] for name in expected} == expected
    revisions = [labels for name, labels in found if name == "pointsman_book_info"]
    assert revisions == [frozenset({("revision", "old")}), frozenset({("revision", "new")})]


def test_every_gauge_says_how_two_become_one() -> None:
    text = exposition(busy(), STANDING, "")[1].decode()
    gauges = {
        name.removesuffix("_info")
        for name, found in families(text).items()
        if found.type == "gauge"
    }
    assert gauges <= ACROSS.keys()


def test_who_replaces_another_goes_on_counting_and_has_gauges_of_its_own() -> None:
    before, now = told(open_requests=4, catalog_drifts=2), told(open_requests=1, catalog_drifts=3)
    found = shown(carried_on(before, now))
    assert found["pointsman_catalog_drifts_total", NOTHING] == 5
    assert found["pointsman_refusals_total", frozenset({("code", "policy_conflict")})] == 2
    assert found["pointsman_open_requests", NOTHING] == 1
    assert shown(carried_on((), now)) == shown(now)


def test_of_who_says_no_more_the_counts_stay() -> None:
    found = shown(across([told(), counted_in(told())]))
    assert found["pointsman_refusals_total", frozenset({("code", "policy_conflict")})] == 2
    assert found["pointsman_open_requests", NOTHING] == 3
    assert found["pointsman_workers_answering", NOTHING] == 1
