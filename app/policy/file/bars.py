"""The shapes of `score_floor` (a floor for each benchmark, and two options) and `audited`."""

from collections.abc import Mapping
from typing import Any

from ...suggest import did_you_mean
from ..audited import ACCEPTED
from ..bar import UNKNOWNS
from ..score_floor import OPTIONS
from .shapes import Choice, Key, Number, Record, Schema, Shape, Text
from .yaml_tree import BAD, Spot

_HIGHEST = 1
_PERCENT = 100


def _too_high(accuracy: float) -> str | None:
    if accuracy <= _HIGHEST:
        return None
    meant = f"; did you mean {accuracy / _PERCENT:g}?" if accuracy <= _PERCENT else ""
    return f"{accuracy:g} is above 1; an accuracy is a share from 0 to 1{meant}"


def _dashes(text: str) -> str:
    meant = text.strip().lower().replace("-", "_").replace(" ", "_")
    return f"; did you mean {meant}?" if meant != text else "; use lower case and underscores"


class _Age(Text):
    """A number of days or weeks, with its unit."""

    def read(self, spot: Spot) -> Any:
        """The text as it was written."""
        if spot.kind == "number":
            return spot.complain(f"{spot} is not {self.noun}; for days, write {spot}d")
        return Text.read(self, spot)


_BENCHMARK = Text("a benchmark", r"[a-z0-9]+(?:_[a-z0-9]+)*", _dashes)
_ACCURACY = Number("accuracy, from 0 to 1", _too_high)
_AGE = _Age("an age", r"[1-9][0-9]{0,3}[dw]", lambda _: "; write days or weeks, such as 45d or 6w")
_OPTIONS: Mapping[str, Shape] = {
    "max_age": _AGE,
    "unscored": Choice(UNKNOWNS, "valid here"),
}
_HELP = {
    "max_age": "The highest age of the scores, in days or weeks; older ones count as missing.",
    "unscored": "Whether providers without a score are accepted; the default is deny.",
}
AUDITED = Record(
    {
        "verdict": Key(
            Choice(tuple(ACCEPTED), "a verdict that can be required"),
            "same: the last audit says same; not_different: it says same or undecided.",
            required="same",
        ),
        "max_age": Key(
            _AGE, "The highest age of an audit, in days or weeks; an older one counts as none."
        ),
        "unaudited": Key(
            Choice(UNKNOWNS, "valid here"),
            "Whether endpoints without an audit are accepted; the default is deny.",
        ),
    }
)
_NEAR = 0.8  # `unscored` misspelled is not a benchmark


class ScoreFloor:
    """At least one benchmark with its lowest accuracy; the options are not required."""

    def read(self, spot: Spot) -> Any:
        """A dict with the floors and the options, as written."""
        if spot.kind != "mapping":
            return spot.complain(f"{spot} is not a mapping; write it as {{gpqa_diamond: 0.6}}")
        values = {name: _value(name, each) for name, each in spot.entries().items()}
        if not values.keys() - set(OPTIONS):
            return spot.complain("it names no benchmark; add one, such as `gpqa_diamond: 0.6`")
        return BAD if any(value is BAD for value in values.values()) else values

    def schema(self) -> Schema:
        """An object whose other keys are benchmarks."""
        return {
            "type": "object",
            "properties": {
                name: {**shape.schema(), "description": _HELP[name]}
                for name, shape in _OPTIONS.items()
            },
            "propertyNames": _BENCHMARK.schema(),
            "additionalProperties": {**_ACCURACY.schema(), "maximum": _HIGHEST},
            "minProperties": 1,
        }


def _value(name: str, spot: Spot) -> Any:
    if name in _OPTIONS:
        return _OPTIONS[name].read(spot)
    meant = did_you_mean(name, OPTIONS, _NEAR)
    if meant:
        return spot.complain(f"unknown key `{name}`{meant}")
    if not _BENCHMARK.fits(name):
        return spot.complain(f'"{name}" is not {_BENCHMARK.noun}{_BENCHMARK.remedy(name)}')
    return _ACCURACY.read(spot)
