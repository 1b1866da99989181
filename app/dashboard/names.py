"""Names: a group's name, its colour, and the filters that find its receipts. PURE.

Rule 1  A name always has the same colour: on every page, after every reload.
Rule 2  "Refused by Pointsman" and "provider not named" are separate groups, and grey. They are not
        providers or quantizations; the same applies to "not listed".
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ledger.receipt import iso
from ..ledger.stats import Dimension, Figures, Line, Series, Verdicts
from ..ledger.tally import OTHERS, Tally
from ..ledger.wanted import NONE

COLOURS = 24  # of the palette; 0 and those after are greys
GREY, REFUSED_GREY, UNNAMED_GREY = 0, 25, 26
NO_COLOUR = -1  # for names that are never drawn

# Gives the usual providers different colours; others get theirs by a digest of the name.
USUAL = (
    *("deepinfra", "novita", "fireworks", "together", "baseten", "parasail", "nebius", "chutes"),
    *("groq", "cerebras", "moonshotai", "z-ai", "siliconflow", "google-vertex", "anthropic"),
    *("openai", "azure", "amazon-bedrock", "alibaba", "deepseek", "mistral", "hyperbolic"),
    *("sambanova", "google-ai-studio"),
)
_STEP = 7  # through the palette, so that neighbours in the list are far apart in it


@dataclass(frozen=True, slots=True)
class Name:
    """A group's name; `filters` find its receipts, None if no filter does."""

    text: str
    filters: Mapping[str, str] | None = field(default=None, hash=False)
    colour: int = GREY

    @property
    def is_grey(self) -> bool:
        """Whether it is not the name of a provider, model or quantization."""
        return self.colour in {GREY, REFUSED_GREY, UNNAMED_GREY}


REFUSED = Name("refused by Pointsman", {"refused": "true"}, REFUSED_GREY)
UNNAMED = Name("provider not named", {"provider": NONE, "refused": "false"}, UNNAMED_GREY)
UNLISTED = Name("not listed", {"quantization": NONE, "refused": "false"}, GREY)
REST = Name("others")

_WITHOUT: Mapping[Dimension, Name] = {
    "provider": UNNAMED,
    "quantization": UNLISTED,
    "model": Name("no model"),
    "caller": Name("no caller name", {"caller": NONE}),
    "rule": Name("no rule", {"rule": NONE}),
    "user_agent": Name("no tool named", {"user_agent": NONE}),
    "session": Name("no session", {"session": NONE}),
}

Grouped = tuple[tuple[Name, Figures], ...]


def colour_of(name: str) -> int:
    """The number of a name's colour in the palette."""
    if name in USUAL:
        return USUAL.index(name) * _STEP % COLOURS + 1
    return hashlib.blake2b(name.encode(errors="replace"), digest_size=2).digest()[0] % COLOURS + 1


def name_of(dimension: Dimension, value: str | None) -> Name:
    """The name of a group by one dimension."""
    if value is None:
        return _WITHOUT[dimension]
    if value == OTHERS:
        return replace(REST, text=OTHERS)
    return Name(value, {dimension: value}, colour_of(value))


def provider_name(names: Sequence[str | None]) -> Name:
    """The name of a group by provider and other dimensions: its provider."""
    return name_of("provider", names[0])


def quantization_name(names: Sequence[str | None]) -> Name:
    """The quantization of a group by provider and quantization; none without a provider."""
    return UNNAMED if names[0] is None else name_of("quantization", names[1])


def both_names(names: Sequence[str | None]) -> Name:
    """The name of a group by provider and quantization, from both."""
    provider, listed = provider_name(names), quantization_name(names)
    if names[0] is None:
        return provider
    filters = None
    if provider.filters is not None and listed.filters is not None:
        filters = {**listed.filters, **provider.filters}
    return Name(f"{provider.text}, {listed.text}", filters, provider.colour)


def first_name(by: Dimension, names: Sequence[str | None]) -> Name:
    """The name of a group by one dimension."""
    return name_of(by, names[0])


def days(series: Series) -> Grouped:
    """The days with any requests, by their dates."""
    return tuple(
        (
            Name(
                f"{start:%Y-%m-%d}",
                {"since": iso(start), "until": iso(start + series.bucket)},
                NO_COLOUR,
            ),
            total,
        )
        for start, total in zip(series.starts, series.total, strict=True)
        if total.requests
    )


def grouped(
    groups: Iterable[tuple[Sequence[str | None], Figures]],
    named: Callable[[Sequence[str | None]], Name],
) -> Grouped:
    """Groups by name, most requests first; refusals without a provider are a separate group."""
    found: dict[Name, Figures] = defaultdict(Figures)
    for names, figures in groups:
        for name, part in _parts(named(names), figures):
            found[name] += part
    return tuple(sorted(found.items(), key=lambda each: (-each[1].requests, each[0].text)))


def lines(
    given: Iterable[Line], named: Callable[[Sequence[str | None]], Name]
) -> tuple[tuple[Name, tuple[Figures, ...]], ...]:
    """Lines by name, most requests first, separated in the same way."""
    found: dict[Name, list[Figures]] = {}
    for line in given:
        for at, point in enumerate(line.points):
            for name, part in _parts(named(line.names), point):
                points = found.setdefault(name, [Figures()] * len(line.points))
                points[at] += part
    ordered = sorted(
        found.items(), key=lambda each: (-sum(one.requests for one in each[1]), each[0].text)
    )
    return tuple((name, tuple(points)) for name, points in ordered)


def _parts(name: Name, figures: Figures) -> Iterable[tuple[Name, Figures]]:
    refused = figures.refused
    if name != UNNAMED or not refused:
        return ((name, figures),) if figures.requests else ()
    apart, rest = split(figures)
    return ((REFUSED, apart), *(((name, rest),) if rest.requests else ()))


def split(figures: Figures) -> tuple[Figures, Figures]:
    """Split the figures of requests without a provider into refusals and the rest.

    Nothing was sent for refusals, so all sums except their number belong to the rest.
    """
    count, verdicts = figures.refused, figures.verdicts
    unjudged = min(count, verdicts.none)
    return (
        Figures(Tally(requests=count, refused=count), Verdicts(none=unjudged)),
        Figures(
            figures.tally._replace(requests=figures.requests - count, refused=0),
            replace(verdicts, none=verdicts.none - unjudged),
        ),
    )
