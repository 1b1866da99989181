"""Rejects names that can't be a model: without an author, and not an alias of Pointsman.

Upstream answers 400 to most of them, and a tool's user can't see why. If upstream accepted one as
a model, no rule that names the model in full would apply to it.
"""

from collections.abc import Iterable, Sequence

from ..catalog.catalog import Catalog
from ..catalog.trimming import trimmed
from ..errors import UnknownModel
from ..suggest import nearest
from .book import Book


def must_be_known(names: Sequence[str], book: Book, catalog: Catalog) -> None:
    """Raise `UnknownModel` for a name without an author that is neither an alias nor listed."""
    for name in names:
        if not is_model(name, book, catalog):
            raise UnknownModel(_message(trimmed(name), book, catalog))


def is_model(name: str, book: Book, catalog: Catalog) -> bool:
    """Whether a name may be a model: it has an author, or is an alias or listed."""
    if "/" in name:
        return True
    named = trimmed(name)
    is_listed = catalog.model(named) is not None or catalog.id_of(named) is not None
    return is_listed or book.alias_of(name) is not None


def _message(name: str, book: Book, catalog: Catalog) -> str:
    meant = _meant(name, book.aliases, catalog)
    hint = f"did you mean {meant}?" if meant else "write author/model, such as qwen/qwen3-coder"
    return (
        f'"{name}" is neither an alias in the policies nor a model of OpenRouter\'s, whose names '
        f"are author/model; {hint} To use this name, add it to a policy file under aliases: "
        f"{{{name}: {{model: {meant or 'AUTHOR/MODEL'}}}}}"
    )


def _meant(name: str, aliases: Iterable[str], catalog: Catalog) -> str | None:
    """The alias or slug whose name, or part after the author, is the most similar."""
    slugs = {_bare(slug): slug for slug in catalog.models}
    known = {**slugs, **{_bare(alias): alias for alias in aliases}}
    near = nearest(_bare(name), known)
    return known[near] if near else None


def _bare(name: str) -> str:
    """A name as users type it: no author, and dashes for dots."""
    return name.rpartition("/")[2].replace(".", "-").lower()
