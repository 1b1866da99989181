"""The policies that a command works on: those that a server with its settings would apply."""

from pathlib import Path

from ..policy.book import Book
from ..policy_folder import policy_folder, read_folder
from ..settings import Settings


def folder_of(settings: Settings) -> Path:
    """The folder of policy files in force."""
    return policy_folder(settings.policies, settings.own_policies)


def book_of(settings: Settings) -> Book:
    """The book of that folder. Raises `PolicyFileError`."""
    return read_folder(folder_of(settings))
