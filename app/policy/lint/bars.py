"""The models that a bar, a score floor or `audited`, applies to."""

from collections.abc import Mapping

from app.policy.bar import Bar
from app.policy.forecast.scenarios import Case
from app.policy.lint.finding import Subject
from app.policy.rule import Clause

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
