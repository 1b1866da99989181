"""The shape of `notify`: a list of events, or `off`."""

from typing import Any

from ..notify import OFF, RULE_EVENTS
from .shapes import Choice, ListOf, Schema
from .yaml_tree import BAD, Spot

_EVENTS = ListOf(Choice(RULE_EVENTS, "an event of a rule"))
_OFF = Choice((OFF,), f"a list of events or `{OFF}`")


class Told:
    """Some of the events that a rule can have; `off`: none of them."""

    def read(self, spot: Spot) -> Any:
        """The events as a list."""
        if spot.kind == "list":
            return _EVENTS.read(spot)
        if spot.kind == "text" and spot.text() in RULE_EVENTS:
            return _EVENTS.read(spot)  # which says how to write it
        return [] if _OFF.read(spot) == OFF else BAD

    def schema(self) -> Schema:
        """Either."""
        return {"anyOf": [_EVENTS.schema(), _OFF.schema()]}
