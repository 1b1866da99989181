"""Headers to remove that are not forwarded in any case."""

from collections.abc import Iterator

from ...wire.header_names import names_of
from ...wire.headers import LISTED
from ...wire.never_forwarded import why_never
from .finding import Finding, Subject, at


def header_not_forwarded(subject: Subject) -> Iterator[Finding]:
    """Entries of `strip_headers` that mean no header that Pointsman would forward."""
    for clause in subject.clauses:
        key, _, entry = clause.key.partition(".")
        if key != "strip_headers" or LISTED.meet(entry):
            continue
        never = None if entry.endswith("*") else why_never(entry)
        if never:
            yield at(clause, "note", f"{entry} is never forwarded, because {never}; remove it")
        elif subject.forwarded is not None and not names_of(subject.forwarded).meet(entry):
            message = (
                f"{entry} is not forwarded in any case: it is neither among the headers that "
                "Pointsman forwards by itself nor in POINTSMAN_FORWARD_HEADERS; remove it"
            )
            yield at(clause, "note", message)
