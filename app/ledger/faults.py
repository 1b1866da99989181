"""Faults: what the scorecard counts against a host, and over which requests. PURE.

Rule 1  A defect counts over the answers that it applies to: whole ones, in a dialect where it is
        looked for, and those of tools or JSON only over requests that ask for these.
Rule 2  A group of defects counts an answer once, however many of them it has.
Rule 3  A failure counts over all requests that the host was sent: those that it answered or failed,
        and attempts that it failed before another host was tried.
"""

from dataclasses import dataclass
from typing import Literal

from ..defects.table import DEFECTS, GROUPS

Of = Literal["tool_calls", "json", "answers", "requests"]  # what a rate is a share of
_OF: dict[str, Of] = {"tool_calls": "tool_calls", "json": "json"}

ANY, FAILED = "any_defect", "failed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One column. `filters` find the receipts behind it."""

    name: str
    label: str
    of: Of
    filters: tuple[str, str]
    dialects: frozenset[str] = frozenset()
    defects: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()


EACH: tuple[Fault, ...] = tuple(
    Fault(
        row.name,
        row.name.replace("_", " "),
        _OF.get(row.group, "answers"),
        ("defect", row.name),
        frozenset(row.dialects),
        frozenset({row.name}),
    )
    for row in DEFECTS
)
_LABELS = {"tool_calls": "tool calls", "json": "JSON", "text": "text", "ending": "ending"}
GROUPED: tuple[Fault, ...] = tuple(
    Fault(
        group,
        _LABELS[group],
        _OF.get(group, "answers"),
        ("defect", group),
        frozenset(dialect for row in rows for dialect in row.dialects),
        frozenset(row.name for row in rows),
    )
    for group, rows in GROUPS.items()
)
_WHOLE = Fault(
    ANY,
    "any defect",
    "answers",
    ("defect", "any"),
    frozenset(dialect for row in DEFECTS for dialect in row.dialects),
    frozenset(row.name for row in DEFECTS),
)
FAILURE = Fault(FAILED, "failed", "requests", ("failed", "true"))
ENDINGS: tuple[Fault, ...] = tuple(
    Fault(f"ended_{ending}", f"ended {ending}", "requests", ("ending", ending), endings=only)
    for ending in ("empty", "unfinished")
    if (only := frozenset({ending}))
)
COLUMNS: tuple[Fault, ...] = (_WHOLE, *GROUPED, FAILURE)
DETAILS: dict[str, tuple[Fault, ...]] = {
    **{
        column.name: tuple(each for each in EACH if each.defects <= column.defects)
        for column in GROUPED
    },
    FAILED: ENDINGS,
}
ALL: tuple[Fault, ...] = (*COLUMNS, *EACH, *ENDINGS)
