"""Sessions guessed with the secret of this installation, or with one that replicas share."""

from pathlib import Path

from pydantic import SecretStr

from ..policy.session_guess import guessed_session
from ..policy.sessions import Session
from ..policy.slices import Fields
from .exchange import Guess
from .secret import secret_of

_FILE = "session-guess.key"


def guessing(folder: Path, shared: SecretStr | None = None) -> Guess:
    """A function that guesses sessions with the secret in `folder`, which is made if missing.

    With a `shared` secret, all that have it guess alike, and the folder is not touched. Raises
    `SettingsError` if the file can't be read, written or used.
    """
    otherwise = "unset POINTSMAN_GUESS_SESSIONS"
    secret = secret_of(folder / _FILE, shared, otherwise=otherwise)

    def guess(fields: Fields, dialect: str, caller: str | None) -> Session | None:
        return guessed_session(fields, dialect, caller, secret)

    return guess
