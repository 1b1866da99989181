"""The secret by which sessions are guessed: random, made once per installation, kept in a file."""

from pathlib import Path

from app.policy.session_guess import SECRET_BYTES, guessed_session
from app.policy.sessions import Session
from app.policy.slices import Fields
from app.record.exchange import Guess
from app.record.secret import secret_in

_FILE = "session-guess.key"


def guessing(folder: Path) -> Guess:
    """A function that guesses sessions with the secret in `folder`, which is made if missing.

    Raises `SettingsError` if the file can't be read, written or used.
    """
    otherwise = "unset POINTSMAN_GUESS_SESSIONS"
    secret = secret_in(folder / _FILE, SECRET_BYTES, otherwise=otherwise)

    def guess(fields: Fields, dialect: str, caller: str | None) -> Session | None:
        return guessed_session(fields, dialect, caller, secret)

    return guess
