"""A receipt beside the policies of today, as `pointsman explain` shows it."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..ledger.receipt import Receipt
from ..policy.book import Book
from ..policy.route import Route
from .log_table import moment, style_of
from .terminal import Table


def then_and_now(receipt: Receipt, book: Book) -> dict[str, Any]:
    """The receipt's verdict and policy version beside the present version, for machines."""
    return {
        "id": receipt.id,
        "path": receipt.path,
        "caller": receipt.caller,
        "user_agent": receipt.user_agent,
        "verdict": receipt.verdict,
        "rules": receipt.rules,
        "book": receipt.book,
        "same_book": receipt.book == book.revision,
    }


def rendered(receipt: Receipt, route: Route, revision: str, *, guessed: bool) -> Group:
    """The request of a receipt, its verdict then, and what has changed in the policies since."""
    verdict, version = receipt.verdict or "no verdict", receipt.book
    same = version == revision
    facts = {
        "caller": receipt.caller,
        "tool": receipt.user_agent,
        "path": receipt.path,
        "verdict": Text(verdict, style=style_of(verdict)),
        "judged under": f"policy version {version}" if version else "no policy version",
        "now": "the same policy version" if same else f"policy version {revision}",
        "rules then": None
        if {*receipt.rules} == {*route.rules}
        else ", ".join(receipt.rules) or "none",
    }
    table = Table(show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, value in facts.items():
        if value is not None:
            table.add_row(label, value)
    parts: list[RenderableType] = [
        Text(f"receipt {receipt.id}  {moment(receipt.started_at)}"),
        table,
    ]
    if guessed:
        note = "a receipt lacks the request's own provider object; add it with --provider"
        parts.append(Text(note, style="dim"))
    return Group(*parts, Text())
