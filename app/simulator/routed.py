"""The result of a request: the endpoint that served it, all that received it, inner calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .ask import Ask
from .catalog import Row
from .completion import Completion
from .naming import Why
from .routing import has_own_key

if TYPE_CHECKING:
    from .refusals import Refusal

_OWN_KEY_FEE = Decimal("0.05")  # OpenRouter's fee on spending with the account's own key


class Reached(NamedTuple):
    """One endpoint that received a request, whatever its answer."""

    request: int  # the number of the request that arrived
    why: Why
    carrier: str  # the cause of an inner or a judge's call; else empty
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
    """A call that a server tool or a router makes to a model other than the answering one."""

    carrier: str  # tools.openrouter:advisor, plugins.fusion
    role: str  # advisor, subagent, panel, analyst, image_generation
    model: str
    tools: tuple[dict[str, Any], ...] = ()
    name: str = ""
    transcript: bool = False  # whether it gets the whole conversation

    @property
    def kind(self) -> str:
        """The tool's type; empty if a router makes the call."""
        return self.carrier.removeprefix("tools.") if self.carrier.startswith("tools.") else ""


@dataclass(frozen=True, slots=True)
class InnerRun:
    """The result of an inner call: an answer, or the reason why there was none."""

    call: InnerCall
    outcome: "Routed | Refusal"

    @property
    def routed(self) -> "Routed | None":
        """The answer, if there was one."""
        return self.outcome if isinstance(self.outcome, Routed) else None

    @property
    def text(self) -> str:
        """The text that the outer model receives."""
        if isinstance(self.outcome, Routed):
            return self.outcome.completion.text
        return f"Error {self.outcome.status}: {self.outcome.message}"


class Stored(NamedTuple):
    """What OpenRouter's response cache did with a request."""

    status: Literal["HIT", "MISS"]
    age: int  # seconds
    seconds: int  # that an answer is kept
    source: str = ""  # the generation whose answer it is

    def headers(self) -> dict[str, str]:
        """The headers of the answer that say so."""
        told = {"Status": self.status, "TTL": str(self.seconds)}
        if self.source:
            told |= {"Age": str(self.age), "Source-Id": self.source}
        return {f"X-OpenRouter-Cache-{name}": value for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Routed:
    """An answer and how it was produced."""

    completion: Completion
    attempts: tuple[tuple[Row, int], ...]  # every row that received the prompt, with its status
    available: tuple[Row, ...]
    strategy: str
    ask: Ask  # as it applied to the model that answered
    inner: tuple[InnerRun, ...] = ()
    pipeline: tuple[dict[str, Any], ...] = ()  # a router's choice in router metadata
    stored: Stored | None = None  # None unless the response cache was to be used

    def answers(self) -> Iterator["Routed"]:
        """This answer, and the answers to all calls inside it."""
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
        """USD charged by OpenRouter: with the account's own key, its fee (openrouter.md §A5.1)."""
        return sum(
            (
                charged(each.ask, each.completion.row, each.completion.usage.cost)
                for each in self.answers()
            ),
            Decimal(0),
        )


def charged(ask: Ask, row: Row, spent: Decimal) -> Decimal:
    """OpenRouter's charge for the amount spent at one host."""
    return spent * _OWN_KEY_FEE if has_own_key(ask, row) else spent
