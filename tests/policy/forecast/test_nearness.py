"""How near an endpoint is to the providers that were named."""

import time

import pytest

from app.policy.forecast.nearness import distance, provider_of, strangers
from tests.policy.listings import endpoint

KNOWN = frozenset({"novita", "moonshotai", "google-vertex"})


@pytest.mark.parametrize(
    ("entries", "nearest"),
    [
        (["novita"], "novita/fp8"),
        (["novita/bf16"], "novita/fp8"),
        (["Moonshot AI"], "moonshotai"),
        (["moonshot"], "moonshotai"),
        (["groq", "novta"], "novita/fp8"),
    ],
)
def test_the_same_provider_is_nearest_then_the_most_similar_name(
    entries: list[str], nearest: str
) -> None:
    offers = [endpoint("google-vertex", "Google"), endpoint("moonshotai", "Moonshot AI")]
    offers.append(endpoint("novita/fp8", "Novita"))
    assert min(offers, key=lambda each: distance(each, entries)).tag == nearest


def test_names_that_have_nothing_to_do_with_each_other_are_all_as_far() -> None:
    offers = [endpoint("novita/fp8", "Novita"), endpoint("moonshotai", "Moonshot AI")]
    assert [distance(each, ["groq"]) for each in offers] == [1, 1]
    assert distance(offers[0], []) == 1
    assert distance(offers[0], ["novita"]) == 0


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        (["novita", "Google", "google-vertex/europe"], {}),
        (["novita", "moonshot", "zzz"], {"moonshot": "moonshotai", "zzz": None}),
        (["moonshot/fp8"], {"moonshot/fp8": "moonshotai"}),
        (["\x1b[31m", "x" * 65, "", " a"], {}),  # none of these could be a name
    ],
)
def test_a_stranger_is_an_entry_that_no_provider_has(
    entries: list[str], found: dict[str, str | None]
) -> None:
    assert strangers(entries, KNOWN) == found


def test_a_display_name_is_its_slug() -> None:
    assert provider_of("Google AI Studio") == "google-ai-studio"
    assert provider_of("deepinfra/fp8") == "deepinfra"


def test_t60_a_great_many_names_cost_no_more_than_a_few() -> None:
    many = [f"nobody-{number}" for number in range(50_000)]
    start = time.process_time()
    distance(endpoint("novita/fp8", "Novita"), many)
    assert len(strangers(many, KNOWN)) == 20
    assert time.process_time() - start < 0.5
