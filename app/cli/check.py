"""`pointsman check`: what is wrong with the policy files, before a request finds out."""

from rich.console import Console

from app.policy_folder import policy_folder, read_folder
from app.settings import Settings


def check(settings: Settings) -> None:
    """Print what the folder holds. Raises `PolicyFileError` with every mistake there is."""
    folder = policy_folder(settings.policies)
    book = read_folder(folder)
    Console().print(
        f"{folder}: {len(book.rules)} rules and {len(book.aliases)} aliases, book {book.revision}",
        highlight=False,
    )
