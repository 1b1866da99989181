"""What a defect is looked for in: one answer, and what its request asked for."""

from dataclasses import dataclass, field

from .budget import Budget
from .offered import Offered
from .reading import Reading


@dataclass(frozen=True, slots=True)
class Case:
    """An answer beside its request. `budget`: what the checks of JSON Schemas may still cost.

    `prose` is the text of the answer without code.
    """

    reading: Reading
    offered: Offered
    dialect: str
    prose: str
    budget: Budget = field(default_factory=Budget)
