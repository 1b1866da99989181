"""Names, colours, and the groups that are no providers."""

import re
from pathlib import Path

import pytest

from app.dashboard import names
from app.dashboard.names import COLOURS, REFUSED, UNLISTED, UNNAMED, colour_of, grouped, name_of
from app.ledger.tally import OTHERS
from tests.dashboard.stats import figures

CSS = (Path(names.__file__).parent / "static" / "dashboard.css").read_text(encoding="utf-8")


def test_the_usual_providers_have_a_colour_each_and_keep_it() -> None:
    colours = [colour_of(name) for name in names.USUAL]
    assert len(set(colours)) == len(colours) == COLOURS
    assert (colour_of("novita"), colour_of("together")) == (8, 22)
    assert 1 <= colour_of("a new one") <= COLOURS


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_every_colour_stands_out_from_the_card_it_is_on(place: int) -> None:
    cards = re.findall(r"--card: (#[0-9a-f]+);", CSS)
    for number in range(COLOURS + 3):
        colour = re.findall(rf"--c{number}: (#[0-9a-f]+);", CSS)[place]
        assert _contrast(colour, cards[place]) >= 3, number


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


def _light(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_refusals_are_apart_from_answers_without_a_provider_and_no_request_is_lost() -> None:
    groups = [
        ((None,), figures(5, refused=2, none=4, unproven=1)),
        (("novita",), figures(3, kept=3)),
    ]
    found = dict(grouped(groups, names.provider_name))
    assert {name.text: each.requests for name, each in found.items()} == {
        "novita": 3,
        "provider not named": 3,
        "refused by Pointsman": 2,
    }
    assert found[UNNAMED].verdicts.unproven == 1
    assert found[REFUSED].verdicts.none == found[UNNAMED].verdicts.none == 2
    assert REFUSED.is_grey
    assert UNNAMED.is_grey


def test_what_is_not_listed_is_no_quantization() -> None:
    assert names.quantization_name(("novita", None)) == UNLISTED
    assert names.quantization_name((None, None)) == UNNAMED
    both = names.both_names(("novita", "fp8"))
    assert both.filters == {"provider": "novita", "quantization": "fp8"}
    assert name_of("model", OTHERS).filters is None
