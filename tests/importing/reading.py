"""What an imported policy comes to: the book it makes, and what is sent for a name."""

import textwrap
from typing import Any

from app.catalog.catalog import EMPTY
from app.importing.policy_file import Imported, import_file
from app.policy.book import Book
from app.policy.file.parse import read_book
from app.policy.request import request_for
from app.policy.tags import without_tiers

CANARY = "sk-or-v1-canary-that-must-not-be-copied"


def imported(text: str, tool: str | None = None) -> Imported:
    return import_file("theirs", textwrap.dedent(text), tool)


def book_of(policy: Imported) -> Book:
    return read_book({"ours.yaml": policy.text})


def sent(policy: Imported, asked: str) -> tuple[str, dict[str, Any]]:
    """The model that is asked of the router for a name, and the provider object beside it.

    As people write it: whoever is ignored is sent with its service tiers.
    """
    route = book_of(policy).route_for(request_for(asked), caller=None, user_agent="", catalog=EMPTY)
    assert route.conflict is None
    asked_for = dict(route.preferences)
    if "ignore" in asked_for:
        asked_for["ignore"] = without_tiers(asked_for["ignore"])
    return route.model_sent, asked_for


def told(policy: Imported) -> str:
    """All that is said about what was left out."""
    return "\n".join(map(str, policy.left))
