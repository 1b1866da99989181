"""Reads the names of headers that the settings add to those that are forwarded to upstream."""

from .header_names import is_entry
from .headers import LISTED
from .never_forwarded import why_never


def read_forwarded(entry: str) -> str:
    """A checked name or prefix (`x-foo`, `x-foo-*`), in lower case.

    Raises `ValueError` naming the entry, without what may be a value, and the reason.
    """
    name = entry.strip().lower()
    if not is_entry(name):
        start = name.partition(":")[0].split(" ")[0]
        raise ValueError(
            f"{start!r} is not the name of a header; write names without values, such as x-foo, "
            "and prefixes as x-foo-*"
        )
    reason = None if LISTED.meet(name) and not name.endswith("*") else why_never(name)
    if reason is None:
        return name
    if name.endswith("*"):
        raise ValueError(
            f"{name!r} covers a header that is never forwarded, because {reason}; "
            "use a longer prefix, or whole names"
        )
    raise ValueError(f"{name!r} is never forwarded, because {reason}; remove it")
