"""The secret by which sessions are guessed: random, made once per installation, kept in a file."""

import secrets
from pathlib import Path

from app.errors import SettingsError, reason_of
from app.policy.session_guess import SECRET_BYTES, guessed_session
from app.policy.sessions import Session
from app.policy.slices import Fields
from app.record.exchange import Guess

_FILE = "session-guess.key"


def guessing(folder: Path) -> Guess:
    """A function that guesses sessions with the secret in `folder`, which is made if missing.

    Raises `SettingsError` if the file can't be read, written or used.
    """
    secret = _secret(folder / _FILE)

    def guess(fields: Fields, dialect: str, caller: str | None) -> Session | None:
        return guessed_session(fields, dialect, caller, secret)

    return guess


def _secret(file: Path) -> bytes:
    try:
        secret = file.read_bytes() if file.exists() else _new(file)
    except OSError as error:
        raise SettingsError(
            f"{file} can't be used: {reason_of(error)}; let this user read and write it, "
            "or unset POINTSMAN_GUESS_SESSIONS"
        ) from None
    if len(secret) != SECRET_BYTES:
        raise SettingsError(
            f"{file} is not a key of {SECRET_BYTES} bytes; delete it and start again"
        )
    return secret


def _new(file: Path) -> bytes:
    """Write a new secret that only this user can read. The file appears whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(secrets.token_bytes(SECRET_BYTES))
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.read_bytes()
