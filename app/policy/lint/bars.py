"""The models that a bar, a score floor or `audited`, applies to."""

from collections.abc import Mapping

from ..bar import Bar
from ..forecast.scenarios import Case
from ..rule import Clause
from .finding import Subject

Barred = Mapping[Clause, list[tuple[Case, Bar]]]


def barred(subject: Subject, key: str) -> Barred:
    """The cases of models that are named in full or listed, by the clause with this key."""
    found: dict[Clause, list[tuple[Case, Bar]]] = {}
    for case in subject.cases:
        if case.named or subject.catalog.listing(case.model) is not None:
            for bar in case.route.bars:
                if bar.key == key:
                    found.setdefault(bar.clause, []).append((case, bar))
    return found
