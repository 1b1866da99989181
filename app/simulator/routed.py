"""What became of a request: which endpoint served it, which were sent it, what ran inside."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from app.simulator.ask import Ask
from app.simulator.catalog import Row
from app.simulator.completion import Completion
from app.simulator.naming import Why
from app.simulator.routing import has_own_key

if TYPE_CHECKING:
    from app.simulator.refusals import Refusal

_OWN_KEY_FEE = Decimal("0.05")  # what OpenRouter takes of a spend by one's own key


class Reached(NamedTuple):
    """One endpoint that was sent something, whatever it answered."""

    request: int  # the number of the request that arrived
    why: Why
    carrier: str  # of an inner or a judge's call, what brought it about; else empty
    row: Row
    status: int

    @property
    def model(self) -> str:
        """The model's id."""
        return self.row.model.id

    @property
    def tag(self) -> str:
        """The endpoint's tag."""
        return self.row.tag


@dataclass(frozen=True, slots=True)
class InnerCall:
    """A call that a server tool or a router makes to a model beside the one that answers."""

    carrier: str  # tools.openrouter:advisor, plugins.fusion
    role: str  # advisor, subagent, panel, analyst, image_generation
    model: str
    tools: tuple[dict[str, Any], ...] = ()
    name: str = ""
    transcript: bool = False  # whether it gets the whole conversation

    @property
    def kind(self) -> str:
        """The tool's type; empty where a router makes the call."""
        return self.carrier.removeprefix("tools.") if self.carrier.startswith("tools.") else ""


@dataclass(frozen=True, slots=True)
class InnerRun:
    """What became of an inner call: an answer, or why there was none."""

    call: InnerCall
    outcome: "Routed | Refusal"

    @property
    def routed(self) -> "Routed | None":
        """The answer, if there was one."""
        return self.outcome if isinstance(self.outcome, Routed) else None

    @property
    def text(self) -> str:
        """What the outer model is told."""
        if isinstance(self.outcome, Routed):
            return self.outcome.completion.text
        return f"Error {self.outcome.status}: {self.outcome.message}"


@dataclass(frozen=True, slots=True)
class Routed:
    """An answer and how it came about."""

    completion: Completion
    attempts: tuple[tuple[Row, int], ...]  # every row that got the prompt, with its status
    available: tuple[Row, ...]
    strategy: str
    ask: Ask  # as it stood for the model that answered
    inner: tuple[InnerRun, ...] = ()
    pipeline: tuple[dict[str, Any], ...] = ()  # what router metadata says of a router's choice

    def answers(self) -> Iterator["Routed"]:
        """This answer, and those to every call inside it."""
        yield self
        for run in self.inner:
            if run.routed is not None:
                yield from run.routed.answers()

    @property
    def spent(self) -> Decimal:
        """USD spent at hosts, inside calls included."""
        return sum((each.completion.usage.cost for each in self.answers()), Decimal(0))

    @property
    def charged(self) -> Decimal:
        """USD that OpenRouter charges: with an own key, its fee (openrouter.md §A5.1)."""
        return sum(
            (
                charged(each.ask, each.completion.row, each.completion.usage.cost)
                for each in self.answers()
            ),
            Decimal(0),
        )


def charged(ask: Ask, row: Row, spent: Decimal) -> Decimal:
    """What OpenRouter charges for what was spent at one host."""
    return spent * _OWN_KEY_FEE if has_own_key(ask, row) else spent
